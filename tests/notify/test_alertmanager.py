from dataclasses import replace

import pytest

from rulesd.model.decision import Status
from rulesd.notify.alertmanager import ZERO_TIME, go_time, webhook_body
from tests.notify.samples import alert, burst, note, resolved, told


def test_webhook_v4_field_for_field() -> None:
    body = webhook_body(note())
    assert list(body) == [
        "receiver",
        "status",
        "alerts",
        "groupLabels",
        "commonLabels",
        "commonAnnotations",
        "externalURL",
        "version",
        "groupKey",
        "truncatedAlerts",
    ]
    assert body["version"] == "4"
    assert body["receiver"] == "oncall"
    assert body["status"] == "firing"
    assert body["groupKey"] == '{}:{alertname="tool.scope_violation"}'
    assert body["truncatedAlerts"] == 0
    (one,) = body["alerts"]
    assert list(one) == [
        "status",
        "labels",
        "annotations",
        "startsAt",
        "endsAt",
        "generatorURL",
        "fingerprint",
    ]
    assert one["endsAt"] == ZERO_TIME
    assert one["startsAt"] == "2026-01-05T09:00:11.04Z"
    assert one["fingerprint"] == "0000000000000000"
    assert one["labels"]["alertname"] == "tool.scope_violation"
    assert set(one["annotations"]) == {"summary", "description", "runbook_url", "value", "since"}


def test_a_resolved_alert_has_its_end() -> None:
    body = webhook_body(note(resolved(), status=Status.RESOLVED))
    assert (body["status"], body["alerts"][0]["status"]) == ("resolved", "resolved")
    assert body["alerts"][0]["endsAt"] == "2026-01-05T09:11:51Z"


def test_acknowledged_is_still_firing_to_alertmanagers_readers() -> None:
    body = webhook_body(note(told(alert(), Status.ACKNOWLEDGED)))
    assert (body["status"], body["alerts"][0]["status"]) == ("firing", "firing")


def test_common_labels_are_those_all_alerts_share() -> None:
    page = note(told(burst(1)), told(burst(2, labels={"tenant": "globex", "tool": "shell"})))
    body = webhook_body(page)
    assert body["commonLabels"]["tool"] == "shell"
    assert "tenant" not in body["commonLabels"]
    assert "summary" in body["commonAnnotations"]
    assert webhook_body(replace(page, alerts=()))["commonLabels"] == {}


def test_max_alerts_counts_what_it_leaves_out() -> None:
    page = replace(note(*[told(burst(i)) for i in range(5)]), more=7)
    body = webhook_body(page, max_alerts=2)
    assert (len(body["alerts"]), body["truncatedAlerts"]) == (2, 10)
    assert len(webhook_body(page)["alerts"]) == 5


def test_what_is_left_out_counts_nowhere_else() -> None:
    """As in Alertmanager: what the receiver does not see is not in what the alerts have in common either."""
    page = note(resolved(burst(1)), told(burst(2, labels={"tenant": "globex", "tool": "shell"})))
    body = webhook_body(page, max_alerts=1)
    assert body["status"] == "resolved"
    assert body["commonLabels"]["tenant"] == "acme"


def test_a_foreign_alert_is_told_as_it_was_posted() -> None:
    given = {"summary": "<b>", "own": "x"}
    one = replace(
        note().alerts[0], foreign=True, annotations=given, generator_url="https://prometheus/g"
    )
    (said,) = webhook_body(replace(note(), alerts=(one,)))["alerts"]
    assert (said["annotations"], said["generatorURL"]) == (given, "https://prometheus/g")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-05T09:00:11.040Z", "2026-01-05T09:00:11.04Z"),
        ("2026-01-05T09:00:11.000Z", "2026-01-05T09:00:11Z"),
        ("2026-01-05T09:00:11Z", "2026-01-05T09:00:11Z"),
        (ZERO_TIME, ZERO_TIME),
    ],
)
def test_times_as_go_writes_them(text: str, expected: str) -> None:
    assert go_time(text) == expected
