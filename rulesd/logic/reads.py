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
    found = Survey()
    _survey(node, found)
    return frozenset(found.reads)


class Survey:
    """What one walk over a rule finds."""

    __slots__ = ("opaque", "precise", "reads", "repeated")

    def __init__(self) -> None:
        self.reads: set[Path] = set()
        "The fields of the document that the understood part of the rule reads."

        self.repeated: set[Path] = set()
        "Those it reads in several places."

        self.precise: set[Path] = set()
        "Those for which it tells missing from null."

        self.opaque = False
        "Whether some part of it only datalogic understands."


def survey(node: Node) -> Survey:
    """Everything to know about a rule before it is arranged."""
    found = Survey()
    _survey(node, found)
    return found


def _survey(node: Node, found: Survey) -> None:
    """One plain recursion: this runs for each of ten thousand rules."""
    if isinstance(node, (Cmp, Binary)):
        _survey(node.left, found)
        if node.right.op != "const":
            _survey(node.right, found)
    elif isinstance(node, Var):
        if node.op == "var":
            _read(node.path, found)
            if node.default is not None:
                found.precise.add(node.path)
    elif isinstance(node, Missing):
        for _, path in node.paths:
            _read(path, found)
            found.precise.add(path)
    elif isinstance(node, Opaque):
        found.opaque = True
    else:
        for child in children(node):
            _survey(child, found)


def _read(path: Path, found: Survey) -> None:
    if path in found.reads:
        found.repeated.add(path)
    else:
        found.reads.add(path)


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
