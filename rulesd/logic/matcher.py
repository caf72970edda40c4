"""Which of many rules are true for one event."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson

from rulesd.logic.errors import EvaluationError, RaiseReason, RuleError
from rulesd.logic.evaluator import Compiled, check, handle
from rulesd.logic.guard import plain, text_of


class Evaluation(NamedTuple):
    """What one event did to all rules."""

    matched: list[str]
    raised: list[str]


class Positions(NamedTuple):
    """The same by position in the mapping the matcher was built from, ascending."""

    matched: list[int]
    raised: list[int]


class Matcher:
    """All rules, compiled."""

    def __init__(self, rules: Mapping[str, object], *, observed: Iterable[Mapping[str, object]] = ()) -> None:
        self.ids = tuple(rules)
        self._texts = []
        for name, logic in rules.items():
            try:
                tree = plain(logic)
                text = text_of(tree)
                check(tree, text)
            except RuleError as error:
                raise error.of(name) from None
            self._texts.append(text)
        self._compiled = [Compiled(text) for text in self._texts]

    def match(self, event: bytes) -> list[str]:
        return self.evaluate(event).matched

    def evaluate(self, event: bytes) -> Evaluation:
        return self.evaluate_document(orjson.loads(event))

    def match_document(self, document: Mapping[str, object]) -> list[str]:
        return self.evaluate_document(document).matched

    def evaluate_document(self, document: Mapping[str, object]) -> Evaluation:
        matched, raised = self.positions(document)
        return Evaluation([self.ids[i] for i in matched], [self.ids[i] for i in raised])

    def positions(self, document: Mapping[str, object]) -> Positions:
        data = handle(document)
        matched, raised = [], []
        for i, rule in enumerate(self._compiled):
            try:
                if rule.truth(data):
                    matched.append(i)
            except EvaluationError:
                raised.append(i)
        return Positions(matched, raised)

    naive_evaluate = evaluate_document

    def why_raised(self, rule_id: str, document: Mapping[str, object]) -> RaiseReason | None:
        try:
            self._compiled[self.ids.index(rule_id)].truth(handle(document))
        except EvaluationError as error:
            return error.reason
        return None
