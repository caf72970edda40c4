from dataclasses import replace

from rulesd.model.decision import Status
from rulesd.model.fingerprint import group_dedup_key
from rulesd.notify.alertmanager import ZERO_TIME, pagerduty_body, webhook_body
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
    assert one["startsAt"] == "2026-01-05T09:00:11.040Z"
    assert one["fingerprint"] == "0000000000000000"
    assert one["labels"]["alertname"] == "tool.scope_violation"
    assert set(one["annotations"]) == {"summary", "description", "runbook_url", "value", "since"}


def test_a_resolved_alert_has_its_end() -> None:
    body = webhook_body(note(resolved(), status=Status.RESOLVED))
    assert (body["status"], body["alerts"][0]["status"]) == ("resolved", "resolved")
    assert body["alerts"][0]["endsAt"] == "2026-01-05T09:11:51.000Z"


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


def event(**given: object) -> dict[str, object]:
    page = note(*given.pop("members", ()), **given)  # type: ignore[misc]
    return pagerduty_body(page, routing_key="k", summary="s", severity="error", client="rulesd")


def test_pagerduty_body() -> None:
    body = event(members=(told(burst(1)), resolved(burst(2))))
    assert body["dedup_key"] == group_dedup_key('{}:{alertname="tool.scope_violation"}')
    assert body["event_action"] == "trigger"
    details = body["payload"]["custom_details"]  # type: ignore[index]
    assert (details["num_firing"], details["num_resolved"]) == ("1", "1")
    assert " - alertname = tool.denied_burst" in details["firing"]


def test_pagerduty_resolves_when_nothing_fires() -> None:
    body = event(members=(resolved(),), status=Status.RESOLVED)
    assert set(body) == {"routing_key", "dedup_key", "event_action"}
    assert body["event_action"] == "resolve"
