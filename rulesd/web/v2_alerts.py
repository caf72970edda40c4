"""``GET /api/v2/alerts`` and ``/api/v2/alerts/groups``: everything that fires, our own and what others posted, in Alertmanager's shape.

Law: derived at the moment of asking. A token of one tenant sees that tenant's alerts only. A hundred thousand alerts are written in
portions, so that neither pages nor the memory suffer from a list.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from operator import itemgetter

import orjson
from aiohttp import web

from rulesd.core.plan import Matcher
from rulesd.core.standing import GroupView, Standing
from rulesd.model.alert import Alert
from rulesd.model.event import Json
from rulesd.model.instant import format_instant
from rulesd.model.reasons import AlertState
from rulesd.ports.daemon import Daemon
from rulesd.web.alerts import visible
from rulesd.web.door import Door
from rulesd.web.tokens import Token
from rulesd.web.v2_answers import raw, streamed
from rulesd.web.v2_filters import chosen, filters, fits, receiver

STRIDE = 100
"Alerts that are written before the event loop gets a turn."

WHOLE = 2_000
"Alerts that are answered in one piece."


async def get_alerts(door: Door, request: web.Request, token: Token) -> web.Response:
    """Every alert that is not over and that the query chooses, in order of fingerprint."""
    query = _Query(request)
    named = receiver(request)
    daemon = door.daemon
    rows: list[tuple[str, Alert, Standing]] = []
    # Most alerts stand alike: one value for all of those, as there may be a hundred thousand.
    alike: dict[Standing, Standing] = {}
    for position, alert in enumerate(visible(daemon.alerts(), token)):
        if not position % STRIDE:
            await asyncio.sleep(0)
        standing = query.standing(daemon, alert)
        if standing is not None and any(map(named, standing.receivers)):
            rows.append((alert.fingerprint, alert, alike.setdefault(standing, standing)))
    rows.sort(key=itemgetter(0))
    return await _answer(_alerts(daemon, rows), len(rows))


async def _alerts(
    daemon: Daemon, rows: Sequence[tuple[str, Alert, Standing]]
) -> AsyncIterator[bytes]:
    """The answer in portions."""
    for start in range(0, len(rows), STRIDE):
        await asyncio.sleep(0)
        some = rows[start : start + STRIDE]
        yield b",".join(orjson.dumps(shown(daemon, alert, how)) for _, alert, how in some)


async def get_groups(door: Door, request: web.Request, token: Token) -> web.Response:
    """Every group that speaks of alerts the query chooses, in order of its labels and receiver."""
    query = _Query(request)
    named = receiver(request)
    groups = [group for group in door.daemon.groups() if named(group.receiver)]
    groups.sort(key=lambda group: (sorted(group.labels.items()), group.receiver))
    count = sum(len(group.alerts) for group in groups)
    return await _answer(_groups(door.daemon, groups, query, token), count)


async def _groups(
    daemon: Daemon, groups: Sequence[GroupView], query: "_Query", token: Token
) -> AsyncIterator[bytes]:
    """The answer in portions: the groups that have alerts the query chooses."""
    looked = 0
    for group in groups:
        rows: list[tuple[str, bytes]] = []
        for alert in visible(group.alerts, token):
            looked += 1
            if not looked % STRIDE:
                await asyncio.sleep(0)
            standing = query.standing(daemon, alert)
            if standing is not None:
                rows.append((alert.fingerprint, orjson.dumps(shown(daemon, alert, standing))))
        if rows:
            rows.sort()
            head = orjson.dumps({"labels": group.labels, "receiver": {"name": group.receiver}})
            yield head[:-1] + b',"alerts":[' + b",".join(row for _, row in rows) + b"]}"


async def _answer(portions: AsyncIterator[bytes], count: int) -> web.Response:
    """A JSON list: whole when it is short, else written while it is made, so that it is never in memory as a whole."""
    if count <= WHOLE:
        return raw(b"[" + b",".join([one async for one in portions]) + b"]\n")
    return streamed(_list(portions))


async def _list(portions: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    between = b"["
    async for one in portions:
        yield between + one
        between = b","
    yield b"[]\n" if between == b"[" else b"]\n"


class _Query:
    """The filters and switches of one request."""

    def __init__(self, request: web.Request) -> None:
        """Raises ``V2Refused`` for what is no filter."""
        self.matchers: Sequence[Matcher] = filters(request)
        self.wanted: Callable[[Standing], bool] = chosen(request)

    def standing(self, daemon: Daemon, alert: Alert) -> Standing | None:
        """How an alert stands; ``None`` when it is over or not chosen. The labels are asked first: that is cheap."""
        if alert.state is AlertState.RESOLVED:
            return None
        if self.matchers and not fits(self.matchers, alert.all_labels()):
            return None
        standing = daemon.standing(alert)
        return standing if self.wanted(standing) else None


def shown(daemon: Daemon, alert: Alert, standing: Standing) -> dict[str, Json]:
    """One alert, as Alertmanager shows it."""
    annotations, url = daemon.described(alert)
    told = alert.foreign
    out: dict[str, Json] = {
        "annotations": dict(annotations),
        # An own alert has no end that is known before; what clients are told is the same as of an alert without one.
        "endsAt": format_instant(
            told.ends_at if told else daemon.now() + daemon.plan.resolve_timeout
        ),
        "fingerprint": alert.fingerprint,
        "receivers": [{"name": name} for name in standing.receivers],
        "startsAt": format_instant(told.starts_at if told else alert.started_at),
        "status": {
            "inhibitedBy": list(standing.inhibited_by),
            "silencedBy": list(standing.silenced_by),
            "mutedBy": list(standing.muted_by),
            "state": standing.state,
        },
        "updatedAt": format_instant(told.updated_at if told else alert.event_time),
        "labels": dict(alert.all_labels()),
    }
    if url:
        out["generatorURL"] = url
    return out
