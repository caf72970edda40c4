"""The incidents the demo plants, and the shipped rule that must page for each, once.

Law: this file is the expectation. An incident is made of events that a producer could have sent, some of them sent again or
late as real networks do; the daemon is told nothing else about it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rulesd.demo.forge import Event, Forge
from rulesd.demo.traffic import BY_TENANT


class Via(StrEnum):
    """How an event travels."""

    MQTT = "mqtt"
    HTTP = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Events that leave together."""

    via: Via
    events: Sequence[Event]
    again: bool = False
    "The same events a second time: a redelivery, a retry."


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One incident."""

    id: str
    title: str
    "What happens, for the person who watches."

    twist: str
    "What makes it hard to page exactly once."

    rule: str
    "The shipped rule that must page."

    tenant: str
    severity: str
    via: str
    recurs: bool = False
    "In a demo without an end it happens again: its page is updated, nobody is woken twice."

    make: Callable[[Forge, float], Sequence[Sending]]
    "Its events, given the time in seconds since the epoch."


def _one(
    forge: Forge, at: float, name: str, tenant: str, data: dict[str, Any], user: str = "u-90001"
) -> Event:
    assistant = BY_TENANT[tenant]
    return forge.event(
        name,
        at,
        {**assistant.labels(), "user_ref": user, **data},
        tenant=tenant,
        service=assistant.service,
    )


def _scope(forge: Forge, at: float) -> Sequence[Sending]:
    data = {
        "tool": "crm_export",
        "tier": "write",
        "phase": "result",
        "scope": "out",
        "outcome": "ok",
        "resource_tenant": "acme",
    }
    return [Sending(via=Via.MQTT, events=[_one(forge, at, "tool.call", "acme", data)])]


def _cross_tenant(forge: Forge, at: float) -> Sequence[Sending]:
    data = {
        "index": "crm",
        "cross_tenant": True,
        "outcome": "ok",
        "filter_outcome": "applied",
        "result_count": 3,
    }
    events = [_one(forge, at, "retrieval.query", "globex", data)]
    return [
        Sending(via=Via.HTTP, events=events),
        Sending(via=Via.HTTP, events=events, again=True),
    ]


def _leak(forge: Forge, at: float) -> Sequence[Sending]:
    data = {
        "classifier": "secret-scan",
        "hazard": "secret",
        "label": "fail",
        "confirmed": True,
        "target": "output",
        "score": 0.99,
    }
    events = [_one(forge, at, "output.classification", "initech", data)]
    return [
        Sending(via=Via.MQTT, events=events),
        Sending(via=Via.MQTT, events=events, again=True),
        Sending(via=Via.MQTT, events=events, again=True),
    ]


def _denied_burst(forge: Forge, at: float) -> Sequence[Sending]:
    data = {
        "tool": "email_send",
        "tier": "write",
        "phase": "result",
        "outcome": "denied",
        "deny_reason": "not_permitted",
    }
    # The rule wants 20 within five minutes. They happened over two minutes and arrive in no order.
    events = [
        _one(forge, at - 5 * n, "tool.call", "globex", data, f"u-91{n:03d}") for n in range(24)
    ]
    forge.random.shuffle(events)
    return [Sending(via=Via.MQTT, events=events)]


def _not_enforced(forge: Forge, at: float) -> Sequence[Sending]:
    data = {
        "stage": "output",
        "verdict": "deny",
        "action": "allow",
        "hazard": "medical",
        "component": "stream-gate",
    }
    late = _one(forge, at - 20 * 60, "policy.decision", "northwind", data)
    return [Sending(via=Via.HTTP, events=[late])]


def _unapproved(forge: Forge, at: float) -> Sequence[Sending]:
    data = {
        "tool": "table_drop",
        "tier": "destructive",
        "approval": "pending",
        "phase": "result",
        "outcome": "ok",
        "scope": "in",
        "resource_tenant": "initech",
    }
    events = [_one(forge, at, "tool.call", "initech", data)]
    return [
        Sending(via=Via.MQTT, events=events),
        Sending(via=Via.HTTP, events=events, again=True),
    ]


def _runaway(forge: Forge, at: float) -> Sequence[Sending]:
    data = {
        "tool": "order_lookup",
        "tier": "read",
        "phase": "result",
        "outcome": "ok",
        "scope": "in",
        "resource_tenant": "acme",
    }
    events = [_one(forge, at - 2 * n, "tool.call", "acme", data, "u-92007") for n in range(18)]
    return [Sending(via=Via.HTTP, events=events[::-1])]


def _poisoned(forge: Forge, at: float) -> Sequence[Sending]:
    data = {
        "index": "web_cache",
        "instruction_like": True,
        "cross_tenant": False,
        "filter_outcome": "applied",
        "outcome": "ok",
        "result_count": 5,
    }
    events = [
        _one(
            forge,
            at - 20 * n,
            "retrieval.query",
            "northwind",
            {**data, "session_id": f"s-poisoned-{n}"},
            f"u-93{n:03d}",
        )
        for n in range(9)
    ]
    return [
        Sending(via=Via.HTTP, events=events),
        Sending(via=Via.MQTT, events=events[:4], again=True),
    ]


def _control_down(forge: Forge, at: float) -> Sequence[Sending]:
    data = {"component": "tool-sandbox", "kind": "sandbox", "status": "failing", "region": "eu-1"}
    event = forge.event("heartbeat", at, data, tenant="initech", service="tool-sandbox")
    return [Sending(via=Via.MQTT, events=[event])]


def _break_glass(forge: Forge, at: float) -> Sequence[Sending]:
    data = {
        "tool": "admin_console",
        "tier": "privileged",
        "approval": "break_glass",
        "phase": "result",
        "outcome": "ok",
        "scope": "in",
        "resource_tenant": "acme",
    }
    return [Sending(via=Via.HTTP, events=[_one(forge, at, "tool.call", "acme", data)])]


PLANTED: Sequence[Planted] = (
    Planted(
        id="out-of-scope-tool",
        title="A support assistant exports the CRM, outside its user's permissions",
        twist="a single event among thousands",
        rule="tool.scope_violation",
        tenant="acme",
        severity="critical",
        via="MQTT",
        recurs=True,
        make=_scope,
    ),
    Planted(
        id="cross-tenant-hit",
        title="A search returns another tenant's documents",
        twist="the client lost the answer and posts it a second time",
        rule="retrieval.cross_tenant_hit",
        tenant="globex",
        severity="critical",
        via="HTTP, twice",
        recurs=True,
        make=_cross_tenant,
    ),
    Planted(
        id="confirmed-leak",
        title="A secret stands in an answer, and the scan confirms it",
        twist="the broker delivers it three times",
        rule="output.leak_confirmed",
        tenant="initech",
        severity="critical",
        via="MQTT, three times",
        recurs=True,
        make=_leak,
    ),
    Planted(
        id="policy-not-enforced",
        title="The policy said no, the product did it anyway",
        twist="the event arrives 20 minutes late",
        rule="policy.enforcement_failed",
        tenant="northwind",
        severity="critical",
        via="HTTP, late",
        make=_not_enforced,
    ),
    Planted(
        id="denied-burst",
        title="A tool is denied 24 times within two minutes",
        twist="the events arrive in no order",
        rule="tool.denied_burst",
        tenant="globex",
        severity="high",
        via="MQTT, shuffled",
        make=_denied_burst,
    ),
    Planted(
        id="unapproved-deletion",
        title="A table is dropped while its approval is pending",
        twist="the same event comes over both transports",
        rule="tool.destructive_without_approval",
        tenant="initech",
        severity="critical",
        via="MQTT and HTTP",
        make=_unapproved,
    ),
    Planted(
        id="runaway-assistant",
        title="One user's assistant calls a tool in a loop",
        twist="18 calls in one batch, oldest first",
        rule="tool.loop",
        tenant="acme",
        severity="high",
        via="HTTP, one batch",
        make=_runaway,
    ),
    Planted(
        id="safety-control-down",
        title="The tool sandbox reports that it is failing",
        twist="not an attack: a control that is gone",
        rule="telemetry.monitor_failing",
        tenant="initech",
        severity="high",
        via="MQTT",
        make=_control_down,
    ),
    Planted(
        id="poisoned-index",
        title="Passages that give orders come out of one index",
        twist="nine sessions, four of them told twice; working hours only, nobody is woken",
        rule="retrieval.instruction_burst",
        tenant="northwind",
        severity="medium",
        via="HTTP, some again over MQTT",
        make=_poisoned,
    ),
    Planted(
        id="break-glass",
        title="Emergency access was used",
        twist="allowed, so it becomes a ticket",
        rule="tool.break_glass",
        tenant="acme",
        severity="low",
        via="HTTP",
        make=_break_glass,
    ),
)
