"""The severity of an alert: one word, or a map over what the alert measured.

Law: a map always answers: its last row has no ``if``. A row that cannot be evaluated gives the worst severity of the map, because a
broken map must not make an alert milder.
"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from rulesd.config.conditions import logic_problem
from rulesd.config.document import Document
from rulesd.config.problems import Code, Problems, did_you_mean
from rulesd.config.rule_file import SeverityRow
from rulesd.config.shape import parse
from rulesd.core.plan import SeverityMap
from rulesd.logic import EvaluationError, RuleError, predicate
from rulesd.logic.predicate import Predicate
from rulesd.model.alert import SEVERITIES, severity_rank
from rulesd.model.event import Json


class _Rows(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    severity: list[SeverityRow]


def severity(document: Document, problems: Problems) -> tuple[SeverityMap, str]:
    """The map, and the worst severity it can give; mistakes are reported."""
    node = document.node(("severity",))
    given = node.data if node is not None else None
    if isinstance(given, str):
        if given not in SEVERITIES:
            hint = f"{did_you_mean(given, SEVERITIES)}Write one of: {', '.join(SEVERITIES)}."
            problems.at(
                document, ("severity",), Code.INVALID_VALUE, f'"{given[:40]}" is no severity', hint
            )
        return _constant(given), given
    if not isinstance(given, list) or not given:
        hint = "Write one of critical, high, medium, low, or a list of {if: ..., then: ...}."
        problems.at(
            document,
            ("severity",),
            Code.WRONG_TYPE,
            "severity: must be a word or a list of rows",
            hint,
        )
        return _constant(SEVERITIES[0]), SEVERITIES[0]
    rows = parse(_Rows, document, problems, data={"severity": given})
    return (
        _map(rows.severity, document, problems)
        if rows is not None
        else (_constant(SEVERITIES[0]), SEVERITIES[0])
    )


def _constant(word: str) -> SeverityMap:
    return lambda _: word


def _map(
    rows: list[SeverityRow], document: Document, problems: Problems
) -> tuple[SeverityMap, str]:
    steps: list[tuple[Predicate | None, str]] = []
    for i, row in enumerate(rows):
        last = i == len(rows) - 1
        bare = "if_" not in row.model_fields_set
        if bare and not last:
            said, hint = "a row without if hides the rows below it", "Move it to the end."
            problems.at(document, ("severity", i), Code.SEVERITY_DEFAULT, said, hint)
        if last and not bare:
            said, hint = "no row says what holds otherwise", "Add a last row: {then: medium}."
            problems.at(document, ("severity", i), Code.SEVERITY_DEFAULT, said, hint)
        if bare:
            steps.append((None, row.then))
            continue
        try:
            steps.append((predicate(row.if_), row.then))
        except RuleError as error:
            logic_problem(error, ("severity", i, "if"), document, problems)
    worst = min((row.then for row in rows), key=severity_rank)

    def choose(alert: Mapping[str, Json]) -> str:
        try:
            for holds, word in steps:
                if holds is None or holds(alert):
                    return word
        except EvaluationError:
            pass
        return worst

    return choose, worst
