"""Which parts of rules their tests exercise: fires, stays quiet, each severity, each step, each alternative of the condition.

Law: what is counted is what the engine evaluated while the tests ran, seen through the plan's own callables; nothing is guessed from the
text of a test. Recording changes no decision. A rule whose alerts a composite reads is played in the composite's tests: what it does there is exercised, because a composite
that fires (or stays quiet) as expected says so of its parts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rulesd.config.files import Files
from rulesd.config.problems import Problems
from rulesd.config.read import read
from rulesd.config.rule_tests import RuleTest
from rulesd.core.plan import Plan, Rule
from rulesd.logic import EvaluationError, RuleError, predicate
from rulesd.model.decision import AlertChanged, Kind
from rulesd.model.event import Document, Json
from rulesd.runners.simulate import Verdict, played

_WATCHED = ("numerator", "good")
"Conditions of detectors whose both answers matter."


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One part of a rule that a test can exercise."""

    name: str
    "``fires``, ``quiet``, ``severity: high``, ``step: injected``, ``when: alternative 2``, ``numerator: true``."

    covered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCoverage:
    """The branches of one rule."""

    rule: str
    path: str
    tests: int
    "Of its own."

    branches: tuple[Branch, ...]
    lent: int = 0
    "Tests of composites in which it is played with events of its own types."

    @property
    def missing(self) -> tuple[str, ...]:
        """What no test exercises."""
        return tuple(b.name for b in self.branches if not b.covered)


@dataclass(slots=True)
class _Seen:
    """What happened to one rule."""

    severities: list[Mapping[str, Json]] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    answers: set[tuple[str, bool]] = field(default_factory=set)


class Recorder:
    """Watches a plan while its tests run."""

    def __init__(self, plan: Plan) -> None:
        """Make the plan to run the tests with: ``plan``."""
        self._seen = [_Seen() for _ in plan.rules]
        self._rules = plan.rules
        match = plan.match

        def watched(document: Document) -> tuple[Sequence[int], Sequence[int]]:
            matched, raised = match(document)
            for position in matched:
                self._seen[position].documents.append(document)
            return matched, raised

        rules = tuple(_recorded(r, s) for r, s in zip(plan.rules, self._seen, strict=True))
        self.plan = replace(plan, rules=rules, match=watched)

    def coverage(self, verdicts: Sequence[Verdict], files: Files) -> list[RuleCoverage]:
        """Of every rule of the operator's, in order of id."""
        sources = _sources(files)
        out: list[RuleCoverage] = []
        for rule, seen in zip(self._rules, self._seen, strict=True):
            if rule.id.startswith("rulesd."):
                continue
            mine = [v for v in verdicts if v.test.rule == rule.id]
            lent = [v for v in verdicts if v.passed and self._plays(v.test, rule)]
            branches = tuple(_branches(rule, seen, [*mine, *lent], sources.get(rule.id, {})))
            row = RuleCoverage(
                rule=rule.id, path=rule.path, tests=len(mine), lent=len(lent), branches=branches
            )
            out.append(row)
        return out

    def _plays(self, test: RuleTest, rule: Rule) -> bool:
        """Whether a test of another rule plays this one, and sends events that it reads."""
        if test.rule == rule.id or rule.id not in played(self.plan, test.rule):
            return False
        sent = {str(train.event.get("type")) for train in test.trains}
        bare = {name.removeprefix("ai.safety.").removesuffix(".v1") for name in sent}
        return not rule.on or not bare.isdisjoint(rule.on)


def _recorded(rule: Rule, seen: _Seen) -> Rule:
    severity = rule.severity

    def chosen(alert: Mapping[str, Json]) -> str:
        seen.severities.append(alert)
        return severity(alert)

    detector: Any = rule.detector
    for name in _WATCHED:
        if callable(given := getattr(detector, name, None)):
            detector = replace(detector, **{name: _answers(given, name, seen)})
    if isinstance(whens := getattr(detector, "whens", None), tuple):
        steps = tuple(_answers(w, f"step {i}", seen) for i, w in enumerate(whens))
        detector = replace(detector, whens=steps)
    return replace(rule, severity=chosen, detector=detector)


def _answers(
    given: Callable[[Document], object], name: str, seen: _Seen
) -> Callable[[Document], object]:
    def asked(document: Document) -> object:
        answer = given(document)
        seen.answers.add((name, bool(answer)))
        return answer

    return asked


def _sources(files: Files) -> dict[str, Mapping[str, Json]]:
    """What each rule file says, by id."""
    out: dict[str, Mapping[str, Json]] = {}
    for name, raw in files.content.items():
        if name.startswith("rules/") and name.endswith((".yaml", ".yml", ".json", ".toml")):
            document = read(name, raw, name, Problems())
            if document is not None and isinstance(document.data, dict):
                out[str(document.data.get("id"))] = document.data
    return out


def _branches(
    rule: Rule, seen: _Seen, verdicts: Sequence[Verdict], source: Mapping[str, Json]
) -> Iterator[Branch]:
    fired = [any(_firing(d, rule.id) for d in v.decisions) for v in verdicts]
    yield Branch(name="fires", covered=any(fired))
    yield Branch(
        name="quiet",
        covered=any(not f and v.test.trains for f, v in zip(fired, verdicts, strict=True)),
    )
    yield from _severities(seen, source.get("severity"))
    for i, name in enumerate(getattr(rule.detector, "names", ())):
        yield Branch(name=f"step: {name}", covered=(f"step {i}", True) in seen.answers)
    for name in _WATCHED:
        if hasattr(rule.detector, name):
            for answer in (True, False):
                said = str(answer).lower()
                yield Branch(name=f"{name}: {said}", covered=(name, answer) in seen.answers)
    yield from _alternatives(seen, source.get("when"))


def _firing(decision: object, rule: str) -> bool:
    if not isinstance(decision, AlertChanged) or decision.kind is not Kind.FIRING:
        return False
    return decision.alert.rule == rule


def _severities(seen: _Seen, given: Json) -> Iterator[Branch]:
    """Each row of a severity map."""
    if not isinstance(given, list):
        return
    chosen: set[int] = set()
    conditions = [row.get("if") if isinstance(row, dict) and "if" in row else True for row in given]
    for alert in seen.severities:
        for i, condition in enumerate(conditions):
            if condition is True or _holds(condition, alert):
                chosen.add(i)
                break
    for i, row in enumerate(given):
        word = row.get("then") if isinstance(row, dict) else ""
        yield Branch(name=f"severity {i + 1}: {word}", covered=i in chosen)


def _alternatives(seen: _Seen, when: Json) -> Iterator[Branch]:
    """Each part of an ``or``, at the top of the condition or directly below an ``and``."""
    for place, parts in _ors(when):
        for i, part in enumerate(parts):
            covered = any(_holds(part, document) for document in seen.documents)
            yield Branch(name=f"when{place}: alternative {i + 1}", covered=covered)


def _ors(when: Json) -> Iterator[tuple[str, list[Json]]]:
    if not isinstance(when, dict) or len(when) != 1:
        return
    ((operator, argument),) = when.items()
    parts: list[Json] = list(argument) if isinstance(argument, list) else [argument]
    if operator == "or":
        yield "", parts
    elif operator == "and":
        for n, part in enumerate(parts):
            for place, inner in _ors(part):
                yield f" part {n + 1}{place}", inner


def _holds(condition: Json, document: Mapping[str, Json]) -> bool:
    try:
        return bool(predicate(condition)(document))
    except (EvaluationError, RuleError, ValueError):
        return False
