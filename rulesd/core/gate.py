"""The gate: what holds an alert back from people at this moment, and since which word.

Law: pure; asked in Alertmanager's order: inhibition, then the route's intervals, then silences. An alert of a must-never-happen rule
passes inhibition and intervals; which silences hold it is theirs to say. Nothing is hidden without a reason on record.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from rulesd.core.inhibit import Aim, Inhibitor
from rulesd.core.mute import muting
from rulesd.core.plan import Plan, Route
from rulesd.core.standing import Standing
from rulesd.model.alert import Alert
from rulesd.model.decision import NotificationDue
from rulesd.model.instant import Instant
from rulesd.model.reasons import AlertState, Reason

Silencing = Callable[[Alert, Instant], tuple[str, ...]]
"Ids of the silences that hold an alert back at an instant."


class Held(NamedTuple):
    """Why an alert is held back, and by what."""

    reason: Reason
    by: tuple[str, ...]
    "Fingerprints of alerts, names of intervals or ids of silences."


class Gate:
    """Everything that may hold an alert back."""

    def __init__(self, plan: Plan) -> None:
        """Nothing does yet."""
        self.inhibitor = Inhibitor(plan.inhibit_rules)
        self.silencing: Silencing = lambda alert, now: ()
        self.may_silence: Callable[[], bool] = lambda: False
        "Whether there is any silence at all."
        self.spare: Callable[[NotificationDue], NotificationDue] = lambda due: due
        "What people need to hear of a notification now: asked before the page limit."

    def replace(self, plan: Plan, alerts: Iterable[Alert]) -> None:
        """Take the inhibition rules of a new plan; ``alerts`` are all that fire."""
        self.inhibitor = Inhibitor(plan.inhibit_rules)
        for alert in alerts:
            self.inhibitor.see(alert)

    def may_hold(self, route: Route) -> bool:
        """Whether anything may hold back an alert of this route now: if not, nobody need be asked."""
        return bool(route.mute or route.active) or self.inhibitor.has_sources or self.may_silence()

    def held(
        self,
        alert: Alert,
        aims: tuple[Aim, ...],
        muted: tuple[str, ...],
        now: Instant,
        before: Held | None = None,
    ) -> Held | None:
        """What holds an alert back; ``muted``: the intervals that keep its route quiet; ``before``: what held it until now."""
        if not alert.never:
            if aims and self.inhibitor.has_sources:
                if before is not None and self.inhibitor.still(aims, before.by):
                    return before
                if sources := self.inhibitor.inhibiting(aims):
                    return Held(Reason.INHIBITED, sources)
            if muted:
                return Held(Reason.MUTED, muted)
        silences = self.silencing(alert, now)
        return Held(Reason.SILENCED, silences) if silences else None

    def standing(self, alert: Alert, routes: list[tuple[Route, str]], now: Instant) -> Standing:
        """How an alert stands that goes to these (route, receiver)s."""
        receivers = tuple(dict.fromkeys(receiver for _, receiver in routes))
        if alert.state is AlertState.PENDING:
            return Standing(state="unprocessed", receivers=receivers)
        inhibited: tuple[str, ...] = ()
        muted: tuple[str, ...] = ()
        if not alert.never:
            inhibited = self.inhibitor.inhibiting(self.inhibitor.aims(alert))
            quiet = [muting(route, now) for route, _ in routes]
            if quiet and all(quiet):
                muted = tuple(dict.fromkeys(name for names in quiet for name in names))
        silenced = self.silencing(alert, now)
        return Standing(
            state="suppressed" if inhibited or muted or silenced else "active",
            inhibited_by=inhibited,
            silenced_by=silenced,
            muted_by=muted,
            receivers=receivers,
        )
