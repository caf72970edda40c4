"""A small plan and its alerts, as the tests of pages use them."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from rulesd.core.plan import (
    ChannelSpec,
    Field,
    Maturity,
    Owner,
    Plan,
    Receiver,
    Route,
    Rule,
    Runbook,
)
from rulesd.model.alert import Alert
from rulesd.model.decision import NotificationDue, Status, Told
from rulesd.model.instant import DAY, MINUTE
from rulesd.model.notification import Notification
from rulesd.model.reasons import AlertState, Reason
from rulesd.notify.compose import compose, decode_notification

T = 1_767_603_611_000  # 2026-01-05T09:00:11Z
FIRST_FIVE = (
    "1. Open the alert and note tenant and tool.\n"
    "2. Lock the tool: rulesd switch set tool.shell.enabled false\n"
    "3. Ask the tenant's owner whether the call was meant."
)
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Links:
    external_url = "https://rulesd.example"

    def runbook(self, rule_id: str) -> str:
        return f"https://rulesd.example/runbooks/{rule_id}?k=abc"

    def alert(self, alert_id: str) -> str:
        return f"https://rulesd.example/alerts/{alert_id}"


def spec(kind: str, settings: dict[str, Any] | None = None, **given: Any) -> ChannelSpec:
    per_alert = kind == "pagerduty"
    people = kind not in ("webhook", "webhook_configs")
    values: dict[str, Any] = {
        "receiver": "oncall",
        "name": f"{kind}[0]",
        "kind": kind,
        "settings": settings or {},
        "for_people": people,
        "per_alert": per_alert,
        "updates_in_place": kind in ("slack", "pagerduty"),
        "send_resolved": True,
    }
    return ChannelSpec(**{**values, **given})


def field(name: str) -> Field:
    return Field(name=name, label=name.rsplit(".", 1)[-1], get=lambda _: None)


def rule(id_: str = "tool.scope_violation", **given: Any) -> Rule:
    runbook = Runbook(
        id=id_,
        title="A tool outside its scope",
        markdown="x",
        url="",
        first_five_minutes=FIRST_FIVE,
    )
    base = Rule(
        id=id_,
        title="An assistant used a tool outside the user's permission scope",
        summary="{{ labels.tool }} was used outside the user's scope for {{ labels.tenant }}",
        owner="platform-safety",
        runbook=runbook,
        maturity=Maturity.STABLE,
        on=("tool.call",),
        by=(field("tenant"), field("tool")),
        context=(field("route"), field("model")),
        detector=SimpleNamespace(hold=DAY),  # type: ignore[arg-type]
        never=True,
        severity=lambda _: "critical",
        worst_severity="critical",
        unit="events",
    )
    return replace(base, **given)


def burst_rule() -> Rule:
    return rule(
        "tool.denied_burst",
        title="Denied tool calls pile up",
        summary="{{ value }} denials of {{ labels.tool }} in five minutes",
        detector=SimpleNamespace(hold=5 * MINUTE),
        never=False,
    )


CHANNELS = (spec("slack"), spec("pagerduty"), spec("webhook"), spec("apprise"))


def plan(
    *rules: Rule, channels: Sequence[ChannelSpec] = CHANNELS, root: Route | None = None
) -> Plan:
    all_rules = rules or (rule(), burst_rule())
    return Plan(
        digest="d",
        rules=all_rules,
        match=lambda _: ((), ()),
        root=root or Route(receiver="oncall"),
        receivers={"oncall": Receiver(name="oncall", channels=tuple(channels))},
        owners={"platform-safety": Owner(name="platform-safety", contact="#platform-safety")},
        severities={
            "critical": "people or data are being harmed now",
            "high": "harm is likely within hours",
        },
        by_id={r.id: i for i, r in enumerate(all_rules)},
    )


def alert(number: int = 0, **given: Any) -> Alert:
    base = Alert(
        alert=f"9f3c1b2a77d0e{number:03d}",
        rule="tool.scope_violation",
        fingerprint=f"00000000000000{number:02d}",
        labels={"tenant": "acme", "tool": "shell"},
        context={"route": "support-chat", "model": "m-7"},
        severity="critical",
        owner="platform-safety",
        state=AlertState.FIRING,
        value=1.0,
        threshold=None,
        count=1,
        since=T,
        event_time=T,
        started_at=T + 40,
        causes=("evt-1",),
        never=True,
    )
    return replace(base, **given)


def burst(number: int = 1, **given: Any) -> Alert:
    values: dict[str, Any] = {
        "rule": "tool.denied_burst",
        "never": False,
        "severity": "high",
        "value": 23.0,
        "threshold": 20.0,
        "count": 23,
    }
    return alert(number, **{**values, **given})


def told(one: Alert, status: Status = Status.FIRING, *, changed: bool = True) -> Told:
    return Told(alert=one, status=status, changed=changed)


def due(*members: Told, **given: Any) -> NotificationDue:
    values: dict[str, Any] = {
        "at": T + 50,
        "reason": Reason.NEVER,
        "receiver": "oncall",
        "group": '{}:{alertname="tool.scope_violation"}',
        "group_labels": {"alertname": "tool.scope_violation"},
        "status": Status.FIRING,
        "alerts": members or (told(alert()),),
        "incident": "incident-1",
        "page": True,
    }
    return NotificationDue(**{**values, **given})


def note(*members: Told, channel: int = 0, **given: Any) -> Notification:
    """What the channel at that position of ``CHANNELS`` is asked to tell."""
    rows = compose(due(*members, **given), plan(), number=7, links=Links())
    wanted = CHANNELS[channel].name
    return decode_notification(next(r.body for r in rows if r.channel == wanted))


def resolved(one: Alert | None = None) -> Told:
    over = replace(one or alert(), state=AlertState.RESOLVED, ended_at=T + 700_000)
    return told(over, Status.RESOLVED)
