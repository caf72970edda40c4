"""Comparisons of a field with a value it never has.

Law: only what the schema says for certain: a measure is a number, a label or an id is text. Unknown kinds are not judged.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from rulesd.logic.guard import Logic, escape
from rulesd.logic.syntax import Binary, Cmp, Const, Node, Path, Var, parse

_TEXT: Final = frozenset(("label", "id", "string", "content"))
_NUMBER: Final = frozenset(("measure", "number"))
_BOOLEAN: Final = frozenset(("boolean", "bool", "flag"))
_COMPARED: Final = frozenset(
    ("==", "===", "!=", "!==", "<", "<=", ">", ">=", "in", "starts_with", "ends_with")
)


def mismatches(
    tree: Logic, kinds: Mapping[Path, str], pointer: str = ""
) -> Iterator[tuple[str, str, str]]:
    """Place, message and hint of each."""
    if isinstance(tree, list):
        for i, item in enumerate(tree):
            yield from mismatches(item, kinds, f"{pointer}/{i}")
    elif isinstance(tree, dict) and len(tree) == 1:
        ((operator, argument),) = tree.items()
        if operator in _COMPARED:
            yield from _judge(pointer, parse(tree), kinds)
        else:
            yield from mismatches(argument, kinds, f"{pointer}/{escape(operator)}")


def _judge(pointer: str, node: Node, kinds: Mapping[Path, str]) -> Iterator[tuple[str, str, str]]:
    if not isinstance(node, (Cmp, Binary)):
        return
    for one, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(one, Var) and one.op == "var" and isinstance(other, Const):
            kind = kinds.get(one.path)
            wrong = _wrong(kind, other, node.op) if kind is not None else ""
            if wrong:
                name = ".".join(one.path)
                yield (
                    pointer,
                    f"`{name}` is a {kind}, it is never {wrong}",
                    f"Compare `{name}` with {_right(kind)}.",
                )


def _wrong(kind: str | None, const: Const, operator: str) -> str:
    values = const.value if isinstance(const.value, tuple) else (const,)
    found = {value.kind for value in values} - {"null", "list"}
    if operator in ("starts_with", "ends_with"):
        return "text" if kind in _NUMBER or kind in _BOOLEAN else ""
    if kind in _NUMBER and found and "num" not in found:
        return "text" if "str" in found else "a boolean"
    if kind in _BOOLEAN and found and "bool" not in found:
        return "text or a number"
    if kind in _TEXT and found and not found & {"str", "bool"}:
        return "a number"
    return ""


def _right(kind: str | None) -> str:
    return "a number" if kind in _NUMBER else "true or false" if kind in _BOOLEAN else "text"
