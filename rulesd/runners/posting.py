"""What API v2 asks of the daemon: take alerts that others post, and tell how alerts and groups stand.

Law: a post is durable before it is answered, and it is under the same limits as events: when too much waits for the disk it is turned
away whole. A large post is taken in slices, so that pages do not wait for it; slices are in order, and all of them or none is answered
with success.
"""

import gc
from collections.abc import Mapping, Sequence
from functools import partial

from rulesd.core.standing import GroupView, Standing
from rulesd.model.alert import Alert
from rulesd.model.decision import NotificationDue, Status, Told
from rulesd.model.inputs import AlertsPosted, PostedAlert
from rulesd.model.quick import quick
from rulesd.model.reasons import Reason
from rulesd.notify.alertmanager import annotations
from rulesd.notify.compose import Links
from rulesd.notify.telling import tell
from rulesd.runners.crank import Crank

SETTLED = 5_000
"""Further alerts known after which the garbage collector is told to look at them no longer.

They live for hours and hold no cycles; without this a storm of 100,000 costs several looks at all of them, of up to half a second
each. Only growth counts, so what is frozen along with them is bounded."""

SLICE = 100
"Posted alerts the engine takes before the event loop gets a turn."


class Posting:
    """The part of ``rulesd.ports.daemon.Daemon`` that speaks of alerts as Alertmanager does."""

    _crank: Crank
    _links: Links
    _settled = 0
    "The most alerts of others known when the collector was told."

    async def post_alerts(self, alerts: Sequence[PostedAlert], by: str) -> None:
        """Take alerts of another system; durable when it returns.

        Raises:
            Overloaded: too much waits for the disk; nothing, or not all, is durable. Sending all of it again is safe.
        """
        slices = [alerts[start : start + SLICE] for start in range(0, len(alerts), SLICE)]
        makers = [partial(self._input, some, by) for some in slices]
        await self._crank.take(makers, [len(some) for some in slices])
        known = len(self._crank.engine.foreign.known)
        if known >= self._settled + SETTLED:
            self._settled = known
            gc.freeze()

    def _input(self, alerts: Sequence[PostedAlert], by: str) -> AlertsPosted:
        """One slice; of what is known as it was posted, only the times are written down again."""
        known = self._crank.engine.foreign.known
        seen: set[str] = set()
        out: list[PostedAlert] = []
        for one in alerts:
            name = one.fingerprint
            old = known.get(name)
            out.append(one if old is None or name in seen else again(one, old))
            seen.add(name)
        return AlertsPosted(alerts=tuple(out), by=by)

    def standing(self, alert: Alert) -> Standing:
        """What holds an alert back now, and where it goes."""
        engine = self._crank.engine
        return engine.dispatch.standing(alert, max(self._crank.clock.now(), engine.now))

    def groups(self) -> Sequence[GroupView]:
        """Every group that has alerts."""
        engine = self._crank.engine
        return engine.dispatch.overview(max(self._crank.clock.now(), engine.now))

    def described(self, alert: Alert) -> tuple[Mapping[str, str], str]:
        """An alert's annotations, and where it comes from: what its source said, or what our own pages say."""
        if alert.foreign is not None:
            return alert.foreign.annotations, alert.foreign.generator_url
        told = Told(alert=alert, status=Status.FIRING, changed=False)
        page = tell(told, _asked(alert, told), self._crank.engine.plan, self._links)
        return annotations(page), page.console_url


def again(posted: PostedAlert, known: Alert) -> PostedAlert:
    """A post without the texts that are known already; as it is where it brings others."""
    old = known.foreign
    if (
        old is None
        or old.generator_url != posted.generator_url
        or old.annotations != posted.annotations
        or known.labels != posted.labels
    ):
        return posted
    return _make(
        _NONE, posted.starts_at, posted.ends_at, _NONE, "", posted.timeout, posted.fingerprint
    )


_NONE: Mapping[str, str] = {}
_make = quick(
    PostedAlert,
    *("labels", "starts_at", "ends_at", "annotations", "generator_url", "timeout", "fingerprint"),
)


def _asked(alert: Alert, told: Told) -> NotificationDue:
    """A page that nobody is sent: what telling an alert wants to know beside it."""
    return NotificationDue(
        at=alert.event_time,
        reason=Reason.UPDATE,
        receiver="",
        group="",
        group_labels={},
        status=Status.FIRING,
        alerts=(told,),
        incident=alert.alert,
        page=False,
    )
