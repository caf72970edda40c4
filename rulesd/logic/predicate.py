"""One condition, or one value, as a plain function of a document: what detectors and severity maps hold.

Law: the answer is datalogic's, and where datalogic raises, so does the function (``EvaluationError``): the caller decides
what an unanswered question means. Generated Python answers what it can, datalogic the rest, under a budget.

Method: one generated function reads the fields, evaluates the expression in its own order and turns to datalogic where that
must be asked; no index is needed to find one rule among one.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, cast

from rulesd.logic.codegen import NAMESPACE, Writer
from rulesd.logic.evaluator import Compiled, accept, handle
from rulesd.logic.guard import plain
from rulesd.logic.projection import EMPTY_NAMESPACE, Form, Projection
from rulesd.logic.reads import is_opaque, survey, walk
from rulesd.logic.semantics import step
from rulesd.logic.syntax import Binary, Const, Missing, Node, Path, Unary, Var

Predicate: TypeAlias = Callable[[Mapping[str, object]], bool]
Value: TypeAlias = Callable[[Mapping[str, object]], object]

_ARITHMETIC: Final = frozenset("+-*/")


def predicate(logic: object) -> Predicate:
    """Whether ``logic`` is truthy for a document; ``RuleError`` now, ``EvaluationError`` when called."""
    tree, text = plain(logic)
    node = accept(tree, text)
    projection, whole = _project(node, text)
    known: list[Compiled] = []

    def ask(document: Mapping[str, object]) -> bool:
        """What datalogic finds; compiled when first asked for, which most conditions never are."""
        if not known:
            known.append(Compiled(text))
        entire = whole or document.__class__ is not dict
        return known[0].truth(handle(document if entire else projection.cut(document)))

    return cast("Predicate", _function(node, projection, "True if {} else False", ask))


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

    def ask(document: Mapping[str, object]) -> object:
        return rule.value(handle(document))

    if is_opaque(node) or any(map(_differs, walk(node))):
        return ask
    return _function(node, _project(node, text)[0], "{}", ask)


def _project(node: Node, text: str) -> tuple[Projection, bool]:
    """What the condition reads, and whether datalogic must have the whole document."""
    found = survey(node)
    opaque: set[Path] = set()
    if found.opaque:
        reads = Compiled(text).reads()
        if reads is None or () in reads:
            return Projection(found.reads, found.precise, bytes_too=False), True
        opaque.update(reads)
    return Projection(found.reads | opaque, found.precise | opaque, bytes_too=False), False


def _function(node: Node, projection: Projection, result: str, ask: Value) -> Value:
    """``result`` of the expression as a function of a document; ``ask`` answers where datalogic must be asked."""
    writer = Writer(projection.numbers, 0)
    expression = writer.expression(node)
    loads = [line for path in writer.paths for line in projection.load(path, Form.NAMES)]
    lines = (
        "def f(d0):",
        "if d0.__class__ is not dict: return ask(d0)",
        *projection.name_parents(),
        *loads,
        f"try: return {result.format(expression)}",
        "except Slow: return ask(d0)",
    )
    names = {
        **NAMESPACE,
        **EMPTY_NAMESPACE,
        **projection.namespace,
        "k": tuple(writer.constants),
        "ask": ask,
    }
    own: dict[str, object] = {}  # Apart from what the function sees, which would make a cycle.
    exec(compile("\n    ".join(lines), "<rulesd alone>", "exec"), names, own)  # noqa: S102 - numbers and names of our own making.
    return cast("Value", own["f"])


def _differs(node: Node) -> bool:
    """Parts whose truth is computed here exactly, but whose value might be written differently (2 or 2.0)."""
    if isinstance(node, Missing):
        return True
    return (isinstance(node, Binary) and node.op in _ARITHMETIC) or (
        isinstance(node, Unary) and node.op == "length"
    )
