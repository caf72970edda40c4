"""Rewrite a rule for events about which something is already known.

Law: for every document that has the known facts, the result is true, false or raising exactly when the rule is. An index
key that was found says "this field is this text" or "this condition held"; what is left is the residual condition. Only
positions where nothing but truth matters are rewritten; a part that might raise is never dropped before its time.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from rulesd.logic.raises import can_raise
from rulesd.logic.semantics import (
    Slow,
    at_most,
    contains,
    ends,
    less,
    loose_equal,
    starts,
    strict_equal,
    substr,
)
from rulesd.logic.syntax import (
    FALSE,
    TRUE,
    Added,
    Binary,
    Cmp,
    Const,
    If,
    Many,
    Missing,
    Node,
    Path,
    Substr,
    Unary,
    Var,
)


class Known(NamedTuple):
    """Facts about the document."""

    values: Mapping[Path, Const]
    "Fields whose value is known."

    held: frozenset[int]
    "Conditions known to be true (and not to raise), by their identity."


NOTHING: Final = Known({}, frozenset())


def simplify(node: Node, known: Known) -> Node:
    """The residual of ``node``, of which only truth is asked."""
    if id(node) in known.held:
        return TRUE
    if isinstance(node, Many):
        return _and(node, known) if node.op == "and" else _or(node, known)
    if isinstance(node, If):
        condition = simplify(node.condition, known)
        if isinstance(condition, Const):
            return simplify(node.then if truth(condition) else node.other, known)
        return If("if", condition, simplify(node.then, known), simplify(node.other, known))
    if isinstance(node, Unary) and node.op in ("!", "!!"):
        inner = simplify(node.value, known)
        if isinstance(inner, Const):
            return TRUE if truth(inner) is (node.op == "!!") else FALSE
        return inner if node.op == "!!" else _not(inner)
    if isinstance(node, Cmp):
        return fold(Cmp(node.op, _value(node.left, known), _value(node.right, known)))
    if isinstance(node, Binary):
        return fold(Binary(node.op, _value(node.left, known), _value(node.right, known)))
    value = _value(node, known)
    if isinstance(value, Const):
        return TRUE if truth(value) else FALSE
    return Unary("!!", value) if isinstance(value, Missing) else value


def _not(inner: Node) -> Node:
    if isinstance(inner, Unary) and inner.op == "!":
        return Unary("!!", inner.value)
    return Unary("!", inner)


def _and(node: Many, known: Known) -> Node:
    kept: list[Node] = []
    for item in node.items:
        left = simplify(item, known)
        if left == TRUE and isinstance(left, Const):
            continue
        if isinstance(left, Const):
            if not any(map(can_raise, kept)):
                return FALSE
            return Many("and", (*kept, FALSE))
        if isinstance(left, Many) and left.op == "and":
            kept.extend(left.items)
        else:
            kept.append(left)
    if not kept:
        return TRUE
    return kept[0] if len(kept) == 1 else Many("and", tuple(kept))


def _or(node: Many, known: Known) -> Node:
    kept: list[Node] = []
    for item in node.items:
        left = simplify(item, known)
        if isinstance(left, Const):
            if left == FALSE:
                continue
            if not any(map(can_raise, kept)):
                return TRUE
            return Many("or", (*kept, TRUE))
        if isinstance(left, Many) and left.op == "or":
            kept.extend(left.items)
        else:
            kept.append(left)
    if not kept:
        return FALSE
    return kept[0] if len(kept) == 1 else Many("or", tuple(kept))


def _value(node: Node, known: Known) -> Node:
    """The same value with known fields written in."""
    if isinstance(node, Var):
        return known.values.get(node.path, node) if node.op == "var" else node
    if not known.values:
        return node
    if isinstance(node, Substr):
        value = _value(node.value, known)
        if isinstance(value, Const) and value.kind == "str":
            return Const("const", "str", substr(value.value, node.start, node.length))
        return Substr("substr", value, node.start, node.length)
    if isinstance(node, Unary) and node.op not in ("!", "!!"):
        return Unary(node.op, _value(node.value, known))
    if isinstance(node, Binary):
        return Binary(node.op, _value(node.left, known), _value(node.right, known))
    if isinstance(node, Cmp):
        return fold(Cmp(node.op, _value(node.left, known), _value(node.right, known)))
    if isinstance(node, Added):
        return Added(node.op, _value(node.value, known), node.argument)
    return node


def fold(node: Cmp | Binary) -> Node:
    """The truth of a comparison of two literals, where it is certain."""
    left, right = node.left, node.right
    if not isinstance(left, Const) or not isinstance(right, Const):
        return node
    try:
        return TRUE if _FOLDS[node.op](plain(left), plain(right)) else FALSE
    except (Slow, KeyError):
        return node


def plain(const: Const) -> object:
    """The Python value of a literal."""
    if isinstance(const.value, tuple):
        return [plain(item) for item in const.value]
    return const.value


def truth(const: Const) -> bool:
    """Whether a literal is truthy: as in Python, and an empty object or list is not."""
    return bool(const.value)


_FOLDS: Final = {
    "===": strict_equal,
    "!==": lambda a, b: not strict_equal(a, b),
    "==": loose_equal,
    "!=": lambda a, b: not loose_equal(a, b),
    "<": less,
    "<=": at_most,
    ">": lambda a, b: less(b, a),
    ">=": lambda a, b: at_most(b, a),
    "in": contains,
    "starts_with": starts,
    "ends_with": ends,
}

__all__ = ["NOTHING", "Known", "fold", "plain", "simplify", "truth"]
