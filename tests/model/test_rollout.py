"""A verdict follows from facts and criteria alone."""

from dataclasses import replace

import pytest

from rulesd.model.rollout import Criteria, Rollout, Seen, Verdict, judge


def rollout(**fields: object) -> Rollout:
    values: dict[str, object] = {
        "id": "c1", "kind": "model", "component": "assistant", "from_version": "m1", "to_version": "m2", "stage": "canary",
        "tenant": "", "owner": "ml", "criteria": Criteria(), "started_at": 0, "ends_at": 100, "seen": 100, "over": True,
    }  # fmt: skip
    return Rollout(**{**values, **fields})  # type: ignore[arg-type]


def seen(**fields: object) -> Seen:
    values: dict[str, object] = {
        "alert": "a1", "rule": "tool.x", "severity": "high", "at": 5, "labels": {}, "why": "it names m2"
    }  # fmt: skip
    return Seen(**{**values, **fields})  # type: ignore[arg-type]


def test_nothing_wrong_and_nothing_missing_passes() -> None:
    assert judge(rollout()).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"alerts": (seen(),)}, "tool.x fired (high): it names m2"),
        ({"failed": 2}, "2 red-team findings failed"),
        ({"rolled_back": True}, "it was rolled back"),
    ],
)
def test_a_failure_fails_whatever_is_missing(fields: dict[str, object], words: str) -> None:
    found = judge(rollout(over=False, seen=0, **fields))
    assert found.verdict is Verdict.FAIL
    assert words in found.failures
    assert len(found.missing) == 2


@pytest.mark.parametrize("alert", [seen(why=""), seen(severity="medium")])
def test_what_is_not_tied_to_the_change_or_mild_fails_nothing(alert: Seen) -> None:
    assert judge(rollout(alerts=(alert,))).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("criteria", "fields", "reviews", "words"),
    [
        ({}, {"over": False}, 0, "the watch is not over"),
        ({}, {"seen": 3}, 0, "only 3 of 100 events of the new version"),
        ({"redteam": True}, {}, 0, "no red-team run against this change"),
        ({}, {}, 2, "2 critical reviews are open"),
        ({"signoff": True}, {}, 0, "ml has not signed off"),
        ({"signoff": True}, {"owner": ""}, 0, "the owner has not signed off"),
    ],
)
def test_what_is_missing_leaves_it_open(
    criteria: dict[str, object], fields: dict[str, object], reviews: int, words: str
) -> None:
    made = rollout(criteria=replace(Criteria(), **criteria), **fields)  # type: ignore[arg-type]
    found = judge(made, reviews)
    assert (found.verdict, found.missing) == (Verdict.INCONCLUSIVE, (words,))


def test_what_was_required_and_is_there() -> None:
    criteria = Criteria(redteam=True, signoff=True, reviews=False)
    assert judge(rollout(criteria=criteria, passed=1, signed_by="ana"), 3).verdict is Verdict.PASS


def test_a_watch_that_ended_early_leaves_it_open_unless_signed() -> None:
    early = rollout(ended_early="ana ended the watch after 3m of 1h")
    assert judge(early).missing == (
        "ana ended the watch after 3m of 1h; ml has not signed off on that",
    )
    assert judge(replace(early, signed_by="bo")).missing == ()
    assert judge(replace(early, failed=2)).failures == ("2 red-team findings failed",)
