"""``absence``: something expected did not come.

Law: judged in event time at the watermark, so a beat that is only late within the rule's ``lateness`` is not missing. A key is watched from its first
beat on; an ``expected`` key from the moment the rule is in force. Any newer beat clears.

Method: with ``period`` p the key is silent at last + missed * p + jitter + slack: ``missed`` beats did not come. Jitter: twice the largest deviation of its last gaps
from p (at least 15 s, at most p / 4; p / 4 until 9 beats are known), so a steady key is missed sooner. Without ``period`` the event's own ``interval_s`` counts, else the
median of the last gaps (from the fourth on). Slack: a key whose beats reach us late, but regularly, is not silent: the fifth largest of the last 20 delays
(arrival - event time) beyond one minute, at most ``missed`` periods. With a ``schedule`` (cron) the beat must come within ``period`` (10 minutes) after each scheduled time; one up to a minute early counts for it.

Late is not lost: when the last ``missed`` beats each arrived more than a period after their time, the reading is active with ``value`` 0 (no beat is missing) and says how
late; the first beat on time ends it. A severity map that asks ``alert.value`` makes that a ticket; an alert that is open for the silence stays open, and is not told twice.

Memory per key: 0.8 kB. Cost per observation: 2 us, 4 us where its gaps change (a schedule is asked once for each of its times).
"""

import operator
from array import array
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.plain import rows, whole, wholes
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.model.duration import format_duration
from rulesd.model.event import Document, Json
from rulesd.model.instant import HOUR, MINUTE, SECOND, Instant, Milliseconds, format_instant

_STAMPS, _DELAYS, _REGULAR = 17, 20, 5
_GAPS_NEEDED = 4
_STEADY = 8
"Gaps from which a key's own jitter is told."
_LEAST_JITTER = 15 * SECOND
_EARLY = MINUTE
_GRACE = 10 * MINUTE
_LONGEST_INTERVAL = 400 * 24 * HOUR


class Beats:
    """State of one key."""

    __slots__ = (
        "delays",
        "due",
        "jitter",
        "last",
        "late",
        "longest",
        "period",
        "shortest",
        "silent",
        "slow",
        "stamps",
        "watched",
    )

    def __init__(self, at: Instant, *, watched: bool) -> None:
        """Nothing has come yet."""
        self.last = at
        "The newest beat, or since when one is expected."
        self.watched = watched
        self.silent = False
        self.late = False
        "Beats come, but each long after its time."
        self.period: Milliseconds = 0
        "What the key's own beats say; 0 while unknown."
        self.due: Instant = 0
        "The first scheduled time that no beat covers; 0 before it is asked for."
        self.stamps: array[int] = array("q")
        self.delays: array[int] = array("q")
        self.slow = 0
        "How many of the delays are longer than a minute."
        self.jitter: Milliseconds = -1
        "What the gaps allow; -1 when they have changed since it was found."
        self.shortest = self.longest = 0
        "The gaps that decide it."

    def delayed(self, delay: Milliseconds) -> None:
        """A beat took so long to reach us."""
        delays = self.delays
        delays.append(delay)
        if delay > MINUTE:
            self.slow += 1
        if len(delays) > _DELAYS:
            if delays[0] > MINUTE:
                self.slow -= 1
            del delays[0]

    def beat(self, at: Instant) -> None:
        """Take its time. A gap that comes and one that goes leave the jitter as it is when both lie between the shortest and the longest."""
        stamps = self.stamps
        if len(stamps) < _STAMPS or at < stamps[-1]:
            insort(stamps, at)
            del stamps[:-_STAMPS]
            self.jitter = -1
            return
        new, old = at - stamps[-1], stamps[1] - stamps[0]
        stamps.append(at)
        del stamps[0]
        if new != old and not self.shortest < old < self.longest >= new >= self.shortest:
            self.jitter = -1

    def gaps(self) -> list[Milliseconds]:
        """What lies between the beats."""
        return list(map(operator.sub, self.stamps[1:], self.stamps[:-1]))


@dataclass(frozen=True, slots=True)
class Absence(Apart):
    """Fires when ``missed`` beats in a row did not come."""

    period: Milliseconds | None
    missed: int
    expected_keys: tuple[tuple[str, ...], ...] = ()
    schedule: Callable[[Instant], Instant] | None = None

    name: ClassVar[str] = "absence"
    version: ClassVar[int] = 2

    @property
    def hold(self) -> Milliseconds:
        """The next beat is the end of it."""
        return 0

    def start(self, key: tuple[str, ...], at: Instant) -> Beats:
        """Watched from now on when it is expected, else from its first beat."""
        return Beats(at, watched=key in self.expected_keys)

    def observe(self, state: Beats, pool: object, seen: Observation) -> Reading | None:
        """A beat: learn its rhythm and its delay; a newer one ends a silence."""
        state.delayed(max(0, seen.now - seen.at))
        if self.schedule is None:
            self._learn(state, seen)
        if state.watched and seen.at <= state.last:
            return None
        state.last, state.watched = seen.at, True
        if self.schedule is not None and seen.at + _EARLY >= state.due:
            state.due = self.schedule(seen.at + _EARLY)
        was, state.silent = state.silent or state.late, False
        state.late = self._held_up(state)
        if state.late:
            detail = {
                "late": format_duration(
                    min(state.delays[-max(2, self.missed) :]) // SECOND * SECOND
                )
            }
            return Reading(seen.at, True, 0.0, float(self.missed), detail=detail)
        return Reading(seen.at, False, 0.0, float(self.missed)) if was else None

    def _held_up(self, state: Beats) -> bool:
        """Whether the last ``missed`` beats, at least two, came more than a period late."""
        period = 0 if self.schedule is not None else self.period or state.period
        if state.delays[-1] <= period:
            return False
        few = max(2, self.missed)
        return len(state.delays) >= few and 0 < period < min(state.delays[-few:])

    def _learn(self, state: Beats, seen: Observation) -> None:
        state.beat(seen.at)
        if self.period is not None:
            return
        period = _interval(seen.document)
        if period is None:
            gaps = sorted(state.gaps())
            if len(gaps) < _GAPS_NEEDED:
                return
            period = gaps[len(gaps) // 2]
        if period != state.period:
            state.period, state.jitter = period, -1

    def _jitter(self, state: Beats, period: Milliseconds) -> Milliseconds:
        """How far beats are from where they belong; gaps in which one is missing say nothing about it."""
        if state.jitter >= 0:
            return state.jitter
        most = period // 4
        if len(state.stamps) <= _STEADY:
            return most
        gaps, normal = state.gaps(), period * 3 // 2
        longest = max(gaps)
        if longest >= normal:
            gaps = [gap for gap in gaps if gap < normal]
            if len(gaps) < _STEADY:
                return most
            longest = max(gaps)
        shortest = min(gaps)
        off = max(longest - period, period - shortest)
        state.shortest, state.longest = shortest, longest
        state.jitter = min(most, max(_LEAST_JITTER, 2 * off))
        return state.jitter

    def _late(self, state: Beats, most: Milliseconds) -> Milliseconds:
        """What regular delays allow beyond one minute."""
        if state.slow < _REGULAR:
            return 0
        return min(max(0, sorted(state.delays)[-_REGULAR] - MINUTE), most)

    def deadline(self, state: Beats, pool: object) -> Instant | None:
        """When the key is silent if nothing comes; ``None`` while that is not known, or it is silent already."""
        if state.silent or not state.watched:
            return None
        if self.schedule is not None:
            due = state.due or self.schedule(state.last + _EARLY)
            for _ in range(self.missed - 1):
                due = self.schedule(due)
            grace = self.period or _GRACE
            return due + grace + self._late(state, grace)
        period = self.period or state.period
        if not period:
            return None
        whole_ = self.missed * period
        return state.last + whole_ + self._jitter(state, period) + self._late(state, whole_)

    def advance(self, state: Beats, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Say once that the key is silent."""
        due = self.deadline(state, pool)
        if due is None or due > watermark:
            return ()
        state.silent = True
        detail = {"last": format_instant(state.last)}
        period = self.period or state.period
        if self.schedule is None:
            detail["every"] = format_duration(period)
        missed = float(self.missed)
        return [Reading(due, True, missed, missed, detail=detail, since=state.last)]

    def forgettable(self, state: Beats, watermark: Instant) -> bool:
        """Only what nobody waits for."""
        return not state.watched

    def dump(self, state: Beats) -> Json:
        """Plain data."""
        known: list[Json] = [
            state.last,
            state.watched,
            state.silent,
            state.late,
            state.period,
            state.due,
        ]
        return [known, list(state.stamps), list(state.delays)]

    def load(self, data: Json) -> Beats:
        """From what ``dump`` gave."""
        known, stamps, delays = rows(data)
        last, watched, silent, late, period, due = rows(known)
        out = Beats(whole(last), watched=watched is True)
        out.silent, out.late = silent is True, late is True
        out.period, out.due = whole(period), whole(due)
        out.stamps, out.delays = array("q", wholes(stamps)), array("q", wholes(delays))
        out.slow = sum(delay > MINUTE for delay in out.delays)
        return out


def _interval(document: Document) -> Milliseconds | None:
    """The ``interval_s`` an event carries, when it is a length of time that makes sense."""
    data = document.get("data")
    told = data.get("interval_s") if isinstance(data, dict) else None
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    length = told * SECOND
    return round(length) if SECOND <= length <= _LONGEST_INTERVAL else None
