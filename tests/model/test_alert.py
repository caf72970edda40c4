from rulesd.model.alert import Alert, Foreign, severity_rank
from rulesd.model.reasons import AlertState


def alert(**changes: object) -> Alert:
    values: dict[str, object] = {
        "alert": "a1", "rule": "tool.x", "fingerprint": "f", "labels": {"tenant": "acme"}, "context": {"model": "m1", "route": "", "tenant": "other"},
        "severity": "high", "owner": "safety", "state": AlertState.FIRING, "value": 1.0, "threshold": None, "count": 1,
        "since": 0, "event_time": 0, "started_at": 0,
    }  # fmt: skip
    return Alert(**{**values, **changes})  # type: ignore[arg-type]


def test_labels_win_over_context_and_reserved_names_over_both() -> None:
    labels = alert(labels={"tenant": "acme", "owner": "spoofed"}).all_labels()
    assert labels == {
        "tenant": "acme",
        "model": "m1",
        "alertname": "tool.x",
        "owner": "safety",
        "severity": "high",
    }


def test_severities_have_an_order_and_unknown_ones_come_last() -> None:
    assert [severity_rank(s) for s in ("critical", "high", "medium", "low", "odd")] == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_a_foreign_alerts_labels_are_its_own_untouched() -> None:
    foreign = Foreign(
        annotations={}, generator_url="", starts_at=1, ends_at=2, timeout=False, updated_at=1
    )
    made = alert(labels={"alertname": "A", "severity": "page"}, owner="x", foreign=foreign)
    assert made.all_labels() == {"alertname": "A", "severity": "page"}


def test_a_foreign_alert_with_the_labels_of_ours_has_another_key() -> None:
    foreign = Foreign(
        annotations={}, generator_url="", starts_at=1, ends_at=2, timeout=False, updated_at=1
    )
    assert alert().key == "!f"
    assert alert(foreign=foreign).key == "f"
