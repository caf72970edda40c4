"""What a silence would have done: the pages of the last days, read from the decision log and held against its matchers.

Law: it reads, and never decides. It goes back from now, is bounded in rows and time, and says how far it came; one runs at a time, beside
the loop. A page is hidden when all its firing alerts are; when some are, it would have left with fewer of them.

A page's line tells the labels that make its alerts distinct. What else a matcher may ask for (context, owner) stands in an alert's own
lines, which came before; so a page those labels do not rule out waits until one of these is met.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
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
"Episodes remembered while reading, and pages that wait for theirs."

MOST_SOUGHT = 200
"Episodes that began before what was read, and are looked up one by one."

_SPOKEN = (str(Kind.FIRING), str(Kind.UPDATED))
_PAGE = str(Kind.NOTIFICATION)


@dataclass(frozen=True, slots=True)
class _Known:
    """One alert of a page, of which the silence speaks."""

    labels: Mapping[str, str]
    rule: str
    owner: str
    severity: str
    never: bool


@dataclass(slots=True)
class _Page:
    """A page that may have been hidden."""

    at: Instant
    receiver: str
    told: Sequence[Mapping[str, Any]]
    "The firing alerts in it that its labels do not rule out."

    firing: int
    "How many there are in all."

    open: int = 0
    "Of how many the own line is still to come."


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
            rows = self._crank.ledger.seq
            begun, complete = await asyncio.to_thread(reading.read, rows, since)
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
            until=now,
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


def _told_labels(told: Mapping[str, Any]) -> dict[str, str]:
    """What a page says of an alert's labels; of an alert from another system that is all of them."""
    labels = dict(told["labels"])
    # No label of a rule may be called so.
    if "alertname" not in labels:
        labels |= {"alertname": told["rule"], "severity": told["severity"]}
    return labels


def _holds(silence: Silence, never: bool) -> bool:
    return not never or suits_never(silence)


def _windows(silence: Silence, plan: Plan) -> Callable[[Instant], bool]:
    """Whether a window would have been open; always, for a silence without any."""
    if not silence.cron:
        return lambda at: True
    zone = f"CRON_TZ={silence.timezone} " if silence.timezone else ""
    after = plan.schedule(zone + silence.cron)
    asked, begins = 0, 0
    "From ``asked`` to the end of the window that begins then, ``begins`` is the next beginning."

    def inside(at: Instant) -> bool:
        nonlocal asked, begins
        if not asked <= at < begins + silence.lasts:
            asked, begins = at, after(at - silence.lasts)
        return begins <= at

    return inside


class _Reading:
    """One pass over the log, from now back to ``since``."""

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
        self._words: dict[str, tuple[Mapping[str, str], str]] = {}
        "By episode: its context and its owner."
        self._waiting: dict[str, list[_Page]] = {}
        self.tally = _Tally()

    def read(self, last: int, since: Instant) -> tuple[Instant, bool]:
        """Count; says since when, and whether that is all that was asked and is there."""
        found = self._back(last, since)
        self._seek()
        return found

    def _back(self, last: int, since: Instant) -> tuple[Instant, bool]:
        """Since when pages were counted, and whether that is all that was asked and is there."""
        ends = time.monotonic() + MOST_SECONDS
        begun, floor = since, max(0, last - MOST_ROWS)
        while last > floor:
            rows = self._rows(last)
            for row in reversed(rows):
                if row.at < since:
                    return since, True
                begun = row.at
                self._see(row)
            if not rows:
                return begun, True
            last = rows[0].seq - 1
            if last > 0 and time.monotonic() > ends:
                return begun, False
        # The log may be younger than what was asked; then this is all there is.
        return begun, last <= 0

    def _rows(self, last: int) -> list[DecisionRow]:
        """Some rows up to number ``last``; none when older ones were dropped."""
        rows = self._store.read_decisions(after_seq=max(0, last - STRIDE), limit=STRIDE)
        return [row for row in rows if row.seq <= last]

    def _see(self, row: DecisionRow) -> None:
        if row.kind == _PAGE:
            body = orjson.loads(row.body)
            if _wakes(body):
                self._page(row.at, body)
        elif row.kind in _SPOKEN and row.alert in self._waiting:
            self._hear(row.alert, orjson.loads(row.body))

    def _page(self, at: Instant, body: Mapping[str, Any]) -> None:
        firing = [told for told in body["alerts"] if told["status"] == Status.FIRING]
        may = [told for told in firing if self._may(told)]
        if not may or not self._windows(at):
            return
        page = _Page(at, str(body["receiver"]), may, len(firing))
        if len(self._waiting) < MOST_ALERTS:
            for name in {t["alert"]: None for t in may if "alertname" not in t["labels"]}:
                if name not in self._words:
                    self._waiting.setdefault(name, []).append(page)
                    page.open += 1
        if not page.open:
            self._count(page)

    def _may(self, told: Mapping[str, Any]) -> bool:
        """Whether what the page says of an alert leaves it open that the silence speaks of it."""
        labels = _told_labels(told)
        whole = "alertname" in told["labels"]
        return all(
            test(labels.get(name, ""))
            for name, test in self._filed.tests
            if whole or name in labels
        )

    def _hear(self, name: str, body: Mapping[str, Any]) -> None:
        """An alert's own line: what waited for it need wait no longer."""
        context = {key: value for key, value in body.get("context", {}).items() if value}
        if len(self._words) < MOST_ALERTS:
            self._words[name] = (context, body.get("owner", ""))
        for page in self._waiting.pop(name, ()):
            page.open -= 1
            if not page.open:
                self._count(page)

    def _seek(self) -> None:
        """Look up what began earlier; of what is not found there is only what its pages say."""
        for n, name in enumerate(list(self._waiting)):
            rows = self._store.read_decisions(alert=name, limit=1) if n < MOST_SOUGHT else ()
            self._hear(name, orjson.loads(rows[0].body) if rows else {})

    def _count(self, page: _Page) -> None:
        spoken = [known for told in page.told if (known := self._known(told)) is not None]
        hidden = [known for known in spoken if _holds(self._silence, known.never)]
        if hidden and len(hidden) == page.firing:
            self.tally.pages += 1
            self._share(page.at, page.receiver, hidden[0])
        elif hidden:
            self.tally.shortened += 1
        if len(hidden) < len(spoken):
            self.tally.unapplied += 1

    def _known(self, told: Mapping[str, Any]) -> _Known | None:
        """All that can be said of an alert, if the silence speaks of it."""
        rule, severity, labels = told["rule"], told["severity"], _told_labels(told)
        if "alertname" in told["labels"]:
            return _Known(labels, rule, labels.get("owner", ""), severity, False)
        context, owner = self._words.get(told["alert"], ({}, ""))
        labels = {**context, **labels, "owner": owner}
        if not self._filed.fits(labels):
            return None
        position = self._plan.by_id.get(rule)
        never = position is not None and self._plan.rules[position].never
        return _Known(labels, rule, owner, severity, never)

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
