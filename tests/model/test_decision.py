import json

from rulesd.model.decision import (
    ActionDue,
    AlertChanged,
    Audience,
    EventWasRejected,
    Kind,
    LimitReached,
    NoticeDue,
    NotificationDue,
    ReviewOpened,
    Status,
    Told,
    line,
)  # fmt: skip
from rulesd.model.reasons import Reason
from tests.model.test_alert import alert


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
