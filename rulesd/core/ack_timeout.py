"""How long an acknowledgement counts: an alert that still fires after that is given back, and pages again.

Law: pure. Only alerts whose owner's escalation says ``ack_timeout``; giving back or resolving ends the wait.
"""

from rulesd.core.escalate import ladder
from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Plan
from rulesd.model.decision import AlertChanged, Kind
from rulesd.model.event import Json
from rulesd.model.instant import Instant


class AckTimeouts:
    """The acknowledgements that will expire."""

    def __init__(self, plan: Plan) -> None:
        """None."""
        self.plan = plan
        self._ends: dict[str, Instant] = {}
        "By alert."

    @property
    def due(self) -> Instant:
        """When the next one expires."""
        return min(self._ends.values(), default=NOT_DUE)

    @property
    def waits(self) -> bool:
        """Whether any acknowledgement will expire."""
        return bool(self._ends)

    def follow(self, change: AlertChanged) -> None:
        """Hear of a transition."""
        alert = change.alert
        if change.kind is Kind.UPDATED and alert.acknowledged_by:
            chain = ladder(self.plan, alert.owner, alert.severity)
            if chain is not None and chain.ack_timeout > 0:
                self._ends.setdefault(alert.alert, change.at + chain.ack_timeout)
        else:
            self._ends.pop(alert.alert, None)

    def expired(self, now: Instant) -> list[str]:
        """The alerts to be given back now."""
        out = sorted(alert for alert, at in self._ends.items() if at <= now)
        for alert in out:
            del self._ends[alert]
        return out

    def dump(self) -> Json:
        """Plain data."""
        return dict(self._ends)

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        self._ends = {k: v for k, v in data.items() if isinstance(v, int)}
