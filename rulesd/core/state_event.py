"""Decisions as events, so that rules can be about alerts (``composite``) and about switches ("set, but still violated").

Law: derived from inputs, so they are never journaled; the same decision gives the same event.
"""

from rulesd.model.decision import AlertChanged, SwitchChanged
from rulesd.model.event import Event, Json
from rulesd.model.instant import Instant
from rulesd.model.switch import Setting


def state_event(change: AlertChanged) -> Event:
    """An alert's transition as an ``alert.state`` event: what rules about alerts (``composite``) match on.

    It is derived from inputs, so it is not journaled. ``data`` holds the alert's labels, ``rule``, ``state``, ``severity`` and ``owner``.
    """
    alert = change.alert
    data: dict[str, Json] = {**alert.context, **alert.labels}
    data |= {
        "rule": alert.rule,
        "state": str(alert.state),
        "severity": alert.severity,
        "owner": alert.owner,
    }
    id_ = f"{alert.alert}-{alert.state}"
    return _own(id_, "alert.state", alert.labels.get("tenant", ""), change.at, data)


def switch_event(changed: SwitchChanged) -> Event:
    """A change of a switch as a ``containment.changed`` event.

    ``data`` holds the setting's scope, its ``key``, ``switch``, ``state``, the ``value`` services read from now on, and ``stage``, the
    reason of the change: ``must_be_obeyed_by_now`` is the moment from which a service that does otherwise violates it.
    """
    setting = changed.setting
    data: dict[str, Json] = {**setting.labels, **setting.scope}
    data |= {
        "key": setting.key,
        "switch": setting.switch,
        "state": str(setting.state),
        "stage": str(changed.reason),
        "value": changed.value,
        "rule": setting.rule,
    }
    id_ = f"{setting.id}-{changed.reason}-{changed.at}"
    return _own(id_, "containment.changed", setting.scope.get("tenant", ""), changed.at, data)


def violation_event(setting: Setting, shown_by: Event, seen: Json, now: Instant) -> Event:
    """That a service does not obey a setting, as a ``containment.changed`` event of the stage ``violated``.

    ``data`` holds the setting's scope, labels, ``key``, ``switch`` and ``value``, what was ``seen`` instead where that is known, and of
    ``shown_by`` the fields that say which service it was. Its id is that event's: it is what the alert is caused by.
    """
    theirs = shown_by.document.get("data")
    named = theirs if isinstance(theirs, dict) else {}
    data: dict[str, Json] = {name: named[name] for name in WHO if named.get(name) is not None}
    data |= {**setting.labels, **setting.scope}
    data |= {
        "key": setting.key,
        "switch": setting.switch,
        "state": str(setting.state),
        "stage": VIOLATED,
        "value": setting.value,
        "rule": setting.rule,
        "shown_by": shown_by.type,
    }
    if seen is not None:
        data["seen"] = seen
    at = min(shown_by.at, now)
    tenant = shown_by.tenant or setting.scope.get("tenant", "")
    return _own(shown_by.id, "containment.changed", tenant, at, data)


VIOLATED = "violated"
"The stage of an event that shows that a switch is not obeyed."

WHO = ("service", "route", "surface", "region", "model", "provider", "policy_version", "tier")
"Fields of an event that say who did it."


def _own(id_: str, type_: str, tenant: str, at: Instant, data: dict[str, Json]) -> Event:
    document: dict[str, Json] = {"id": id_, "source": "/rulesd", "type": type_, "data": data}
    if tenant:
        document["tenant"] = tenant
    return Event(id_, "/rulesd", type_, tenant, at, document, 0, 0)
