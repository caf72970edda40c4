"""The tree of a rule: what the index and the code generator understand, and `Opaque` for what only datalogic does.

Law: nodes are immutable, comparable and hashable by value; each has the exact meaning datalogic gives the logic it was
read from, or it is ``Opaque``. Nothing here decides truth.

Only the written forms whose meaning was checked against datalogic's source are read; every other form (a computed
path, an operator with an unusual number of arguments, ``reduce``, dates ...) stays opaque and is evaluated by datalogic.
"""

from collections.abc import Callable
from sys import intern
from typing import Final, Literal, NamedTuple, TypeAlias

import orjson

from rulesd.logic.guard import Logic
from rulesd.logic.operators import OPERATORS

Path: TypeAlias = tuple[str, ...]
"Keys from the document's root; a segment of digits also indexes a list."

Scalar: TypeAlias = bool | int | float | str | None
Kind: TypeAlias = Literal["null", "bool", "num", "str", "list"]


class Const(NamedTuple):
    """A literal. ``kind`` keeps ``true`` and ``1`` apart, which Python's equality does not."""

    op: str
    kind: Kind
    value: "Scalar | tuple[Const, ...]"


class Var(NamedTuple):
    """A field of the document (``var``), or of the current item of a list (``item``)."""

    op: str
    path: Path
    default: Const | None = None


class Cmp(NamedTuple):
    """One of ``== != === !== < <= > >=`` between two values."""

    op: str
    left: "Node"
    right: "Node"


class Many(NamedTuple):
    """``and`` / ``or`` of one or more."""

    op: str
    items: "tuple[Node, ...]"


class If(NamedTuple):
    """``if`` with exactly three parts."""

    op: str
    condition: "Node"
    then: "Node"
    other: "Node"


class Unary(NamedTuple):
    """``! !! lower upper trim length`` of one value."""

    op: str
    value: "Node"


class Binary(NamedTuple):
    """``in starts_with ends_with + - * /`` of two values."""

    op: str
    left: "Node"
    right: "Node"


class Substr(NamedTuple):
    """``substr`` with literal positions."""

    op: str
    value: "Node"
    start: int
    length: int | None


class Missing(NamedTuple):
    """``missing``; ``exists`` is the negation of it in meaning, with a path of its own."""

    op: str
    paths: tuple[tuple[str, Path], ...]


class Quantifier(NamedTuple):
    """``some``, ``all``, ``none`` over a field, with a condition on the item."""

    op: str
    source: Var
    body: "Node"


class Added(NamedTuple):
    """An operator of rulesd's own with a constant second argument (as JSON text)."""

    op: str
    value: "Node"
    argument: str


class Opaque(NamedTuple):
    """Whatever else: datalogic alone knows what it means."""

    op: str
    text: str


Node: TypeAlias = (
    Const | Var | Cmp | Many | If | Unary | Binary | Substr | Missing | Quantifier | Added | Opaque
)

TRUE: Final = Const("const", "bool", True)
FALSE: Final = Const("const", "bool", False)
NULL: Final = Const("const", "null", None)

COMPARISONS: Final = frozenset(("==", "!=", "===", "!==", "<", "<=", ">", ">="))
MAX_DEPTH: Final = 40
"Deeper trees stay opaque: nobody wrote them by hand, and analysis is recursive."

SAFE_INT: Final = 2**53


Known: TypeAlias = "dict[tuple[object, ...], Node | None]"
"Comparisons read before: ten thousand rules compare the same few fields with the same few values."


def parse(logic: Logic, known: "Known | None" = None) -> Node:
    """Read a plain, accepted rule; rules read with the same ``known`` share what is equal in them."""
    return _Reader("var", {} if known is None else known).read(logic, 0)


def opaque(logic: Logic) -> Opaque:
    """The node for something only datalogic understands."""
    return Opaque("opaque", orjson.dumps(logic).decode())


def is_index(segment: str) -> bool:
    """Whether datalogic would use this segment to index a list."""
    return segment.isascii() and segment.removeprefix("+").isdigit()


class _Reader:
    """Reads one scope: the document (``var``) or the items of a list (``item``)."""

    __slots__ = ("known", "scope")

    def __init__(self, scope: str, known: Known) -> None:
        self.scope = scope
        self.known = known

    def read(self, logic: Logic, depth: int) -> Node:
        if isinstance(logic, dict):
            if len(logic) != 1 or depth > MAX_DEPTH:
                return opaque(logic)
            ((operator, argument),) = logic.items()
            reader = _READERS.get(operator)
            if reader is None:
                return self._added(operator, argument, depth) or opaque(logic)
            return reader(self, operator, argument, depth + 1) or opaque(logic)
        return constant(logic) or opaque(logic)

    def several(self, argument: Logic, depth: int) -> tuple[Node, ...]:
        if isinstance(argument, list):
            return tuple([self.read(item, depth) for item in argument])
        return (self.read(argument, depth),)

    def _added(self, operator: str, argument: Logic, depth: int) -> Node | None:
        if operator not in OPERATORS or not isinstance(argument, list) or len(argument) != 2:
            return None
        return Added(operator, self.read(argument[0], depth), orjson.dumps(argument[1]).decode())

    def var(self, operator: str, argument: Logic, _depth: int) -> Node | None:
        items = argument if isinstance(argument, list) else [argument]
        if not items or len(items) > 2 or not isinstance(items[0], str):
            return None
        if items[0] == "":
            return Var("item", ()) if self.scope == "item" and len(items) == 1 else None
        path = tuple(map(intern, items[0].split(".")))
        default = constant(items[1]) if len(items) == 2 else None
        if path[0] in ("current", "accumulator") or (len(items) == 2 and default is None):
            return None
        return Var(self.scope, path, default)

    def val(self, operator: str, argument: Logic, _depth: int) -> Node | None:
        items = argument if isinstance(argument, list) else [argument]
        path = tuple(item for item in items if isinstance(item, str) and item)
        if not path or len(path) != len(items) or path[0] in ("current", "accumulator"):
            return None
        return Var(self.scope, path)

    def compare(self, operator: str, argument: Logic, depth: int) -> Node | None:
        if not isinstance(argument, list) or len(argument) < 2:
            return None
        if len(argument) == 2:
            return self._two_compared(operator, argument[0], argument[1], depth)
        items = self.several(argument, depth)
        if operator in ("!=", "!=="):
            return None
        lefts = (items[0],) * (len(items) - 1) if operator in ("==", "===") else items[:-1]
        return Many(
            "and", tuple(Cmp(operator, a, b) for a, b in zip(lefts, items[1:], strict=True))
        )

    def _two_compared(self, operator: str, left: Logic, right: Logic, depth: int) -> Node | None:
        """The usual comparison, of a field and a literal, is read once for all rules."""
        name = left.get("var") if isinstance(left, dict) and len(left) == 1 else None
        if name.__class__ is not str or isinstance(right, (list, dict)) or depth >= MAX_DEPTH:
            return Cmp(operator, self.read(left, depth), self.read(right, depth))
        key = (operator, self.scope, name, right.__class__, right)
        found = self.known.get(key)
        if found is None:
            found = Cmp(operator, self.read(left, depth), self.read(right, depth))
            self.known[key] = found
        return found

    def many(self, operator: str, argument: Logic, depth: int) -> Node | None:
        if not isinstance(argument, list):
            return None
        items = self.several(argument, depth)
        if len(items) < 2:
            return items[0] if items else NULL
        return Many(operator, items)

    def choose(self, operator: str, argument: Logic, depth: int) -> Node | None:
        if not isinstance(argument, list) or len(argument) < 2:
            return None
        items = self.several(argument, depth)
        rest: Node = items[-1] if len(items) % 2 else NULL
        for i in range((len(items) // 2) * 2 - 2, -1, -2):
            rest = If("if", items[i], items[i + 1], rest)
        return rest

    def one(self, operator: str, argument: Logic, depth: int) -> Node | None:
        items = self.several(argument, depth)
        return Unary(operator, items[0]) if len(items) == 1 else None

    def two(self, operator: str, argument: Logic, depth: int) -> Node | None:
        items = self.several(argument, depth)
        return Binary(operator, items[0], items[1]) if len(items) == 2 else None

    def substr(self, operator: str, argument: Logic, depth: int) -> Node | None:
        if not isinstance(argument, list) or len(argument) not in (2, 3):
            return None
        start = argument[1]
        length = argument[2] if len(argument) == 3 else None
        if type(start) is not int or (len(argument) == 3 and type(length) is not int):
            return None
        return Substr(
            "substr", self.read(argument[0], depth), start, length if type(length) is int else None
        )

    def missing(self, operator: str, argument: Logic, _depth: int) -> Node | None:
        items = argument if isinstance(argument, list) else [argument]
        if len(items) == 1 and isinstance(items[0], list):
            items = items[0]
        names = [item for item in items if isinstance(item, str) and item]
        if self.scope != "var" or not names or len(names) != len(items):
            return None
        return Missing("missing", tuple((name, tuple(name.split("."))) for name in names))

    def exists(self, operator: str, argument: Logic, _depth: int) -> Node | None:
        items = argument if isinstance(argument, list) else [argument]
        path = tuple(item for item in items if isinstance(item, str))
        if self.scope != "var" or not path or len(path) != len(items) or any(map(is_index, path)):
            return None
        return Unary("!", Missing("missing", (("", path),)))

    def quantifier(self, operator: str, argument: Logic, depth: int) -> Node | None:
        if self.scope != "var" or not isinstance(argument, list) or len(argument) != 2:
            return None
        source = self.read(argument[0], depth)
        if not isinstance(source, Var) or source.default is not None:
            return None
        return Quantifier(operator, source, _Reader("item", self.known).read(argument[1], depth))


def constant(logic: Logic) -> Const | None:
    """The literal, if it is one: a scalar, or a list of scalars. Whole numbers beyond 2**53 are left to datalogic."""
    if logic is None:
        return NULL
    if isinstance(logic, bool):
        return TRUE if logic else FALSE
    if isinstance(logic, str):
        # One object for equal texts: ten thousand rules name the same few fields and values.
        return Const("const", "str", intern(logic))
    if isinstance(logic, (int, float)):
        return Const("const", "num", logic) if abs(logic) <= SAFE_INT else None
    if isinstance(logic, list):
        texts = [item for item in logic if isinstance(item, str)]
        if len(texts) == len(logic):
            return Const("const", "list", tuple([Const("const", "str", intern(t)) for t in texts]))
        items = tuple(constant(item) for item in logic)
        scalars = tuple(item for item in items if item is not None and item.kind != "list")
        return Const("const", "list", scalars) if len(scalars) == len(items) else None
    return None


_Read: TypeAlias = Callable[[_Reader, str, Logic, int], Node | None]

_READERS: Final[dict[str, _Read]] = {
    "var": _Reader.var,
    "val": _Reader.val,
    **dict.fromkeys(COMPARISONS, _Reader.compare),
    "and": _Reader.many,
    "or": _Reader.many,
    "if": _Reader.choose,
    "?:": _Reader.choose,
    **dict.fromkeys(("!", "!!", "lower", "upper", "trim", "length"), _Reader.one),
    **dict.fromkeys(("in", "starts_with", "ends_with", "+", "-", "*", "/"), _Reader.two),
    "substr": _Reader.substr,
    "missing": _Reader.missing,
    "exists": _Reader.exists,
    **dict.fromkeys(("some", "all", "none"), _Reader.quantifier),
}
