"""Plans made by hand, so that core tests need neither files nor a rule language: conditions are plain functions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rulesd.core.detectors.burst import Burst
from rulesd.core.detectors.never import Never
from rulesd.core.field import Field
from rulesd.core.plan import Maturity, Owner, Plan, Receiver, Route, Rule, Runbook
from rulesd.model.event import Document, Event, Json
from rulesd.model.fingerprint import digest64

T0 = 1_767_600_000_000
"2026-01-05T08:00:00Z"


def field(name: str) -> Field:
    def get(document: Document) -> Json:
        if name in document:
            return document[name]
        data = document.get("data")
        return data.get(name) if isinstance(data, dict) else None

    return Field(name=name, label=name.rsplit(".", 1)[-1], get=get)


def rule(id_: str = "tool.denied", *, detector: Any = None, **changes: Any) -> Rule:
    detector = detector if detector is not None else Never()
    values: dict[str, Any] = {
        "id": id_,
        "title": f"title of {id_}",
        "summary": "",
        "owner": "safety",
        "runbook": Runbook(
            id=id_, title="Runbook", markdown="# Runbook", url="", first_five_minutes="Look."
        ),
        "maturity": Maturity.STABLE,
        "on": ("tool.call",),
        "by": (field("tenant"),),
        "context": (field("model"),),
        "detector": detector,
        "never": isinstance(detector, Never),
        "severity": lambda facts: "high",
        "worst_severity": "high",
        "digest": f"{id_}/{detector.name}/{getattr(detector, 'count', 0)}/{getattr(detector, 'within', 0)}",
    }
    return Rule(**{**values, **changes})


def burst(count: int = 3, within: int = 300_000, **changes: Any) -> Burst:
    return Burst(count, within, **changes)


def plan(
    *rules: Rule,
    when: Mapping[str, Callable[[Document], bool]] | None = None,
    root: Route | None = None,
    owners: Mapping[str, Owner] | None = None,
) -> Plan:
    """A plan whose rules match by event type, or by ``when``; a condition that raises counts as raised."""
    conditions = dict(when or {})

    def match(document: Document) -> tuple[Sequence[int], Sequence[int]]:
        matched, raised = [], []
        for position, each in enumerate(rules):
            condition = conditions.get(each.id, lambda d, r=each: d["type"] in r.on)
            try:
                if condition(document):
                    matched.append(position)
            except TypeError:
                raised.append(position)
        return matched, raised

    root = root or Route(receiver="default", group_by=("alertname", "tenant"))
    return Plan(
        digest="|".join(r.digest for r in rules),
        rules=rules,
        match=match,
        root=root,
        receivers={n: Receiver(name=n) for n in ("default", "pager")},
        owners=owners or {"safety": Owner(name="safety")},
        severities={},
        by_id={r.id: i for i, r in enumerate(rules)},
    )


def event(
    id_: str | int,
    at: int = T0,
    *,
    tenant: str = "acme",
    type_: str = "tool.call",
    weight: int = 1,
    **data: Json,
) -> Event:
    document: dict[str, Json] = {"id": str(id_), "source": "/svc", "type": type_, "data": data}
    if tenant:
        document["tenant"] = tenant
    key = digest64(tenant, "/svc", str(id_))
    return Event(
        str(id_),
        "/svc",
        type_,
        tenant,
        at,
        document,
        key,
        digest64(repr(sorted(data.items())), str(at)),
        weight,
    )
