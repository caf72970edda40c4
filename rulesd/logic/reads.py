"""Which fields a rule reads.

Law: complete or ``None``. A rule whose reads cannot all be known is given the whole document.
"""

from collections.abc import Iterator

from rulesd.logic.syntax import (
    Added,
    Binary,
    Cmp,
    If,
    Many,
    Missing,
    Node,
    Opaque,
    Path,
    Quantifier,
    Substr,
    Unary,
    Var,
)


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node that are nodes."""
    if isinstance(node, Many):
        return node.items
    if isinstance(node, (Cmp, Binary)):
        return (node.left, node.right)
    if isinstance(node, If):
        return (node.condition, node.then, node.other)
    if isinstance(node, (Unary, Substr, Added)):
        return (node.value,)
    if isinstance(node, Quantifier):
        return (node.source, node.body)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    for child in children(node):
        yield from walk(child)


def root_paths(node: Node) -> frozenset[Path]:
    """The fields of the document that the understood part of a rule reads."""
    found: set[Path] = set()
    for part in walk(node):
        if isinstance(part, Var) and part.op == "var":
            found.add(part.path)
        elif isinstance(part, Missing):
            found.update(path for _, path in part.paths)
    return frozenset(found)


def precise_paths(node: Node) -> frozenset[Path]:
    """The fields for which a rule tells missing from null."""
    found: set[Path] = set()
    for part in walk(node):
        if isinstance(part, Var) and part.op == "var" and part.default is not None:
            found.add(part.path)
        elif isinstance(part, Missing):
            found.update(path for _, path in part.paths)
    return frozenset(found)


def is_opaque(node: Node) -> bool:
    """Whether some part of it only datalogic understands."""
    return any(isinstance(part, Opaque) for part in walk(node))
