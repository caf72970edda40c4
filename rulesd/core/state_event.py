"""Decisions as events, so that rules can be about alerts (``composite``) and about switches ("set, but still violated").

Law: derived from inputs, so they are never journaled; the same decision gives the same event.
"""

from rulesd.model.decision import AlertChanged, SwitchChanged
from rulesd.model.event import Event, Json
from rulesd.model.instant import Instant


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


def _own(id_: str, type_: str, tenant: str, at: Instant, data: dict[str, Json]) -> Event:
    document: dict[str, Json] = {"id": id_, "source": "/rulesd", "type": type_, "data": data}
    if tenant:
        document["tenant"] = tenant
    return Event(id_, "/rulesd", type_, tenant, at, document, 0, 0)
