"""Comparisons that meet a field an event may lack.

Law: a missing field reads as null, which equals 0, ``""`` and ``false`` loosely and counts as 0 in ``<``; so absence can
satisfy a rule. ``===`` and ``in`` against constants that are not null guard themselves; the others need a guard beside
them in the same ``and``: ``exists``, ``!missing``, or a self-guarding comparison of the same field.
"""

from collections.abc import Iterator
from typing import Final

from rulesd.logic.cover import cover
from rulesd.logic.guard import Logic, escape
from rulesd.logic.reads import root_paths, walk
from rulesd.logic.simplify import Known, simplify
from rulesd.logic.syntax import FALSE, NULL, TRUE, Cmp, Missing, Node, Path, Unary, Var, parse

ALWAYS_THERE: Final = frozenset(("id", "source", "type", "time", "specversion"))
"Attributes every event has by the time rules see it."

_CHECKED: Final = frozenset(("==", "!=", "!==", "<", "<=", ">", ">=", "!"))


def unguarded(tree: Logic) -> Iterator[tuple[str, Path, bool]]:
    """Place, field, and whether the comparison is true when the field is missing."""
    yield from _walk(tree, "", frozenset())


def _walk(tree: Logic, pointer: str, guarded: frozenset[Path]) -> Iterator[tuple[str, Path, bool]]:
    if isinstance(tree, list):
        for i, item in enumerate(tree):
            yield from _walk(item, f"{pointer}/{i}", guarded)
        return
    if not isinstance(tree, dict) or len(tree) != 1:
        return
    ((operator, argument),) = tree.items()
    base = f"{pointer}/{escape(operator)}"
    if operator == "and" and isinstance(argument, list):
        for i, item in enumerate(argument):
            beside = guarded.union(
                *(guards(parse(other)) for j, other in enumerate(argument) if j != i)
            )
            yield from _walk(item, f"{base}/{i}", beside)
    elif operator in ("if", "?:") and isinstance(argument, list):
        for i, item in enumerate(argument):
            held = guards(parse(argument[i - 1])) if i % 2 else frozenset()
            yield from _walk(item, f"{base}/{i}", guarded | held)
    elif operator in _CHECKED and (operator != "!" or _bare(argument)):
        node = parse(tree)
        guarded |= guards(node)  # ``!== null`` is a guard, not a comparison that needs one.
        for path in sorted(root_paths(node)):
            if path[0] not in ALWAYS_THERE and path not in guarded and not _defaulted(node, path):
                yield pointer, path, simplify(node, Known({path: NULL}, frozenset())) == TRUE
    elif operator not in ("some", "all", "none", "map", "filter", "reduce"):
        yield from _walk(argument, base, guarded)


def _bare(argument: Logic) -> bool:
    """``!`` of a field itself; ``!`` of a condition is judged by the condition."""
    inner = argument[0] if isinstance(argument, list) and len(argument) == 1 else argument
    return isinstance(inner, dict) and next(iter(inner), "") in ("var", "val")


def _defaulted(node: Node, path: Path) -> bool:
    return any(
        isinstance(part, Var) and part.path == path and part.default is not None
        for part in walk(node)
    )


def guards(node: Node) -> frozenset[Path]:
    """Fields that are certainly there when ``node`` is true."""
    found: set[Path] = set()
    if isinstance(node, Unary) and node.op == "!" and isinstance(node.value, Missing):
        found.update(path for _, path in node.value.paths)
    for path in root_paths(node):
        absent = simplify(node, Known({path: NULL}, frozenset()))
        if absent == FALSE and _strict(node):
            found.add(path)
    conjunctions = cover(node)
    if conjunctions:
        keyed = [frozenset(atom.path for atom in c if atom.shape <= 2) for c in conjunctions]
        found.update(frozenset.intersection(*keyed))
    return frozenset(found)


def _strict(node: Node) -> bool:
    """Whether this is a comparison that its author meant as a guard: with null, by ``!==`` or ``!=``, or by truth."""
    if isinstance(node, Cmp):
        return node.op in ("!=", "!==", "===") and NULL in (node.left, node.right)
    return isinstance(node, Var) or (isinstance(node, Unary) and node.op == "!!")
