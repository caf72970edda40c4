from dataclasses import replace
from pathlib import Path

from rulesd.core.people import Escalation
from rulesd.core.plan import Owner
from rulesd.runners.backtest import backtest, promoted
from tests.core.crew import chain
from tests.runners.recorded import LINES, RULE, loaded, outcome, recorded

SHADOW = RULE.replace("severity: critical", "severity: critical\nmaturity: shadow", 1)


def test_what_the_engine_would_have_paged(tmp_path: Path) -> None:
    out = outcome(tmp_path)
    assert (out.events, out.rejected, len(out.firings), len(out.pages)) == (5, 0, 3, 3)
    first = out.pages[0]
    assert (first.receiver, first.reason, first.first.owner) == (
        "default",
        "must_never_happen",
        "safety",
    )
    assert dict(first.first.labels) == {"tenant": "acme", "tool": "shell"}


def test_a_reminder_is_no_page(tmp_path: Path) -> None:
    rule = RULE.replace("detect: never", "detect: {burst: {count: 1, within: 12h}}").split(
        "tests:"
    )[0]
    out = outcome(tmp_path, rule)
    assert len(out.pages) == 3
    assert len(out.reminders) > 0


def test_two_plans_see_one_recording_and_shadow_rules_may_be_promoted(tmp_path: Path) -> None:
    plan = loaded(tmp_path, SHADOW).plan
    assert plan is not None
    shadow, paging = backtest(recorded(), [("a", plan), ("b", promoted(plan))])
    assert [f.shadow for f in shadow.firings] == [True] * 3
    assert (len(shadow.pages), len(paging.pages)) == (0, 3)


def test_the_clock_stops_at_until_and_refusals_are_counted(tmp_path: Path) -> None:
    plan = loaded(tmp_path).plan
    assert plan is not None
    (out,) = backtest(recorded([b"{broken", *LINES]), [("a", plan)], until=1767603600000)
    assert (out.events, out.rejected, len(out.pages)) == (2, 1, 1)


def test_pages_that_climb_because_nobody_acknowledges_a_recording_are_not_counted(
    tmp_path: Path,
) -> None:
    plan = loaded(tmp_path).plan
    assert plan is not None
    up = Escalation(name="up", default=chain(), critical=chain())
    climbs = replace(
        plan,
        owners={**plan.owners, "safety": Owner(name="safety", escalation="up")},
        escalations={"up": up},
    )
    without, with_ = backtest(recorded(), [("a", plan), ("b", climbs)])
    assert len(without.pages) == len(with_.pages) == 3
