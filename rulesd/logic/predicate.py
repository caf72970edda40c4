"""One condition, or one value, as a plain function of a document: what detectors and severity maps hold.

Law: the answer is datalogic's, and where datalogic raises, so does the function (``EvaluationError``): the caller decides
what an unanswered question means. Generated Python answers what it can, datalogic the rest, under a budget.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from rulesd.logic.evaluator import Compiled, accept, handle
from rulesd.logic.guard import plain
from rulesd.logic.index import Index
from rulesd.logic.projection import Form
from rulesd.logic.reads import is_opaque, walk
from rulesd.logic.semantics import Slow, step
from rulesd.logic.syntax import Binary, Const, Missing, Node, Unary, Var

Predicate: TypeAlias = Callable[[Mapping[str, object]], bool]
Value: TypeAlias = Callable[[Mapping[str, object]], object]

_ARITHMETIC: Final = frozenset("+-*/")


def predicate(logic: object) -> Predicate:
    """Whether ``logic`` is truthy for a document; ``RuleError`` now, ``EvaluationError`` when called."""
    tree, text = plain(logic)
    index = Index([text], [accept(tree, text)], (), bytes_too=False)
    parents, run, root = index.parents, index.run_dict_watched, index.watched

    def test(document: Mapping[str, object], _: _Owner = _Owner(index)) -> bool:  # noqa: B008 - one for each test.
        out: list[int] = []
        if document.__class__ is not dict:
            return index.compiled(0).truth(handle(document))
        run(parents(document), out, root)
        if not out:
            return False
        if min(out) >= 0:
            return True
        return index.compiled(0).truth(index.part(document))

    return test


def value_of(logic: object) -> Value:
    """The value of ``logic`` for a document; ``RuleError`` now, ``EvaluationError`` when called."""
    tree, text = plain(logic)
    node = accept(tree, text)
    if isinstance(node, Const) and node.kind != "list":
        return lambda _: node.value
    if isinstance(node, Var) and node.default is None:
        path = node.path
        return lambda document: step(document, path, None)
    rule = Compiled(text)
    if is_opaque(node) or any(map(_differs, walk(node))):
        return lambda document: rule.value(handle(document))
    index = Index([text], [node], (), bytes_too=False)
    compute = index.shapes.value(node, Form.DICT)

    def value(document: Mapping[str, object], _: _Owner = _Owner(index)) -> object:  # noqa: B008 - one for each value.
        if document.__class__ is dict:
            try:
                return compute(index.parents(document))
            except Slow:
                pass
        return rule.value(handle(document))

    return value


class _Owner:
    """Held by one function alone, so that the index goes when the function goes.

    Otherwise the cycles in it would be left to the garbage collector, which never looks at what was frozen.
    """

    __slots__ = ("_index",)

    def __init__(self, index: Index) -> None:
        self._index = index

    def __del__(self) -> None:
        self._index.release()


def _differs(node: Node) -> bool:
    """Parts whose truth is computed here exactly, but whose value might be written differently (2 or 2.0)."""
    if isinstance(node, Missing):
        return True
    return (isinstance(node, Binary) and node.op in _ARITHMETIC) or (
        isinstance(node, Unary) and node.op == "length"
    )
