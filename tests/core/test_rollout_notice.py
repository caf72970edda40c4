"""What the owner of a release reads when its watch is over."""

from dataclasses import replace

import pytest

from rulesd.core.rollout_notice import release_alert, verdict_notice, what
from rulesd.model.reasons import Reason
from rulesd.model.rollout import Criteria, Finding, Rollout, Seen, Verdict
from tests.core.plans import plan, rule

MADE = Rollout(
    id="c1", kind="model", component="assistant", from_version="m1", to_version="m2", stage="full", tenant="acme",
    owner="safety", criteria=Criteria(), started_at=5, ends_at=10, before={"tool.x": 2}, seen=300, passed=1, failed=2,
    alerts=(Seen(alert="a1", rule="tool.x", severity="high", at=6, labels={}, why="it names m2"),), over=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "last"),
    [
        (Verdict.PASS, "Nothing is left to do."),
        (Verdict.INCONCLUSIVE, "Bring what is missing, or sign off: rulesd gate --change c1"),
        (Verdict.FAIL, "Roll it back, or write down why it stays: rulesd gate --change c1"),
    ],
)
def test_the_verdict_its_evidence_and_what_to_do(verdict: Verdict, last: str) -> None:
    finding = Finding(verdict=verdict, failures=("tool.x fired",), missing=("no red-team run",))
    said = verdict_notice(plan(rule()), MADE, finding, 20)
    assert said.title == (
        f"{verdict.upper()}: the watch over c1 (model assistant m1 -> m2) is over"
    )
    assert (said.reason, said.owner) == (Reason.VERDICT, "safety")
    assert said.lines[:-1] == (
        "failed: tool.x fired",
        "missing: no red-team run",
        "events of the new version: 300 (at least 100)",
        "alerts: 1, of them tied to it 1; in as much time before: 2",
        "red-team findings: 1 passed, 2 failed",
    )
    assert said.lines[-1].startswith(last)
    signed = verdict_notice(plan(rule()), replace(MADE, signed_by="ana"), finding, 20)
    assert "signed off by ana" in signed.lines


def test_a_release_of_which_only_the_name_is_known() -> None:
    bare = replace(MADE, kind="", component="", from_version="", to_version="")
    assert what(bare) == "c1"


def test_the_release_as_what_an_action_is_about() -> None:
    made = release_alert(MADE, 7)
    assert made.labels == {
        "change": "c1", "component": "assistant", "version": "m2", "tenant": "acme",
    }  # fmt: skip
    assert made.alert == release_alert(MADE, 8).alert
