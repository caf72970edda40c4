"""One condition, or one value, as a plain function of a document: what detectors and severity maps hold."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from rulesd.logic.evaluator import Compiled, check, handle
from rulesd.logic.guard import plain

Predicate: TypeAlias = Callable[[Mapping[str, object]], bool]
Value: TypeAlias = Callable[[Mapping[str, object]], object]


def _compile(logic: object) -> Compiled:
    tree, text = plain(logic)
    check(tree, text)
    return Compiled(text)


def predicate(logic: object) -> Predicate:
    """Whether ``logic`` is truthy for a document; ``RuleError`` now, ``EvaluationError`` when called."""
    rule = _compile(logic)
    return lambda document: rule.truth(handle(document))


def value_of(logic: object) -> Value:
    """The value of ``logic`` for a document; ``RuleError`` now, ``EvaluationError`` when called."""
    rule = _compile(logic)
    return lambda document: rule.value(handle(document))
