"""Read from an event only the fields that rules read.

Law: every accessor gives what datalogic's path lookup gives on the whole document. The fast form is a msgspec Struct
generated from all paths; a document that does not fit it (``data`` is a list, say) is decoded whole and read through the
dictionary form, with the same answers. No text of a rule is ever part of generated code: fields are numbered.

    Form.STRUCT   ``e`` is the Struct msgspec decoded from the bytes
    Form.DICT     ``e`` is a tuple of the dictionaries that hold fields: the document, its ``data``, ...
    Form.NAMES    those dictionaries are local names, ``d0`` the document: where one function does everything
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import UNSET

from rulesd.logic.syntax import Path, is_index

MAX_PARENTS: Final = 12
"Dictionaries looked up before matching in the dictionary form; fields of further ones are walked to."

_NOTHING: Final[dict[str, object]] = {}


class Form(StrEnum):
    """How a document is held while it is matched."""

    STRUCT = "struct"
    DICT = "dict"
    NAMES = "names"


def _nameable(name: str) -> bool:
    """Whether msgspec can read a field of this name."""
    return name.isprintable() and '"' not in name and "\\" not in name


def _refuse(_: bytes) -> object:
    """Stands in for the Struct when a rule reads a field it cannot have, or nobody asks with bytes: events are decoded whole."""
    raise msgspec.ValidationError


class Projection:
    """The fields that a set of rules reads, numbered, and how to reach each."""

    def __init__(
        self, paths: Iterable[Path], precise: Iterable[Path], *, bytes_too: bool = True
    ) -> None:
        self.paths: tuple[Path, ...] = tuple(sorted(set(paths)))
        self._precise = frozenset(precise)
        lists = (
            path[:end]
            for path in self.paths
            for end in range(1, len(path))
            if is_index(path[end]) or not _nameable(path[end])
        )
        self._entire = frozenset((*self.paths, *lists))
        self.numbers: Mapping[Path, int] = {path: i for i, path in enumerate(self.paths)}
        self._terminals = {path: self._terminal(path) for path in self.paths}
        self._unset = frozenset(self._terminals[path] for path in self._precise)
        self._parents: tuple[Path, ...] = self._choose_parents()
        self._names: dict[Path, str] = {}
        self.namespace: dict[str, object] = {}
        self.decode: Callable[[bytes], object] = _refuse
        if bytes_too and all(_nameable(path[0]) for path in self.paths):
            struct = self._struct((), frozenset(self._terminals.values()))
            self.decode = msgspec.json.Decoder(struct).decode

    def is_precise(self, path: Path) -> bool:
        """Whether a missing field is told from null here: asked for, or a part of the field asks for it."""
        return path in self._precise or path in self._unset

    def _terminal(self, path: Path) -> Path:
        """The shortest prefix that is read as a whole, or may be a list to be indexed."""
        for end in range(1, len(path)):
            if path[:end] in self._entire:
                return path[:end]
        return path

    def _choose_parents(self) -> tuple[Path, ...]:
        found = {terminal[:-1] for terminal in self._terminals.values()}
        for path in tuple(found):  # order-free: a set takes them in any order
            found.update(path[:end] for end in range(len(path)))
        ordered = sorted(found | {()}, key=lambda path: (len(path), path))
        return tuple(ordered[:MAX_PARENTS])

    def _struct(self, at: Path, terminals: frozenset[Path]) -> type[msgspec.Struct]:
        depth = len(at)
        names = sorted({terminal[depth] for terminal in terminals})
        fields: list[tuple[str, object, object]] = []
        rename: dict[str, str] = {}
        for i, name in enumerate(names):
            below = (*at, name)
            rename[f"f{i}"] = name
            if below in terminals:
                default: object = UNSET if below in self._unset else None
                fields.append((f"f{i}", object, default))
            else:
                kind = self._struct(
                    below, frozenset(t for t in terminals if t[: depth + 1] == below)
                )
                fields.append((f"f{i}", kind, kind()))
            self._names[below] = f"f{i}"
        # Frozen, so that an instance may be a default; without gc, because it holds one event only.
        return msgspec.defstruct(
            "Event", fields, rename=rename, frozen=True, gc=False, omit_defaults=True, kw_only=True
        )

    def load(self, path: Path, form: Form) -> list[str]:
        """Statements that put the field into ``v<number>`` (null when missing) and, if precise, ``r<number>``."""
        number = self.numbers[path]
        source = self._source(path, form)
        if not self.is_precise(path):
            return [f"v{number} = {source}"]
        return [f"r{number} = {source}", f"v{number} = None if r{number} is UNSET else r{number}"]

    def _source(self, path: Path, form: Form) -> str:
        terminal = self._terminals[path]
        otherwise = "UNSET" if self.is_precise(path) else "None"
        if form is Form.STRUCT and self.decode is _refuse:
            return "None"
        if form is Form.STRUCT:
            whole = "e." + ".".join(
                self._names[terminal[: end + 1]] for end in range(len(terminal))
            )
            start = len(terminal)
        elif terminal[:-1] in self._parents:
            default = ", UNSET" if self.is_precise(path) and path == terminal else ""
            parent = self._parents.index(terminal[:-1])
            holder = f"d{parent}" if form is Form.NAMES else f"e[{parent}]"
            whole = f"{holder}.get({self._named('K', terminal[-1])}{default})"
            start = len(terminal)
        else:
            whole, start = "d0" if form is Form.NAMES else "e[0]", 0
        if start == len(path):
            return whole
        return f"step({whole}, {self._named('P', path[start:])}, {otherwise})"

    def _named(self, prefix: str, value: object) -> str:
        for name, known in self.namespace.items():
            if name[0] == prefix and known == value:
                return name
        name = f"{prefix}{len(self.namespace)}"
        self.namespace[name] = value
        return name

    def parents(self, document: Mapping[str, object]) -> tuple[Mapping[str, object], ...]:
        """The dictionary form of a document."""
        found: dict[Path, Mapping[str, object]] = {(): document}
        for path in self._parents[1:]:
            value = found[path[:-1]].get(path[-1])
            found[path] = value if isinstance(value, dict) else _NOTHING
        return tuple(found.values())

    def parents_source(self) -> str:
        """Source of a faster ``parents``: a function ``parents(d0)``."""
        names = ", ".join(f"d{i}" for i in range(len(self._parents)))
        return "\n    ".join(("def parents(d0):", *self.name_parents(), f"return ({names},)"))

    def name_parents(self) -> list[str]:
        """Statements that put the dictionaries below ``d0`` into ``d1``, ``d2`` ..."""
        lines: list[str] = []
        for i, path in enumerate(self._parents[1:], 1):
            above = self._parents.index(path[:-1])
            lines.append(f"d{i} = d{above}.get({self._named('K', path[-1])})")
            lines.append(f"if d{i}.__class__ is not dict: d{i} = NOTHING")
        return lines

    def cut(self, document: Mapping[str, object]) -> dict[str, object]:
        """The part of a document that rules read, for datalogic."""
        result: dict[str, object] = {}
        for terminal in dict.fromkeys(self._terminals.values()):
            source: object = document
            target = result
            for i, segment in enumerate(terminal):
                if not isinstance(source, dict) or segment not in source:
                    break
                source = source[segment]
                if i + 1 == len(terminal) or not isinstance(source, dict):
                    target[segment] = source
                    break
                below = target.setdefault(segment, {})
                if not isinstance(below, dict):
                    break
                target = below
        return result


EMPTY_NAMESPACE: Final[dict[str, object]] = {"UNSET": UNSET, "NOTHING": _NOTHING}
