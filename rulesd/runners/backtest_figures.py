"""The figures of a backtest: by rule, owner and hour, the noisiest keys, the worst night, pages a week.

Law: pure counting; order and ties are fixed, so the same outcome gives the same tables.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant
from rulesd.runners.backtest import Outcome, Page, key_text

NIGHT_FROM, NIGHT_TO = 22, 7
"A night lasts from 22:00 to 07:00 and is named after the day it begins on."

NOISIEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rule, owner, receiver or key."""

    name: str
    pages: int
    firings: int
    at_night: int
    noisiest: str = ""
    "Its key with most pages."

    hours: tuple[int, ...] = (0,) * 24
    "Its pages by hour of day."


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """The pages of one night."""

    began: date
    pages: int
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a person wants to know about an outcome."""

    pages_a_week: float | None
    "``None`` of less than a day: that is no week to speak of."

    rules: tuple[Row, ...]
    owners: tuple[Row, ...]
    keys: tuple[Row, ...]
    hours: tuple[int, ...]
    "Pages by hour of day, 24 of them."

    days: tuple[tuple[date, int], ...]
    "Pages by day, every day of the recording."

    worst_night: Night | None
    silent: tuple[str, ...]
    "Rules that never fired."

    at_night: int = 0
    "Pages of all nights."

    clock: tzinfo = UTC
    "Whose hours, days and nights these are."

    @property
    def zone(self) -> str:
        """Its name."""
        return str(self.clock)


def local(at: Instant, zone: tzinfo) -> datetime:
    """An instant on the clock of a zone."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)


def when(at: Instant, zone: tzinfo) -> str:
    """A moment as a person reads it: ``2026-01-14 22:10``."""
    return local(at, zone).strftime("%Y-%m-%d %H:%M")


def night_of(at: Instant, zone: tzinfo) -> date | None:
    """The night an instant belongs to, ``None`` by day."""
    moment = local(at, zone)
    if moment.hour >= NIGHT_FROM:
        return moment.date()
    return moment.date() - timedelta(days=1) if moment.hour < NIGHT_TO else None


def figures(outcome: Outcome, zone: tzinfo = UTC) -> Figures:
    """Count everything. ``zone``: whose nights and hours."""
    hours = [0] * 24
    days: Counter[date] = Counter()
    nights: defaultdict[date, list[Page]] = defaultdict(list)
    for page in outcome.pages:
        moment = local(page.at, zone)
        hours[moment.hour] += 1
        days[moment.date()] += 1
        if (night := night_of(page.at, zone)) is not None:
            nights[night].append(page)
    fired = {f.rule for f in outcome.firings}
    return Figures(
        pages_a_week=len(outcome.pages) / outcome.weeks if outcome.weeks >= 1 / 7 else None,
        rules=_rows(outcome, zone, "rule"),
        owners=_rows(outcome, zone, "owner"),
        keys=_rows(outcome, zone, "key")[:NOISIEST],
        hours=tuple(hours),
        days=_every_day(outcome, days, zone),
        worst_night=_worst(nights),
        at_night=sum(len(pages) for pages in nights.values()),
        clock=zone,
        silent=tuple(
            sorted(r for r in outcome.rules if r not in fired and not r.startswith("rulesd."))
        ),
    )


def _rows(outcome: Outcome, zone: tzinfo, by: str) -> tuple[Row, ...]:
    pages: Counter[str] = Counter()
    night: Counter[str] = Counter()
    hours: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 24)
    keys: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for page in outcome.pages:
        dark = night_of(page.at, zone) is not None
        # A page that tells of several alerts counts once for each rule, owner and key it names.
        for name, key in dict.fromkeys(
            (_name(by, t.rule, t.owner, key_text(t.labels)), key_text(t.labels)) for t in page.told
        ):
            keys[name][key] += 1
        for name in {_name(by, t.rule, t.owner, key_text(t.labels)) for t in page.told}:
            pages[name] += 1
            night[name] += dark
            hours[name][local(page.at, zone).hour] += 1
    firings: Counter[str] = Counter()
    for f in outcome.firings:
        firings[_name(by, f.rule, f.owner, key_text(f.labels))] += 1
    names = sorted({*pages, *firings}, key=lambda n: (-pages[n], -firings[n], n))
    return tuple(
        Row(
            name=n,
            pages=pages[n],
            firings=firings[n],
            at_night=night[n],
            noisiest=min(keys[n], key=lambda k: (-keys[n][k], k), default=""),
            hours=tuple(hours[n]),
        )
        for n in names
    )


def _name(by: str, rule: str, owner: str, key: str) -> str:
    if by == "rule":
        return rule
    return owner if by == "owner" else f"{rule} {key}".rstrip()


def _every_day(outcome: Outcome, days: Counter[date], zone: tzinfo) -> tuple[tuple[date, int], ...]:
    if not outcome.events:
        return ()
    day, last = local(outcome.began, zone).date(), local(outcome.ended, zone).date()
    out: list[tuple[date, int]] = []
    while day <= last and len(out) < 3660:
        out.append((day, days[day]))
        day += timedelta(days=1)
    return tuple(out)


def _worst(nights: dict[date, list[Page]]) -> Night | None:
    if not nights:
        return None
    began = min(nights, key=lambda d: (-len(nights[d]), d))
    owners = sorted({t.owner for p in nights[began] for t in p.told})
    return Night(began=began, pages=len(nights[began]), owners=tuple(owners))


def body(outcome: Outcome, counted: Figures) -> dict[str, Json]:
    """The outcome as plain data, for ``--format json``."""
    worst = counted.worst_night
    return {
        "name": outcome.name,
        "from": format_instant(outcome.began) if outcome.events else None,
        "to": format_instant(outcome.ended) if outcome.events else None,
        "zone": counted.zone,
        "weeks": round(outcome.weeks, 4),
        "events": outcome.events,
        "rejected": outcome.rejected,
        "firings": len(outcome.firings),
        "pages": len(outcome.pages),
        "pages_a_week": None if counted.pages_a_week is None else round(counted.pages_a_week, 3),
        "pages_at_night": counted.at_night,
        "reminders": len(outcome.reminders),
        "limits_reached": outcome.limits,
        "rules": _plain(counted.rules),
        "owners": _plain(counted.owners),
        "noisiest_keys": _plain(counted.keys),
        "hours": list(counted.hours),
        "days": [{"day": day.isoformat(), "pages": n} for day, n in counted.days],
        "worst_night": None
        if worst is None
        else {
            "began": worst.began.isoformat(),
            "pages": worst.pages,
            "owners": list(worst.owners),
        },
        "never_fired": list(counted.silent),
        "list": [_page(p) for p in outcome.pages],
    }


def _plain(rows: Sequence[Row]) -> list[Json]:
    return [
        {
            "name": r.name,
            "pages": r.pages,
            "firings": r.firings,
            "at_night": r.at_night,
            "noisiest": r.noisiest,
            "hours": list(r.hours),
        }
        for r in rows
    ]


def _page(page: Page) -> Json:
    return {
        "at": format_instant(page.at),
        "receiver": page.receiver,
        "reason": page.reason,
        "alerts": [
            {
                "rule": t.rule,
                "owner": t.owner,
                "severity": t.severity,
                "labels": dict(t.labels),
            }
            for t in page.told
        ],
    }
