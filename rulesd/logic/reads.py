"""Which fields a rule reads.

Law: complete or ``None``. A rule whose reads cannot all be known is given the whole document.
"""

from collections.abc import Iterator

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
    _collect(node, found, None)
    return frozenset(found)


def precise_paths(node: Node) -> frozenset[Path]:
    """The fields for which a rule tells missing from null."""
    found: set[Path] = set()
    _collect(node, set(), found)
    return frozenset(found)


def _collect(node: Node, reads: set[Path], precise: set[Path] | None) -> None:
    """One plain recursion: this runs several times for each of ten thousand rules."""
    if isinstance(node, Var):
        if node.op == "var":
            reads.add(node.path)
            if precise is not None and node.default is not None:
                precise.add(node.path)
    elif isinstance(node, (Cmp, Binary)):
        _collect(node.left, reads, precise)
        if node.right.op != "const":
            _collect(node.right, reads, precise)
    elif isinstance(node, Missing):
        paths = [path for _, path in node.paths]
        reads.update(paths)
        if precise is not None:
            precise.update(paths)
    else:
        for child in children(node):
            _collect(child, reads, precise)


def starts_opaque(node: Node) -> bool:
    """Whether evaluation meets such a part before it can end: then there is nothing to try here first."""
    if isinstance(node, (Cmp, Binary)):
        return starts_opaque(node.left) or starts_opaque(node.right)
    if isinstance(node, Many):
        return starts_opaque(node.items[0])
    if isinstance(node, If):
        return starts_opaque(node.condition)
    if isinstance(node, (Unary, Substr, Added)):
        return starts_opaque(node.value)
    return isinstance(node, Opaque)


def is_opaque(node: Node) -> bool:
    """Whether some part of it only datalogic understands."""
    if isinstance(node, (Const, Var)):
        return False
    if isinstance(node, (Cmp, Binary)):
        return is_opaque(node.left) or is_opaque(node.right)
    return isinstance(node, Opaque) or any(map(is_opaque, children(node)))
