"""Write a condition as a Python expression.

Law: the expression is true, false or raises ``Slow``, exactly as datalogic finds the condition true, false or cannot be
answered here. It consists of names made here and of numbers: every constant of a rule is passed in the tuple ``k``, so no
text of a rule is ever compiled, and rules that differ in constants alone share one piece of code.
"""

from typing import Final

import orjson

from rulesd.logic import semantics
from rulesd.logic.cover import is_key
from rulesd.logic.operators import Prepared, Unreadable, prepared
from rulesd.logic.semantics import Slow
from rulesd.logic.simplify import plain
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

NAMESPACE: Final[dict[str, object]] = {
    "Slow": Slow,
    "slow": semantics.slow,
    "strict_equal": semantics.strict_equal,
    "loose_equal": semantics.loose_equal,
    "less": semantics.less,
    "at_most": semantics.at_most,
    "contains": semantics.contains,
    "lower": semantics.lower,
    "upper": semantics.upper,
    "trim": semantics.trim,
    "length": semantics.length,
    "substr": semantics.substr,
    "starts": semantics.starts,
    "ends": semantics.ends,
    "plus": semantics.arithmetic("+"),
    "minus": semantics.arithmetic("-"),
    "times": semantics.arithmetic("*"),
    "divide": semantics.arithmetic("/"),
    "step": semantics.step,
    "items": semantics.items,
}
"What generated code may call."

_ARITHMETIC: Final = {"+": "plus", "-": "minus", "*": "times", "/": "divide"}


class Writer:
    """Writes the expressions of one function and gathers the constants and fields they need."""

    __slots__ = ("constants", "first", "numbers", "paths", "scopes")

    def __init__(self, numbers: "dict[Path, int] | object", first: int) -> None:
        self.numbers = numbers
        self.first = first
        self.constants: list[object] = []
        self.paths: dict[Path, None] = {}
        self.scopes = 0

    def constant(self, value: object) -> str:
        """The name of a constant."""
        self.constants.append(value)
        return f"k[{self.first + len(self.constants) - 1}]"

    def field(self, path: Path, prefix: str) -> str:
        """The name of a field."""
        self.paths[path] = None
        return f"{prefix}{self.numbers[path]}"  # type: ignore[index]

    def expression(self, node: Node, item: str = "") -> str:
        """``node`` as an expression whose value has the right truth, and is the right value where that is asked."""
        if isinstance(node, Const):
            return self._const(node)
        if isinstance(node, Var):
            return self._var(node, item)
        if isinstance(node, Many):
            return (
                "(" + f" {node.op} ".join(self.expression(part, item) for part in node.items) + ")"
            )
        if isinstance(node, If):
            parts = [
                self.expression(part, item) for part in (node.condition, node.then, node.other)
            ]
            return f"({parts[1]} if {parts[0]} else {parts[2]})"
        if isinstance(node, Cmp):
            return self._compare(node, item)
        if isinstance(node, Unary):
            return self._unary(node, item)
        if isinstance(node, Binary):
            return self._binary(node, item)
        return self._rest(node, item)

    def _rest(self, node: Substr | Missing | Quantifier | Added | Opaque, item: str) -> str:
        if isinstance(node, Substr):
            return self._substr(node, item)
        if isinstance(node, Quantifier):
            return self._quantifier(node)
        if isinstance(node, Added):
            return f"{self.constant(_test(node))}({self.expression(node.value, item)})"
        return "slow()"

    def _const(self, node: Const) -> str:
        if node.kind == "null":
            return "None"
        if node.kind == "bool":
            return "True" if node.value else "False"
        return self.constant(plain(node))

    def _var(self, node: Var, item: str) -> str:
        if node.op == "item":
            if not node.path:
                return item
            default = self._const(node.default) if node.default is not None else "None"
            return f"step({item}, {self.constant(node.path)}, {default})"
        if node.default is None:
            return self.field(node.path, "v")
        raw = self.field(node.path, "r")
        return f"({raw} if {raw} is not UNSET else {self._const(node.default)})"

    def _unary(self, node: Unary, item: str) -> str:
        if node.op in ("!", "!!"):
            if isinstance(node.value, Missing):
                absent = self._missing(node.value)
                return f"(not {absent})" if node.op == "!" else absent
            inner = self.expression(node.value, item)
            return f"(not {inner})" if node.op == "!" else f"(not not {inner})"
        return f"{node.op}({self.expression(node.value, item)})"

    def _missing(self, node: Missing) -> str:
        return (
            "(" + " or ".join(f"{self.field(path, 'r')} is UNSET" for _, path in node.paths) + ")"
        )

    def _compare(self, node: Cmp, item: str) -> str:
        operator, left, right = node.op, node.left, node.right
        if isinstance(left, Const) and not isinstance(right, Const):
            left, right = right, left
            operator = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)
        if operator in ("!=", "!=="):
            return f"(not {self._equal(operator[:-1].replace('!', '=') + '=', left, right, item)})"
        if operator in ("==", "==="):
            return self._equal(operator, left, right, item)
        a = self.expression(left, item)
        b = self.expression(right, item)
        swapped = operator in (">", ">=")
        helper = "less" if operator in ("<", ">") else "at_most"
        call = f"{helper}({b}, {a})" if swapped else f"{helper}({a}, {b})"
        if isinstance(right, Const) and right.kind == "num" and a.isidentifier():
            return f"({a} {operator} {b} if {a}.__class__ is float or {a}.__class__ is int else {call})"
        return call

    def _equal(self, operator: str, left: Node, right: Node, item: str) -> str:
        a = self.expression(left, item)
        if isinstance(right, Const):
            fast = self._equal_constant(operator, a, right)
            if fast:
                return fast
        helper = "strict_equal" if operator == "===" else "loose_equal"
        return f"{helper}({a}, {self.expression(right, item)})"

    def _equal_constant(self, operator: str, a: str, const: Const) -> str:
        strict, value = operator == "===", const.value
        if isinstance(value, str) and is_key(value):
            if strict:
                return f"({a} == {self.constant(value)})"
            if a.isidentifier():
                b = self.constant(value)
                return f"({a} == {b} if {a}.__class__ is str else loose_equal({a}, {b}))"
        elif const.kind == "num" and a.isidentifier():
            b = self.constant(value)
            if strict:
                return f"({a} == {b} and {a}.__class__ is not bool)"
            return f"({a} == {b} if {a}.__class__ is int or {a}.__class__ is float else loose_equal({a}, {b}))"
        elif strict and const.kind in ("null", "bool"):
            return f"({a} is {self._const(const)})"
        return ""

    def _binary(self, node: Binary, item: str) -> str:
        if node.op in _ARITHMETIC:
            return f"{_ARITHMETIC[node.op]}({self.expression(node.left, item)}, {self.expression(node.right, item)})"
        a = self.expression(node.left, item)
        if node.op == "in":
            return self._in(a, node, item)
        b = self.expression(node.right, item)
        helper = "starts" if node.op == "starts_with" else "ends"
        if a.isidentifier() and isinstance(node.right, Const) and node.right.kind == "str":
            return f"({a}.{helper}with({b}) if {a}.__class__ is str else {helper}({a}, {b}))"
        return f"{helper}({a}, {b})"

    def _in(self, a: str, node: Binary, item: str) -> str:
        right = node.right
        if isinstance(right, Const) and isinstance(right.value, tuple):
            texts = [
                part.value
                for part in right.value
                if isinstance(part.value, str) and is_key(part.value)
            ]
            if len(texts) == len(right.value):
                known = self.constant(frozenset(texts))
                if a.isidentifier():
                    return f"({a}.__class__ is str and {a} in {known})"
                self.scopes += 1
                once = f"w{self.scopes}"
                return f"(({once} := {a}).__class__ is str and {once} in {known})"
            return f"contains({a}, {self.constant(tuple(plain(part) for part in right.value))})"
        b = self.expression(right, item)
        if b.isidentifier() and isinstance(node.left, Const) and node.left.kind == "str":
            return f"({a} in {b} if {b}.__class__ is str else contains({a}, {b}))"
        return f"contains({a}, {b})"

    def _substr(self, node: Substr, item: str) -> str:
        a = self.expression(node.value, item)
        start, length = self.constant(node.start), self.constant(node.length)
        if a.isidentifier() and node.start >= 0 and node.length is not None and node.length >= 0:
            end = self.constant(node.start + node.length)
            return (
                f"({a}[{start}:{end}] if {a}.__class__ is str else substr({a}, {start}, {length}))"
            )
        return f"substr({a}, {start}, {length})"

    def _quantifier(self, node: Quantifier) -> str:
        source = self._var(node.source, "")
        self.scopes += 1
        item, found = f"i{self.scopes}", f"l{self.scopes}"
        body = self.expression(node.body, item)
        if node.op == "all":
            return f"(all({body} for {item} in {found}) if ({found} := items({source})) else False)"
        some = f"any({body} for {item} in (items({source}) or ()))"
        return some if node.op == "some" else f"(not {some})"


def _test(node: Added) -> Prepared:
    test = prepared(node.op, orjson.loads(node.argument), "")

    def run(value: object) -> bool:
        try:
            return test(value)
        except Unreadable:
            raise Slow from None

    return run
