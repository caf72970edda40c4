"""Which risk is controlled by which rule, proved by which test, answered by which runbook.

Law: a risk is covered when a rule that pages names it, has a test that fires, and has a runbook; what is lacking is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rulesd.config import RuleTest
from rulesd.core.plan import Maturity, Plan, Rule
from rulesd.model.event import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One rule behind a risk."""

    rule: str
    maturity: str
    tests: tuple[tuple[str, bool], ...]
    "Name of each test that sends events, and whether it expects an alert: without an event nothing is tested."

    runbook: str
    "Title or address; empty: none."

    first_five: bool
    "Whether it says what to do in the first five minutes (an address is taken to)."

    @property
    def firing_tests(self) -> int:
        """Tests that expect an alert."""
        return sum(fires for _, fires in self.tests)

    @property
    def quiet_tests(self) -> int:
        """Tests that expect none."""
        return len(self.tests) - self.firing_tests


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """One risk and what stands behind it."""

    name: str
    title: str
    controls: tuple[Control, ...]

    @property
    def gaps(self) -> tuple[str, ...]:
        """What is lacking; empty: covered."""
        paging = [c for c in self.controls if c.maturity in ("stable", "incubating")]
        if not self.controls:
            return ("no rule",)
        if not paging:
            return ("no rule that pages",)
        out: list[str] = []
        if not any(c.firing_tests for c in paging):
            out.append("no test that fires")
        if not any(c.quiet_tests for c in paging):
            out.append("no quiet test")
        if not any(c.first_five for c in paging):
            out.append("no first five minutes")
        return tuple(out)


def risks(titles: Mapping[str, str], plan: Plan, tests: Sequence[RuleTest]) -> list[Risk]:
    """Every risk of risks.yaml, in its order."""
    return [
        Risk(
            name=name,
            title=title,
            controls=tuple(_control(r, tests) for r in plan.rules if name in r.covers),
        )
        for name, title in titles.items()
    ]


def uncontrolled(plan: Plan) -> list[str]:
    """Rules of the operator's that name no risk."""
    return [r.id for r in plan.rules if not r.covers and not r.id.startswith("rulesd.")]


def _control(rule: Rule, tests: Sequence[RuleTest]) -> Control:
    book = rule.runbook
    return Control(
        rule=rule.id,
        maturity=str(Maturity(rule.maturity)),
        tests=tuple(
            (t.name, any(row.alert == "firing" for row in t.expect))
            for t in tests
            if t.rule == rule.id and (t.trains or t.expect)
        ),
        runbook=book.url or book.title or book.id,
        first_five=bool(book.url or book.first_five_minutes),
    )


def body(found: Sequence[Risk], plan: Plan) -> dict[str, Json]:
    """As plain data."""
    return {
        "covered": sum(not r.gaps for r in found),
        "uncovered": [r.name for r in found if r.gaps],
        "rules_without_risk": list(uncontrolled(plan)),
        "risks": [
            {
                "risk": r.name,
                "title": r.title,
                "gaps": list(r.gaps),
                "rules": [
                    {
                        "rule": c.rule,
                        "maturity": c.maturity,
                        "firing_tests": c.firing_tests,
                        "quiet_tests": c.quiet_tests,
                        "tests": [{"name": name, "fires": fires} for name, fires in c.tests],
                        "runbook": c.runbook,
                        "first_five_minutes": c.first_five,
                    }
                    for c in r.controls
                ],
            }
            for r in found
        ],
    }
