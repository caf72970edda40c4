"""One file of the operator's, read: plain data, and the line and column of every key and value in it.

Law: reading never raises and never guesses. What cannot be read is a problem at a place; what can be read is plain JSON
data of bounded size and depth.
"""

from dataclasses import dataclass
from typing import TypeAlias

from rulesd.model.event import Json

Path_: TypeAlias = tuple[str | int, ...]
"Keys and positions from the top of a file to a value in it."

Place: TypeAlias = tuple[int, int]
"Line and column, counted from 1."

MAX_BYTES = 1024 * 1024
"Length of one file."

MAX_DEPTH = 100
"Levels of nesting in one file."

MAX_VALUES = 100_000
"Values in one file, aliases written out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value and where it stands."""

    place: Place
    data: Json
    fields: "dict[str, tuple[Place, Node]] | None" = None
    "Of a mapping: each key's place and its value."

    items: "list[Node] | None" = None
    span: tuple[int, int] = (0, 0)
    "Of a scalar: first character and the one after the last, in the file's text."


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file that could be read."""

    name: str
    "``rules/tools/scope.yaml`` or ``notifiers/owners.yaml``: the same wherever the folders lie."

    shown: str
    "The path for messages, relative to what the operator gave."

    root: Node
    text: str

    @property
    def data(self) -> Json:
        """What the file says."""
        return self.root.data

    def place(self, path: Path_, *, key: bool = False) -> Place:
        """Where the value at ``path`` (or its key) stands; for what is not there, the nearest thing around it."""
        node, key_place = self.root, self.root.place
        for step in path:
            if node.fields is not None and isinstance(step, str) and step in node.fields:
                key_place, node = node.fields[step]
            elif node.items is not None and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
                key_place = node.place
            else:
                return key_place if key else node.place
        return key_place if key else node.place

    def node(self, path: Path_) -> Node | None:
        """The value at ``path`` with its place, if there is one."""
        node = self.root
        for step in path:
            if node.fields is not None and isinstance(step, str) and step in node.fields:
                node = node.fields[step][1]
            elif node.items is not None and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
            else:
                return None
        return node


def at_pointer(pointer: str) -> Path_:
    """An RFC 6901 pointer as a path; a step of digits is a position."""
    if not pointer:
        return ()
    steps = [s.replace("~1", "/").replace("~0", "~") for s in pointer.lstrip("/").split("/")]
    return tuple(int(s) if s.isdecimal() else s for s in steps)
