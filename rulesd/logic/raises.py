"""When can evaluating a rule raise? The index must find those evaluations too, or an error would be a silent miss.

Law: an over-estimate. Each ``Trouble`` says: the evaluation can raise here, if these conditions were true before it and
this field has one of these types. No ``Trouble`` means it never raises, for any document.

datalogic's operators raise on types, nearly always: ``==`` between text and a number or anything and a container, ``<``
on text that is no number, ``length`` of a number. Fields that events fill with the usual type never get here.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

from rulesd.logic.syntax import (
    Added,
    Binary,
    Cmp,
    Const,
    If,
    Many,
    Missing,
    Node,
    Path,
    Quantifier,
    Substr,
    Unary,
    Var,
)


class Trouble(NamedTuple):
    """One place where a rule can raise."""

    guards: tuple[Node, ...]
    "Conditions that are true whenever evaluation gets here."

    path: Path | None
    "The field whose type decides; ``None`` when it cannot be told."

    types: frozenset[type]
    "The types with which it can raise."

    item: Path | None = None
    "If the field is a list: the field of its items whose type decides."


CONTAINERS: Final = frozenset((list, dict))
TEXTUAL: Final = CONTAINERS | {str}
NUMERIC: Final = CONTAINERS | {int, float}
NOT_TEXT: Final = NUMERIC | {bool}
ANYTHING: Final = TEXTUAL | NOT_TEXT | {type(None)}


def can_raise(node: Node) -> bool:
    """Whether any document makes it raise."""
    return next(troubles(node), None) is not None


def troubles(node: Node, guards: tuple[Node, ...] = ()) -> Iterator[Trouble]:
    """Every place where ``node`` can raise, given that ``guards`` are true."""
    if isinstance(node, (Const, Var, Missing)):
        return
    if isinstance(node, Many):
        before = guards
        for item in node.items:
            yield from troubles(item, before)
            if node.op == "and":
                before = (*before, item)
        return
    if isinstance(node, If):
        yield from troubles(node.condition, guards)
        yield from troubles(node.then, (*guards, node.condition))
        yield from troubles(node.other, guards)
        return
    if isinstance(node, Cmp):
        yield from chain(troubles(node.left, guards), troubles(node.right, guards))
        yield from _comparison(node, guards)
        return
    yield from _operator(node, guards)


def lists_last(node: Node) -> Node:
    """A conjunction with its quantifiers at the end, because they cost most.

    It is true for the same documents. It may raise for fewer, so the types of items are watched apart; a quantifier for
    which that cannot be done keeps its place.
    """
    if not isinstance(node, Many) or node.op != "and":
        return node
    late = [item for item in node.items if _can_wait(item)]
    return (
        Many("and", (*(item for item in node.items if not _can_wait(item)), *late))
        if late
        else node
    )


def _can_wait(node: Node) -> bool:
    return isinstance(node, Quantifier) and all(
        trouble.item is not None for trouble in troubles(node)
    )


def _operator(node: Node, guards: tuple[Node, ...]) -> Iterator[Trouble]:
    if isinstance(node, Unary):
        yield from troubles(node.value, guards)
        if node.op == "length":
            yield from _on(node.value, ANYTHING - {str, list}, guards)
    elif isinstance(node, Substr):
        yield from troubles(node.value, guards)
    elif isinstance(node, Binary):
        yield from chain(troubles(node.left, guards), troubles(node.right, guards))
        if node.op in ("+", "-", "*"):
            yield from _on(node.left, TEXTUAL, guards)
            yield from _on(node.right, TEXTUAL, guards)
        elif node.op == "/":
            yield Trouble(guards, None, ANYTHING)  # Dividing by zero raises for some zeros.
    elif isinstance(node, Quantifier):
        for inner in troubles(node.body):
            if inner.path is None:
                yield Trouble(guards, None, ANYTHING)
            else:
                yield Trouble(guards, node.source.path, inner.types, inner.path)
    elif isinstance(node, Added):
        yield from troubles(node.value, guards)
        wrong = ANYTHING - {type(None), list if node.op == "overlap" else str}
        yield from _on(node.value, wrong, guards)
    else:
        yield Trouble(guards, None, ANYTHING)


def _comparison(node: Cmp, guards: tuple[Node, ...]) -> Iterator[Trouble]:
    if node.op in ("===", "!=="):
        return
    loose = node.op in ("==", "!=")
    if isinstance(node.left, Const) and isinstance(node.right, Const):
        yield Trouble(guards, None, ANYTHING)
        return
    for one, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(one, Const):
            if one.kind == "list":
                yield Trouble(guards, None, ANYTHING)
            continue
        yield from _on(one, _wrong(other, loose=loose), guards)


def _wrong(other: Node, *, loose: bool) -> frozenset[type]:
    """The types that a comparison with ``other`` can raise on."""
    if not isinstance(other, Const):
        return TEXTUAL
    if other.kind == "str":
        return NUMERIC
    if other.kind == "num":
        return TEXTUAL
    if other.kind == "list":
        return ANYTHING
    return CONTAINERS


def _on(node: Node, types: frozenset[type], guards: tuple[Node, ...]) -> Iterator[Trouble]:
    """Trouble if ``node`` has one of the types: told from the field it is, or from what its operator can give."""
    if isinstance(node, Var) and (node.default is None or not types & _results(node.default)):
        yield Trouble(guards, node.path, types)
    elif types & _results(node):
        yield Trouble(guards, None, types)


def _results(node: Node) -> frozenset[type]:
    """The types an operator's result can have."""
    if isinstance(node, Const):
        return frozenset((type(node.value),)) if node.kind != "list" else frozenset((list,))
    if isinstance(node, Substr) or (
        isinstance(node, Unary) and node.op in ("lower", "upper", "trim")
    ):
        return frozenset((str,))
    if isinstance(node, (Cmp, Quantifier, Added)) or (
        isinstance(node, Unary) and node.op in ("!", "!!")
    ):
        return frozenset((bool,))
    if isinstance(node, Unary) and node.op == "length":
        return frozenset((int,))
    if isinstance(node, Missing):
        return frozenset((list,))
    if isinstance(node, Binary):
        return (
            frozenset((bool,))
            if node.op in ("in", "starts_with", "ends_with")
            else frozenset((int, float))
        )
    return ANYTHING
