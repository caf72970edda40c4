"""What must be true of a document for a rule to be true: the conditions an index can look up.

Law: if the rule is true for a document, then at least one of its ``Conjunction``s is (each a set of ``Atom``s, all true).
The converse need not hold; the residual decides. The number of conjunctions is bounded (``MAX_BRANCHES``): beyond that an
``or`` is left to the residual.

An atom may be used by the index only if it is found by looking at values of the usual type; every index node passes
all its rules on to datalogic when the field has another type, except for exact keys, whose false answer for a value of
another type is certain here (constants that datalogic might read as numbers, dates or booleans are not keys).
"""

from enum import IntEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from rulesd.logic.literals import wanted
from rulesd.logic.lookups import LOOKUPS
from rulesd.logic.semantics import temporal
from rulesd.logic.simplify import truth
from rulesd.logic.syntax import (
    Added,
    Binary,
    Cmp,
    Const,
    If,
    Many,
    Missing,
    Node,
    Opaque,
    Path,
    Substr,
    Unary,
    Var,
)


class Shape(IntEnum):
    """How an atom can be looked up, the cheapest and most selective first."""

    KEY = 0
    "The field is one of these texts."

    NUMBER = 1
    "The field is one of these numbers."

    FLAG = 2
    "The field is exactly true, or exactly false."

    PREFIX = 3
    "The field starts with this text."

    SUFFIX = 4
    "The field ends with this text."

    ABOVE = 5
    "The field is greater than this number, or equal to it."

    BELOW = 6
    "The field is less than this number, or equal to it."

    GATE = 7
    "Any other condition, evaluated once for all rules that need it."

    EXCEPT = 8
    "The field is none of these texts; it may be missing, or something else than text."

    LOOKUP = 9
    "The field has one of the keys of an operator of rulesd's own (``lookups``)."


class Atom(NamedTuple):
    """One necessary condition."""

    shape: Shape
    path: Path
    values: tuple[Any, ...]
    "Keys, excepted texts, prefixes or suffixes of which one is needed, or (bound,)."

    strict: bool
    "For bounds: the bound itself does not count."

    node: Node | None
    "The condition as written, when finding the atom proves it; ``None`` when only the value is known."


Conjunction: TypeAlias = tuple[Atom, ...]

ALWAYS: Final[tuple[Conjunction, ...]] = ((),)
NEVER: Final[tuple[Conjunction, ...]] = ()
MAX_BRANCHES: Final = 16

_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPPOSITE: Final = {"===": "!==", "!==": "===", "==": "!=", "!=": "=="}


Covers: TypeAlias = dict[int, "tuple[Conjunction, ...]"]
"What comparisons ask for, by their identity: many rules share them (``syntax.Known``)."


def cover(node: Node, known: Covers | None = None) -> tuple[Conjunction, ...]:
    """The conjunctions of which one is true whenever ``node`` is; ``ALWAYS`` when nothing is known.

    ``known`` holds for as long as the rules it was used with.
    """
    if isinstance(node, Cmp):
        found = known.get(id(node)) if known is not None else None
        if found is None:
            found = _single(node)
            if known is not None:
                known[id(node)] = found
        return found
    if isinstance(node, Many):
        return _every(node, known) if node.op == "and" else _either(node, known)
    if isinstance(node, Const):
        return ALWAYS if truth(node) else NEVER
    if isinstance(node, If):
        then = _product(cover(node.condition, known), cover(node.then, known))
        return _bounded(then + cover(node.other, known))
    if isinstance(node, Unary) and node.op == "!!":
        return cover(node.value, known)
    if isinstance(node, Unary) and node.op == "!":
        return _negation(node)
    return _single(node)


def _single(node: Node) -> tuple[Conjunction, ...]:
    found = _atom(node)
    return ((found,),) if found is not None else ALWAYS


def _bounded(branches: tuple[Conjunction, ...]) -> tuple[Conjunction, ...]:
    if len(branches) > MAX_BRANCHES or () in branches:
        return ALWAYS
    return branches


def _every(node: Many, known: Covers | None) -> tuple[Conjunction, ...]:
    result: tuple[Conjunction, ...] = ALWAYS
    for item in node.items:
        further = cover(item, known)
        if not further:
            return NEVER
        if len(result) == 1 and len(further) == 1:  # As nearly always.
            both = _join(result[0], further[0])
            result = (both,) if both is not None else NEVER
        elif len(result) * len(further) <= MAX_BRANCHES:
            result = _product(result, further)
    return result


def _product(
    left: tuple[Conjunction, ...], right: tuple[Conjunction, ...]
) -> tuple[Conjunction, ...]:
    joined = (_join(a, b) for a in left for b in right)
    return tuple(conjunction for conjunction in joined if conjunction is not None)


def _join(left: Conjunction, right: Conjunction) -> Conjunction | None:
    """Both; ``None`` when they contradict each other."""
    if not left or not right:
        return left or right
    result = list(left)
    for atom in right:
        same = -1
        if atom[0] is Shape.KEY:
            for i, other in enumerate(result):
                if other[0] is Shape.KEY and other[1] == atom[1]:
                    same = i
        if same < 0:
            result.append(atom)
            continue
        both = tuple([value for value in result[same].values if value in atom.values])
        if not both:
            return None
        result[same] = Atom(Shape.KEY, atom.path, both, False, None)
    return tuple(result)


def _either(node: Many, known: Covers | None) -> tuple[Conjunction, ...]:
    branches: list[Conjunction] = []
    for item in node.items:
        branches.extend(cover(item, known))
    keys = [branch[0] for branch in branches if len(branch) == 1 and branch[0].shape is Shape.KEY]
    if branches and len(keys) == len(branches) and len({key.path for key in keys}) == 1:
        values = tuple(dict.fromkeys(value for key in keys for value in key.values))
        return ((Atom(Shape.KEY, keys[0].path, values, False, None),),)
    bounded = _bounded(tuple(branches))
    if bounded == ALWAYS and not any(isinstance(item, Opaque) for item in node.items):
        return ((_gate(node),),)
    return bounded


def _negation(node: Unary) -> tuple[Conjunction, ...]:
    inner = node.value
    if isinstance(inner, Unary) and inner.op in ("!", "!!"):
        return cover(inner.value) if inner.op == "!" else _negation(Unary("!", inner.value))
    if isinstance(inner, Cmp) and inner.op in _OPPOSITE:
        opposite = Cmp(_OPPOSITE[inner.op], inner.left, inner.right)
        found = _exception(opposite, node)
        return ((found,),) if found is not None else _as_written(cover(opposite), opposite, node)
    if isinstance(inner, Binary) and inner.op == "in":
        listed = _membership(inner)
        if listed is not None and listed.shape is Shape.KEY:
            return ((Atom(Shape.EXCEPT, listed.path, listed.values, False, node),),)
    if isinstance(inner, (Cmp, Binary, Var, Missing, Added)):
        return ((_gate(node),),)
    return ALWAYS


def _as_written(
    conjunctions: tuple[Conjunction, ...], opposite: Node, node: Node
) -> tuple[Conjunction, ...]:
    """An atom that proves ``opposite`` proves the negation that was written instead."""
    return tuple(
        tuple(atom._replace(node=node) if atom.node is opposite else atom for atom in conjunction)
        for conjunction in conjunctions
    )


def _gate(node: Node) -> Atom:
    return Atom(Shape.GATE, (), (), False, node)


def _atom(node: Node) -> Atom | None:
    if isinstance(node, Cmp):
        return _comparison(node) or _gate(node)
    if isinstance(node, Binary):
        return _membership(node) or _gate(node)
    if isinstance(node, Opaque):
        return None
    if isinstance(node, Added):
        return _added(node) or _gate(node)
    return _gate(node)


def _added(node: Added) -> Atom | None:
    """What a text must be, start or end with, or which keys it must have, for one of rulesd's own operators."""
    field = node.value
    if not isinstance(field, Var) or field.op != "var" or field.default is not None:
        return None
    if node.op in LOOKUPS:
        keys = LOOKUPS[node.op].keys(node.argument)
        return Atom(Shape.LOOKUP, field.path, keys, False, node) if keys else None
    found = wanted(node.op, node.argument)
    if found is None:
        return None
    shapes = {"is": Shape.KEY, "starts": Shape.PREFIX, "ends": Shape.SUFFIX}
    return Atom(shapes[found.part], field.path, found.texts, False, node if found.exact else None)


def _comparison(node: Cmp) -> Atom | None:
    left, right, operator = node.left, node.right, node.op
    if isinstance(left, Const):
        left, right, operator = right, left, _FLIPPED.get(operator, operator)
    if not isinstance(right, Const):
        return None
    if isinstance(left, Substr):
        return _slice(node, left, right, operator)
    if not isinstance(left, Var) or left.op != "var" or left.default is not None:
        return None
    if operator in ("===", "=="):
        return _equality(node, left.path, right, strict=operator == "===")
    if operator == "!==":
        return _exception(node, node)
    if operator in _FLIPPED and right.kind == "num" and isinstance(right.value, (int, float)):
        shape = Shape.ABOVE if operator in (">", ">=") else Shape.BELOW
        return Atom(shape, left.path, (right.value,), operator in ("<", ">"), node)
    return None


def _exception(inequality: Cmp, node: Node) -> Atom | None:
    """``field !== "text"``, written as ``node``."""
    left, right = inequality.left, inequality.right
    if isinstance(left, Const):
        left, right = right, left
    if inequality.op != "!==" or not isinstance(left, Var) or not isinstance(right, Const):
        return None
    value = right.value
    if left.op != "var" or left.default is not None or not isinstance(value, str):
        return None
    return Atom(Shape.EXCEPT, left.path, (value,), False, node) if is_key(value) else None


def _equality(node: Node, path: Path, const: Const, *, strict: bool) -> Atom | None:
    value = const.value
    if isinstance(value, str) and (is_key(value) if strict else is_loose_key(value)):
        return Atom(Shape.KEY, path, (value,), False, node)
    if strict and isinstance(value, bool):
        return Atom(Shape.FLAG, path, (value,), False, node)
    if strict and isinstance(value, (int, float)):
        return Atom(Shape.NUMBER, path, (value,), False, node)
    return None


def _slice(node: Cmp, left: Substr, right: Const, operator: str) -> Atom | None:
    """``substr(field, 0, n) === "text"``: a prefix. A text shorter than ``n`` must be the whole field."""
    source, value = left.value, right.value
    if operator not in ("===", "==") or not isinstance(source, Var) or not isinstance(value, str):
        return None
    if (
        source.op != "var"
        or source.default is not None
        or left.start != 0
        or left.length != len(value)
    ):
        return None
    return (
        Atom(Shape.PREFIX, source.path, (value,), False, node) if value and is_key(value) else None
    )


def _membership(node: Binary) -> Atom | None:
    left, right = node.left, node.right
    if (
        not isinstance(left, Var)
        or not isinstance(right, Const)
        or left.op != "var"
        or left.default is not None
    ):
        return None
    if node.op == "in" and isinstance(right.value, tuple):
        texts = tuple(
            [i.value for i in right.value if isinstance(i.value, str) and is_key(i.value)]
        )
        if texts and len(texts) == len(right.value):
            return Atom(Shape.KEY, left.path, tuple(dict.fromkeys(texts)), False, node)
        numbers = tuple(
            i.value for i in right.value if i.kind == "num" and isinstance(i.value, (int, float))
        )
        if numbers and len(numbers) == len(right.value):
            return Atom(Shape.NUMBER, left.path, tuple(dict.fromkeys(numbers)), False, node)
        return None
    if isinstance(right.value, str) and right.value and node.op in ("starts_with", "ends_with"):
        shape = Shape.PREFIX if node.op == "starts_with" else Shape.SUFFIX
        return Atom(shape, left.path, (right.value,), False, node)
    return None


@lru_cache(maxsize=1 << 16)
def is_key(text: str) -> bool:
    """Whether only this very text equals it strictly (dates and durations have many spellings)."""
    return not temporal(text)


@lru_cache(maxsize=1 << 16)
def is_loose_key(text: str) -> bool:
    """Whether, without raising, only this very text equals it loosely."""
    if text in ("", "true", "false") or temporal(text):
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False  # A number equals the text that spells it.
