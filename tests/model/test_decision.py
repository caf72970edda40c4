import json
from dataclasses import replace

from rulesd.model.baseline import BaselineChanged
from rulesd.model.decision import (
    ActionDue,
    AlertChanged,
    Audience,
    EventWasRejected,
    Kind,
    LimitReached,
    NoticeDue,
    NotificationDue,
    ReviewClosed,
    ReviewOpened,
    RolloutChanged,
    Status,
    SwitchChanged,
    Told,
    line,
)  # fmt: skip
from rulesd.model.reasons import Reason
from rulesd.model.rollout import judge
from rulesd.model.switch import Setting, SettingState, Until
from tests.model.test_alert import alert
from tests.model.test_rollout import rollout


def test_an_alert_is_told_with_its_evidence() -> None:
    said = line(
        7,
        AlertChanged(
            kind=Kind.FIRING, at=0, reason=Reason.CONDITION_MET, alert=alert(causes=("e1", "e2"))
        ),
    )
    assert said["seq"] == 7
    assert said["kind"] == "alert.firing"
    assert said["reason"] == "condition_met"
    assert said["cause"] == ["e1", "e2"]
    assert said["labels"] == {"tenant": "acme"}
    assert said["context"] == {"model": "m1", "route": "", "tenant": "other"}
    assert "by" not in said
    json.dumps(said)


def test_who_took_it_and_that_it_could_not_be_evaluated() -> None:
    said = line(
        1,
        AlertChanged(
            kind=Kind.UPDATED,
            at=0,
            reason=Reason.ACKNOWLEDGED,
            alert=alert(acknowledged_by="jo", could_not_evaluate=True),
        ),
    )
    assert said["by"] == "jo"
    assert said["could_not_evaluate"] is True


def test_what_held_it_back_is_named() -> None:
    held = AlertChanged(
        kind=Kind.SUPPRESSED, at=0, reason=Reason.SILENCED, alert=alert(), held_by=("s1", "s2")
    )
    assert line(1, held)["held_by"] == ["s1", "s2"]
    assert "held_by" not in line(1, replace(held, held_by=()))


def due(**changes: object) -> NotificationDue:
    values: dict[str, object] = {
        "at": 1_000, "reason": Reason.FIRST, "receiver": "r", "group": "{}:{}", "group_labels": {}, "status": Status.FIRING,
        "alerts": (Told(alert=alert(), status=Status.FIRING, changed=True),), "incident": "i", "page": True,
    }  # fmt: skip
    return NotificationDue(**{**values, **changes})  # type: ignore[arg-type]


def test_a_notification_names_its_alerts() -> None:
    said = line(2, due())
    assert said["at"] == "1970-01-01T00:00:01.000Z"
    assert said["alerts"] == [
        {
            "alert": "a1",
            "fingerprint": "f",
            "status": "firing",
            "rule": "tool.x",
            "labels": {"tenant": "acme"},
            "severity": "high",
            "value": 1.0,
        }
    ]
    assert "storm" not in said
    assert "audience" not in said


def test_a_collected_page_says_so() -> None:
    said = line(2, due(storm=12, audience=Audience.PEOPLE))
    assert said["storm"] == 12
    assert said["audience"] == "people"


def test_the_other_kinds() -> None:
    assert (
        line(1, ActionDue(at=0, reason=Reason.RULE_ACTION, action="lock", alert=alert()))["kind"]
        == "action.due"
    )
    assert (
        line(1, ReviewOpened(at=0, reason=Reason.SAMPLED, review="r1", alert=alert()))["review"]
        == "r1"
    )
    bad = line(
        1,
        EventWasRejected(
            at=0,
            reason=Reason.REJECTED,
            source="http",
            code="invalid_json",
            pointer="/id",
            message="m",
        ),
    )
    assert (bad["kind"], bad["code"], bad["pointer"], bad["source"]) == (
        "event.rejected",
        "invalid_json",
        "/id",
        "http",
    )
    limit = line(1, LimitReached(at=0, reason=Reason.KEY_LIMIT, rule="r", limit=3, detail="d"))
    assert (limit["kind"], limit["limit"], limit["detail"]) == ("limit.reached", 3, "d")


def test_a_notice_says_its_lines() -> None:
    said = line(
        3,
        NoticeDue(at=0, reason=Reason.DIGEST, receiver="r", owner="o", title="t", lines=("a", "b")),
    )
    assert {k: said[k] for k in ("kind", "receiver", "owner", "title", "lines")} == {
        "kind": "notice.due",
        "receiver": "r",
        "owner": "o",
        "title": "t",
        "lines": ["a", "b"],
    }


def test_a_switch_says_who_why_and_until_when() -> None:
    setting = Setting(
        id="w1", switch="lock", key="tool.x", scope={"tenant": "acme"}, value=False, priority=0, by="ana", reason="r",
        origin="person", set_at=0, expires_at=1_000, until=Until.TTL, state=SettingState.ACTIVE,
    )  # fmt: skip
    said = line(1, SwitchChanged(at=0, reason=Reason.SET, setting=setting, value=False))
    assert said["kind"] == "switch.changed"
    assert said["expires_at"] == "1970-01-01T00:00:01.000Z"
    assert "approved_by" not in said
    over = replace(
        setting, approved_by="bo", ended_at=5, ended_by="cy", ended_why="over", result="ok", expires_at=None
    )  # fmt: skip
    said = line(1, SwitchChanged(at=0, reason=Reason.REVERTED, setting=over, value=True))
    assert (said["approved_by"], said["ended_by"], said["ended_why"], said["result"]) == (
        "bo",
        "cy",
        "over",
        "ok",
    )
    assert said["expires_at"] is None


def test_a_verdict_names_its_reviewer() -> None:
    said = line(
        1,
        ReviewClosed(
            at=0, reason=Reason.REVIEWED, review="r1", verdict="harm", by="ana", note="n", next="patch", alert=alert()
        ),
    )  # fmt: skip
    assert (said["kind"], said["verdict"], said["by"], said["next"]) == (
        "review.completed",
        "harm",
        "ana",
        "patch",
    )


def test_a_rollout_says_its_verdict() -> None:
    made = rollout(over=False)
    said = line(
        1, RolloutChanged(at=0, reason=Reason.ROLLOUT_STARTED, rollout=made, finding=judge(made))
    )
    assert (said["kind"], said["change"], said["verdict"]) == (
        "rollout.changed",
        "c1",
        "inconclusive",
    )
    assert said["missing"] == ["the watch is not over"]


def test_a_notification_says_who_is_on_call_and_who_is_next() -> None:
    said = line(2, due(on_call="ben", next_at=60_000, next_to="leads"))
    assert said["on_call"] == "ben"
    assert said["next"] == {"at": "1970-01-01T00:01:00.000Z", "to": "leads"}
    assert "on_call" not in line(2, due())
    assert "next" not in line(2, due())


def test_a_baseline_that_is_learned_anew_is_told_with_who_and_why() -> None:
    changed = BaselineChanged(
        at=0,
        reason=Reason.RELEARN_ASKED,
        rule="t.x",
        labels={"tenant": "a"},
        keys=2,
        by="ana",
        note="new model",
    )
    said = line(1, changed)
    assert (said["kind"], said["reason"]) == ("baseline.changed", "relearn_asked")
    assert (said["rule"], said["keys"], said["by"], said["why"]) == ("t.x", 2, "ana", "new model")
    json.dumps(said)
