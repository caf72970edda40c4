"""Alerts made by hand: one of a rule, one that another system posted."""

from typing import Any

from rulesd.model.alert import Alert, Foreign
from rulesd.model.reasons import AlertState
from tests.core.plans import T0


def alert(name: str = "a1", **changes: Any) -> Alert:
    values: dict[str, Any] = {
        "alert": name,
        "rule": "tool.denied",
        "fingerprint": name,
        "labels": {"tenant": "acme", "tool": "shell"},
        "context": {"model": "m1"},
        "severity": "high",
        "owner": "safety",
        "state": AlertState.FIRING,
        "value": 1.0,
        "threshold": None,
        "count": 1,
        "since": T0,
        "event_time": T0,
        "started_at": T0,
    }
    return Alert(**{**values, **changes})


def foreign(name: str, **labels: str) -> Alert:
    there = Foreign(
        annotations={}, generator_url="", starts_at=T0, ends_at=T0, timeout=False, updated_at=T0
    )
    return alert(name, rule="", owner="", severity="", labels=labels, foreign=there, never=True)
