"""The parts of a template once it is read. Values; nothing here runs.

Law: every node that can fail knows its line.
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: text, number, boolean, or nil (``None``)."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Dot:
    """``.``: what the template looks at."""


@dataclass(frozen=True, slots=True)
class Chain:
    """``x.A.B``: fields of an operand; with ``Dot`` the plain ``.A.B``."""

    of: "Operand"
    fields: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Variable:
    """``$x``; ``$`` alone is what the template was called with."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Function:
    """A function's name."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Command:
    """An operand and its arguments."""

    operands: tuple["Operand", ...]
    line: int


@dataclass(frozen=True, slots=True)
class Pipe:
    """Commands, each fed with the value of the one before; ``names`` are the variables that get the last one."""

    commands: tuple[Command, ...]
    names: tuple[str, ...]
    declares: bool
    line: int


Operand: TypeAlias = Literal | Dot | Chain | Variable | Function | Pipe


@dataclass(frozen=True, slots=True)
class Text:
    """What stands between actions."""

    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """``{{ pipe }}``."""

    pipe: Pipe


@dataclass(frozen=True, slots=True)
class If:
    """``{{ if }}``, and ``{{ with }}`` (``moves``: the dot becomes the value)."""

    pipe: Pipe
    body: "Body"
    orelse: "Body"
    moves: bool


@dataclass(frozen=True, slots=True)
class Range:
    """``{{ range }}``."""

    pipe: Pipe
    body: "Body"
    orelse: "Body"


@dataclass(frozen=True, slots=True)
class Call:
    """``{{ template "name" pipe }}``."""

    name: str
    pipe: Pipe | None
    line: int


@dataclass(frozen=True, slots=True)
class Jump:
    """``{{ break }}`` and ``{{ continue }}``."""

    ends: bool
    "``break``."


Node: TypeAlias = Text | Action | If | Range | Call | Jump
Body: TypeAlias = tuple[Node, ...]
