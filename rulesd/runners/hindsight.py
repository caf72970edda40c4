"""What a silence would have done: the pages of the last days, read from the decision log and held against its matchers.

Law: it reads, and never decides. It is bounded in rows and time, and says how far back it came; one runs at a time, beside the loop.
A page is hidden when all its firing alerts are; when some are, it would have left with fewer of them.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from rulesd.core.plan import Plan
from rulesd.core.silence import suits_never
from rulesd.core.silence_index import Filed, file
from rulesd.model.decision import Audience, Kind, Status
from rulesd.model.instant import Instant
from rulesd.model.silence import Silence
from rulesd.ports.silences import HiddenPage, HiddenShare, Preview
from rulesd.ports.store import DecisionRow, Store
from rulesd.runners.crank import Crank

MOST_ROWS = 500_000
"Decisions read for one preview."

MOST_SECONDS = 5.0
"... and how long they may take."

STRIDE = 1_000
"Decisions read at once."

EXAMPLES = 3
"Of each rule and owner."

MOST_SHARES = 1_000
"Rules and owners told apart."

MOST_ALERTS = 200_000
"Episodes whose labels are remembered while reading."

_SPOKEN = (str(Kind.FIRING), str(Kind.UPDATED))
_PAGE = str(Kind.NOTIFICATION)


@dataclass(slots=True)
class _Known:
    """What the log says of one episode."""

    labels: Mapping[str, str]
    rule: str
    owner: str
    severity: str
    never: bool


_OTHER = _Known({}, "", "", "", False)
"An episode of which the silence does not speak."


@dataclass(slots=True)
class _Tally:
    """What has been found so far."""

    pages: int = 0
    shortened: int = 0
    unapplied: int = 0
    shares: dict[tuple[str, str], tuple[int, list[HiddenPage]]] = field(default_factory=dict)


class Hindsight:
    """Answers what would have been hidden."""

    def __init__(self, crank: Crank, store: Store) -> None:
        """``crank`` knows the plan and the number of the last decision."""
        self._crank = crank
        self._store = store
        self._one = asyncio.Lock()

    async def preview(self, silence: Silence, since: Instant, now: Instant) -> Preview:
        """Read the log. Raises ``ValueError`` for a silence that cannot be understood."""
        engine = self._crank.engine
        filed = file(silence, engine.plan.regex)
        windows = _windows(silence, engine.plan)
        async with self._one:
            reading = _Reading(self._store, engine.plan, silence, filed, windows)
            rows = self._crank.seq
            begun, until, complete = await asyncio.to_thread(reading.read, rows, since, now)
        here: dict[str, int] = {}
        for alert in {a.alert: a for a in engine.firing()}.values():
            if windows(now) and filed.fits(alert.all_labels()) and _holds(silence, alert.never):
                name = alert.rule or alert.labels.get("alertname", "")
                here[name] = here.get(name, 0) + 1
        tally = reading.tally
        shares = [
            HiddenShare(rule=rule, owner=owner, pages=count, examples=tuple(examples))
            for (rule, owner), (count, examples) in tally.shares.items()
        ]
        shares.sort(key=lambda s: (-s.pages, s.rule, s.owner))
        return Preview(
            since=begun,
            until=until,
            complete=complete,
            pages=tally.pages,
            shortened=tally.shortened,
            unapplied=tally.unapplied,
            shares=tuple(shares),
            now=here,
        )


def _wakes(body: Mapping[str, Any]) -> bool:
    """Whether it woke somebody: in a storm programs are told apart from people."""
    return bool(
        body["page"]
        and body["status"] == Status.FIRING
        and body.get("audience") != Audience.MACHINES
    )


def _holds(silence: Silence, never: bool) -> bool:
    return not never or suits_never(silence)


def _windows(silence: Silence, plan: Plan) -> Callable[[Instant], bool]:
    """Whether a window would have been open; always, for a silence without any. Asked in order of time."""
    if not silence.cron:
        return lambda at: True
    zone = f"CRON_TZ={silence.timezone} " if silence.timezone else ""
    after = plan.schedule(zone + silence.cron)
    begins = 0

    def inside(at: Instant) -> bool:
        nonlocal begins
        if begins <= at - silence.lasts:
            begins = after(at - silence.lasts)
        return begins <= at

    return inside


class _Reading:
    """One pass over the log, from ``since`` to now."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        silence: Silence,
        filed: Filed,
        windows: Callable[[Instant], bool],
    ) -> None:
        self._store, self._plan, self._silence = store, plan, silence
        self._filed, self._windows = filed, windows
        self._known: dict[str, _Known] = {}
        self.tally = _Tally()

    def read(self, last: int, since: Instant, now: Instant) -> tuple[Instant, Instant, bool]:
        """From when until when pages were counted, and whether that is all that was asked."""
        ends = time.monotonic() + MOST_SECONDS
        first = self._first(last, since)
        floor = max(first, last - MOST_ROWS)
        complete = floor == first
        begun = since if complete and first else None
        for n, row in enumerate(self._rows(floor)):
            if begun is None:
                # The log is younger than what was asked, or there is more of it than may be read.
                begun = max(since, row.at)
            if n % STRIDE == 0 and time.monotonic() > ends:
                return begun, row.at, False
            self._see(row)
        return since if begun is None else begun, now, complete

    def _first(self, last: int, since: Instant) -> int:
        """The number before the first decision at or after ``since``; numbers grow with time."""
        low, high = 0, last
        while low < high:
            middle = (low + high) // 2
            rows = self._store.read_decisions(after_seq=middle, limit=1)
            if not rows or rows[0].at >= since:
                high = middle
            else:
                low = rows[0].seq
        return low

    def _rows(self, after: int) -> Iterator[DecisionRow]:
        while rows := self._store.read_decisions(after_seq=after, limit=STRIDE):
            yield from rows
            after = rows[-1].seq

    def _see(self, row: DecisionRow) -> None:
        if row.kind in _SPOKEN:
            if len(self._known) < MOST_ALERTS or row.alert in self._known:
                self._known[row.alert] = self._learn(orjson.loads(row.body))
        elif row.kind == _PAGE:
            body = orjson.loads(row.body)
            if _wakes(body):
                self._page(row.at, body)

    def _learn(self, body: Mapping[str, Any]) -> _Known:
        """What an alert's own line says of it: every label, as routes and silences saw them."""
        rule, owner, severity = body["rule"], body["owner"], body["severity"]
        labels, never = dict(body["labels"]), False
        # No label of a rule may be called so: this alert came from another system, with all its labels.
        if "alertname" not in labels:
            context = {name: value for name, value in body["context"].items() if value}
            labels = {**context, **labels, "alertname": rule, "owner": owner, "severity": severity}
            position = self._plan.by_id.get(rule)
            never = position is not None and self._plan.rules[position].never
        # Of what does not fit nothing more is asked, and there may be a hundred thousand of it.
        return _Known(labels, rule, owner, severity, never) if self._filed.fits(labels) else _OTHER

    def _page(self, at: Instant, body: Mapping[str, Any]) -> None:
        told = [t for t in body["alerts"] if t["status"] == Status.FIRING]
        known = [self._of(t) for t in told]
        spoken = [k for k in known if k is not _OTHER]
        if not spoken or not self._windows(at):
            return
        tally = self.tally
        hidden = [k for k in spoken if _holds(self._silence, k.never)]
        if len(hidden) == len(told):
            tally.pages += 1
            self._share(at, str(body["receiver"]), hidden[0])
        elif hidden:
            tally.shortened += 1
        if len(hidden) < len(spoken):
            tally.unapplied += 1

    def _of(self, told: Mapping[str, Any]) -> _Known:
        """An episode by what was said of it; one that began before what is read is looked up."""
        name = told["alert"]
        known = self._known.get(name)
        if known is None:
            rows = self._store.read_decisions(alert=name, limit=1)
            known = self._learn(orjson.loads(rows[0].body)) if rows else _OTHER
            if len(self._known) < MOST_ALERTS:
                self._known[name] = known
        return known

    def _share(self, at: Instant, receiver: str, known: _Known) -> None:
        name = (known.rule, known.owner)
        if name not in self.tally.shares and len(self.tally.shares) >= MOST_SHARES:
            name = ("(more rules)", "")
        count, examples = self.tally.shares.get(name, (0, []))
        if len(examples) < EXAMPLES:
            examples.append(
                HiddenPage(
                    at=at,
                    receiver=receiver,
                    rule=known.rule,
                    owner=known.owner,
                    severity=known.severity,
                    labels=known.labels,
                )
            )
        self.tally.shares[name] = (count + 1, examples)
