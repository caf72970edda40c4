"""``new_value``: a value nobody has seen before, or one that takes over.

Law: what was seen while learning is known; learning begins with the first event and lasts ``learn_for`` of event time. A value not seen for
``forget_after`` is new again. When the field is one of ``by``, keys that agree in the other labels share what is known; else each key knows its own.

Without ``share``: the first sight of a new value fires. Within an hour of the end of learning it waits for the watermark, because an earlier sight may
still be under way; after that it fires at once.
With ``share``: a new value fires when it takes more than that share of the traffic of the last 2 hours (each minute) or of the last day (hourly),
among 8 events or more, *and* the exact binomial chance of so many at that share is at most 1 %: five of twenty are no take-over at 0.15, eight are.
It clears when its share of the last 2 hours is back below, or when it is older than ``learn_for``: then it is part of what is known.

Memory per key: 200 bytes a value, at most 40 values (where keys share: 1,000 for each group); with ``share`` 1.0 kB for the total and for each of up to three
new values. Cost per observation: 1 us, 4 us with ``share``; 8 us for each pane that is judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.binomial import upper
from rulesd.core.detectors.known import LONG_PANE, PANE, SHORT, Known, Rings
from rulesd.core.detectors.plain import rows, text, texts, whole
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.core.detectors.ring import Ring
from rulesd.core.field import Field
from rulesd.core.labels import label_text
from rulesd.model.alert import INVALID, OVERFLOW
from rulesd.model.event import Json
from rulesd.model.instant import DAY, HOUR, Instant, Milliseconds

CHANCE = 0.01
LEAST = 8
"How many events a share is told from."

_NEVER: Instant = 1 << 62
_HOUR = LONG_PANE // PANE
_OWN, _SHARED, _GROUPS = 40, 1_000, 1_000

Pool = dict[tuple[str, ...], Known]
"What keys that agree in their other labels share."


class News:
    """State of one key."""

    __slots__ = ("group", "judged", "known", "open", "value", "waiting", "waits")

    def __init__(self, group: tuple[str, ...], known: Known | None, value: str) -> None:
        """Nothing to say."""
        self.group = group
        self.value = value
        "The only value this key is about; empty when it may be any."
        self.known = known
        "What this key knows, when it shares nothing."
        self.waiting: list[tuple[Instant, str, str]] = []
        "First sights that the watermark has not passed: time, value, event."
        self.judged = -1
        self.waits: int = _NEVER
        "The first pane that has not been judged and holds a new value."
        self.open = ""
        "The value that has taken over."


@dataclass(frozen=True, slots=True)
class NewValue(Apart):
    """Fires on a value that was not there while learning."""

    field: Field
    learn_for: Milliseconds
    forget_after: Milliseconds | None = None
    share: float | None = None
    position: int | None = None
    "Where the field is among ``by``; ``None`` when it is not."

    name: ClassVar[str] = "new_value"
    version: ClassVar[int] = 3

    @property
    def hold(self) -> Milliseconds:
        """A day: news is read in the morning."""
        return DAY

    def pool(self) -> Pool:
        """Nothing is known."""
        return {}

    def start(self, key: tuple[str, ...], at: Instant) -> News:
        """Nothing to say."""
        if self.position is None:
            return News(key, Known(), "")
        value = key[self.position]
        own = "" if value == OVERFLOW else value
        return News(key[: self.position] + key[self.position + 1 :], None, own)

    def _known(self, state: News, pool: object) -> Known:
        if state.known is not None:
            return state.known
        assert isinstance(pool, dict)
        known = pool.get(state.group)
        if known is None:
            known = pool[state.group] = Known()
            if len(pool) > _GROUPS:
                del pool[next(iter(pool))]
        assert isinstance(known, Known)
        return known

    def observe(self, state: News, pool: object, seen: Observation) -> Reading | None:
        """Take a sight of a value."""
        value = label_text(self.field.get(seen.document))
        if not value or value == INVALID:
            return None
        at = seen.at
        known = self._known(state, pool)
        new, first = known.see(
            value, at, self.forget_after, _OWN if self.position is None else _SHARED
        )
        assert known.first is not None
        learned = known.first + self.learn_for
        if self.share is not None:
            young = first >= learned and at - first < self.learn_for
            known.count(value, at, seen.weight, new=young)
            if value in known.fresh:
                pane = at // PANE
                state.waits = min(state.waits, max(pane, state.judged + 1))
            return None
        if not new:
            state.waiting = [
                (min(t, at), v, e) if v == value else (t, v, e) for t, v, e in state.waiting
            ]
            return None
        if at < learned:
            return None
        if at >= learned + HOUR:
            return self._first_sight(at, value, seen.event)
        state.waiting.append((at, value, seen.event))
        return None

    def _first_sight(self, at: Instant, value: str, event: str) -> Reading:
        return Reading(at, True, 1.0, None, at, {self.field.label: value}, causes=(event,))

    def advance(self, state: News, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Settle first sights near the end of learning, and judge the shares of complete panes."""
        if self.share is not None:
            return self._judge_panes(state, pool, watermark, self.share)
        if not state.waiting:
            return ()
        known = self._known(state, pool)
        assert known.first is not None
        learned = known.first + self.learn_for
        due = sorted(w for w in state.waiting if w[0] <= watermark)
        state.waiting = [w for w in state.waiting if w[0] > watermark]
        return [self._first_sight(*w) for w in due if w[0] >= learned]

    def _judge_panes(
        self, state: News, pool: object, watermark: Instant, share: float
    ) -> Sequence[Reading]:
        last = watermark // PANE - 1
        known = self._known(state, pool)
        readings: list[Reading] = []
        while state.open or state.waits <= last:
            pane = state.judged + 1 if state.open else max(state.judged + 1, state.waits)
            if pane > last:
                break
            found = self._judge(state, known, pane, share)
            if found is not None:
                readings.append(found)
            state.judged = pane
            if state.waits <= pane:
                state.waits = _next(state, known, pane)
        return readings

    def _judge(self, state: News, known: Known, pane: int, share: float) -> Reading | None:
        """The windows that end with ``pane``."""
        end = (pane + 1) * PANE
        assert known.first is not None
        for value in list(known.fresh):
            first = known.values[value][0]
            if first < known.first + self.learn_for or end - first >= self.learn_for:
                del known.fresh[value]
        if state.open:
            return self._still(state, known, pane, share)
        for value, (short, long) in _mine(state, known):
            found = self._over(known, value, short, 0, pane, share)
            if found is None and end % LONG_PANE == 0:
                found = self._over(known, value, long, 1, end // LONG_PANE - 1, share)
            if found is not None:
                state.open = value
                detail = {self.field.label: value, "events": str(found[1])}
                since = known.values[value][0]
                return Reading(end, True, round(found[0], 6), share, detail=detail, since=since)
        return None

    def _over(
        self, known: Known, value: str, ring: Ring, which: int, pane: int, share: float
    ) -> tuple[float, int] | None:
        """Share and size of the window that ends with ``pane``, from the value's first sight on, when chance does not explain it."""
        assert known.total is not None
        panes = min(ring.panes, max(1, pane - known.values[value][0] // ring.width + 1))
        all_, _, deff = known.total[which].window(pane, panes)
        taken, _, _ = ring.window(pane, panes)
        if all_ < LEAST or taken / all_ <= share:
            return None
        n = round(all_ / deff)
        return (taken / all_, all_) if upper(round(n * taken / all_), n, share) <= CHANCE else None

    def _still(self, state: News, known: Known, pane: int, share: float) -> Reading | None:
        end, value = (pane + 1) * PANE, state.open
        part = 0.0
        if value in known.fresh and known.total is not None:
            all_, _, _ = known.total[0].window(pane, SHORT)
            taken, _, _ = known.fresh[value][0].window(pane, SHORT)
            part = taken / all_ if all_ else 0.0
        if part > share:
            return None
        state.open = ""
        return Reading(end, False, round(part, 6), share)

    def deadline(self, state: News, pool: object) -> Instant | None:
        """The next first sight to settle, or the end of the next pane to judge."""
        if self.share is None:
            return min((w[0] for w in state.waiting), default=None)
        pane = state.judged + 1 if state.open else state.waits
        return None if pane == _NEVER else (pane + 1) * PANE

    def dropped(self, state: News, pool: object) -> tuple[int, str]:
        """The bound, and what the last sight cost."""
        most = _OWN if self.position is None else _SHARED
        known = self._known(state, pool)
        if not known.news:
            return most, ""
        known.news = False
        return most, (
            f"{most} values of {self.field.label} are kept; {known.lost} went for want of room and would pass for new when seen again. "
            "Watch a field with fewer values, or name it in `by`"
        )

    def forgettable(self, state: News, watermark: Instant) -> bool:
        """A key that shares what it knows, when it has nothing to say."""
        quiet = not state.waiting and state.waits == _NEVER and not state.open
        return quiet and state.known is None

    def dump(self, state: News) -> Json:
        """Plain data."""
        known = None if state.known is None else state.known.dump()
        waiting: list[Json] = [[*w] for w in state.waiting]
        waits = None if state.waits == _NEVER else state.waits
        return [list(state.group), known, waiting, state.judged, waits, state.open, state.value]

    def load(self, data: Json) -> News:
        """From what ``dump`` gave."""
        group, known, waiting, judged, waits, open_, value_ = rows(data)
        out = News(texts(group), None if known is None else Known.load(known), text(value_))
        for row in rows(waiting):
            at, value, event = rows(row)
            out.waiting.append((whole(at), text(value), text(event)))
        out.judged, out.open = whole(judged), text(open_)
        out.waits = _NEVER if waits is None else whole(waits)
        return out

    def dump_pool(self, pool: object) -> Json:
        """Every group."""
        assert isinstance(pool, dict)
        return [[list(group), known.dump()] for group, known in pool.items()]

    def load_pool(self, data: Json) -> Pool:
        """From what ``dump_pool`` gave."""
        out: Pool = {}
        for row in rows(data):
            group, known = rows(row)
            out[texts(group)] = Known.load(known)
        return out


def _mine(state: News, known: Known) -> list[tuple[str, Rings]]:
    """The new values this key is about."""
    return [(v, two) for v, two in known.fresh.items() if state.value in ("", v)]


def _next(state: News, known: Known, pane: int) -> int:
    """The first pane after ``pane`` that holds a new value, or ends an hour that does."""
    hour = ((pane + 1) * PANE // LONG_PANE + 1) * LONG_PANE // PANE - 1
    mine = [short for _, (short, _) in _mine(state, known)]
    for each in range(pane + 1, max((r.newest for r in mine), default=-1) + 1):
        if each == hour or any(r.pane(each)[0] for r in mine):
            return each
    held = any(r.window(pane, pane - hour + _HOUR)[0] for r in mine)
    return hour if held else _NEVER
