"""An alert's transition as an event, so that rules can be about alerts (``composite``).

Law: derived from inputs, so it is never journaled; the same transition gives the same event.
"""

from rulesd.model.decision import AlertChanged
from rulesd.model.event import Event, Json


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
    tenant = alert.labels.get("tenant", "")
    document: dict[str, Json] = {
        "id": id_,
        "source": "/rulesd",
        "type": "alert.state",
        "data": data,
    }
    if tenant:
        document["tenant"] = tenant
    return Event(id_, "/rulesd", "alert.state", tenant, change.at, document, 0, 0)
