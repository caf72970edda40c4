"""``burn_rate``: an objective's error budget burns so fast that somebody should act.

Law: a window is judged when the watermark has passed its end; the order of arrival within the lateness changes nothing.

Method (Google SRE workbook, "Alerting on SLOs", 6): burn = share of bad events / (1 - objective). A pair (long, short, burn) fires when both
windows burn at least that fast: the long one shows that it matters, the short one that it goes on. Default pairs: 14.4 over 1 h and 5 min (2 % of a
30-day budget in an hour), 6 over 6 h and 30 min, 1 over 3 d and 6 h. It clears when no pair's short window burns that fast.

Guard (own): with little traffic one failure is a high rate. A pair fires only on at least four failures in its long window whose exact binomial
chance, were the objective just met, is at most its share of 0.05 false pages a week: 0.05 / pairs * step / week for each step it is judged at.
Failures of an alert that is over are no evidence for the next one: the long window remembers them for hours, and one more failure would do.
A sampled event counts ``sampledrate`` times in the rates and once in the guard.

Memory per key: 1 kB a pair (half as much again where events are sampled). Cost per observation: 0.8 us a pair; 5 to 20 us for each step that saw a failure, once there are four.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rulesd.core.detectors.binomial import upper
from rulesd.core.detectors.examples import with_latest
from rulesd.core.detectors.plain import real, rows, texts, whole
from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.core.detectors.ring import Ring
from rulesd.model.event import Document, Json
from rulesd.model.instant import DAY, HOUR, MINUTE, Instant, Milliseconds

_STEPS = 5
"Panes of a short window."
_BUDGET = 0.05 / (7 * DAY)
"False pages a millisecond."
_LEAST_FAILURES = 4
_NEVER: Instant = 1 << 62


class Pair(NamedTuple):
    """A long and a short window, and how fast both must burn."""

    long: Milliseconds
    short: Milliseconds
    burn: float

    @property
    def width(self) -> Milliseconds:
        """One step."""
        return max(1, self.short // _STEPS)

    @property
    def panes(self) -> int:
        """Steps of the long window."""
        return -(-self.long // self.width)


PAIRS = (
    Pair(HOUR, 5 * MINUTE, 14.4),
    Pair(6 * HOUR, 30 * MINUTE, 6.0),
    Pair(3 * DAY, 6 * HOUR, 1.0),
)


class Track:
    """One pair of one key."""

    __slots__ = ("fires", "judged", "latest", "pair", "ring", "spent", "waits")

    def __init__(self, pair: Pair, at: Instant) -> None:
        """Nothing counted; a key's events may be out of order from the first one on."""
        self.pair = pair
        self.ring = Ring(pair.width, pair.panes)
        self.judged = (at - HOUR) // pair.width - 1
        "The last step that has been judged."
        self.waits = _NEVER
        "The first step not judged yet that holds a failure."
        self.latest: tuple[str, ...] = ()
        "Ids of the latest failures; the first pair keeps them for all."
        self.spent = 0
        "Up to this step failures have been told in an alert that is over: they fire no other."
        self.fires = 0.0
        "How fast the long window burns while the pair fires; 0 while it does not."

    def fail(self, at: Instant, weight: int) -> None:
        """Count a failure; one whose step has been judged counts in the windows to come."""
        pane = self.ring.add(at, weight, hit=True)
        if pane is not None and self.judged < pane < self.waits:
            self.waits = pane

    def next(self) -> Instant | None:
        """The end of the next step that may change something."""
        pane = self.judged + 1 if self.fires else self.waits
        return None if pane == _NEVER else (pane + 1) * self.ring.width

    def pass_(self, pane: int) -> None:
        """The steps up to ``pane`` are judged."""
        self.judged = max(self.judged, pane)
        if self.waits <= self.judged:
            later = range(self.judged + 1, self.ring.newest + 1)
            self.waits = next((i for i in later if self.ring.pane(i)[1]), _NEVER)

    def judge(self, pane: int, allowed: float, chance: float) -> float:
        """Judge the windows that end with ``pane``; the burn of the long one."""
        trials, failures, deff = self.ring.window(pane, self.pair.panes)
        short, short_failures, _ = self.ring.window(pane, _STEPS)
        burn = failures / trials / allowed if trials else 0.0
        now = short_failures / short / allowed if short else 0.0
        fast = min(burn, now) >= self.pair.burn
        if fast and not self.fires:
            if pane - self.spent < self.pair.panes:
                trials, failures, deff = self.ring.window(pane, pane - self.spent)
            n, k = round(trials / deff), round(failures / deff)
            fast = k >= _LEAST_FAILURES and upper(k, n, allowed) <= chance * self.ring.width
        self.fires = burn if fast else 0.0
        return burn


@dataclass(frozen=True, slots=True)
class BurnRate:
    """Fires when the long and the short window of a pair both burn the budget too fast."""

    good: Callable[[Document], bool]
    objective: float
    pairs: tuple[Pair, ...] = PAIRS

    name: ClassVar[str] = "burn_rate"
    version: ClassVar[int] = 1
    clock: ClassVar[Clock] = Clock.EVENT
    counts: ClassVar[bool] = False
    pooled: ClassVar[bool] = False

    @property
    def hold(self) -> Milliseconds:
        """The shortest long window."""
        return min(pair.long for pair in self.pairs)

    def pool(self) -> object:
        """Keys share nothing."""
        return None

    def start(self, key: tuple[str, ...], at: Instant) -> list[Track]:
        """Nothing counted."""
        return [Track(pair, at) for pair in self.pairs]

    def observe(self, state: list[Track], pool: object, seen: Observation) -> Reading | None:
        """Count the event; steps are judged when complete."""
        at, weight = seen.at, seen.weight
        if self.good(seen.document):
            for track in state:
                track.ring.add(at, weight, hit=False)
        else:
            state[0].latest = with_latest(state[0].latest, seen.event)
            for track in state:
                track.fail(at, weight)
        return None

    def advance(self, state: list[Track], pool: object, watermark: Instant) -> Sequence[Reading]:
        """Judge the steps that are complete, of all pairs in order of time."""
        readings: list[Reading] = []
        while True:
            due = [(end, i) for i, track in enumerate(state) if (end := track.next()) is not None]
            end, which = min(due, default=(_NEVER, 0))
            if end > watermark:
                break
            found = self._judge(state, state[which], end)
            if found is not None:
                readings.append(found)
        for track in state:
            track.pass_(watermark // track.ring.width - 1)
        return readings

    def _judge(self, state: list[Track], track: Track, end: Instant) -> Reading | None:
        fired = any(each.fires for each in state)
        pane = end // track.ring.width - 1
        if not fired and track.ring.squares is None and track.ring.fewer(_LEAST_FAILURES):
            track.pass_(pane)
            return None
        chance = _BUDGET / len(self.pairs)
        burn = track.judge(pane, 1.0 - self.objective, chance)
        track.pass_(pane)
        worst = max(state, key=lambda each: each.fires)
        if not worst.fires:
            if not fired:
                return None
            for each in state:
                each.spent = end // each.ring.width - 1
        told = worst if worst.fires else track
        return Reading(
            end,
            worst.fires > 0.0,
            round(worst.fires or burn, 3),
            told.pair.burn,
            since=end - told.pair.long,
        )

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """Every observation is one of a key."""
        return False

    def examples(self, state: list[Track]) -> tuple[str, ...]:
        """Events that speak for it: the latest failures."""
        return state[0].latest

    def deadline(self, state: list[Track], pool: object) -> Instant | None:
        """The end of the next step that holds a failure; of the next one while a pair fires."""
        due: Instant | None = None
        for track in state:
            if track.fires or track.waits != _NEVER:
                end = track.next()
                if due is None or (end is not None and end < due):
                    due = end
        return due

    def forgettable(self, state: list[Track], watermark: Instant) -> bool:
        """When no window can hold anything any more."""
        gone = max((t.ring.newest + 1) * t.ring.width + t.pair.long for t in state)
        return not any(track.fires for track in state) and watermark >= gone + HOUR

    def dump(self, state: list[Track]) -> Json:
        """Plain data, one row a pair."""
        return [
            [
                t.judged,
                None if t.waits == _NEVER else t.waits,
                t.fires,
                t.ring.dump(),
                [*t.latest],
                t.spent,
            ]
            for t in state
        ]

    def load(self, data: Json) -> list[Track]:
        """From what ``dump`` gave."""
        out = self.start((), 0)
        for track, row in zip(out, rows(data), strict=True):
            judged, waits, fires, ring, *more = rows(row)
            if more:  # earlier versions kept neither
                track.latest, track.spent = texts(more[0]), whole(more[1])
            track.judged, track.fires = whole(judged), real(fires)
            track.waits = _NEVER if waits is None else whole(waits)
            track.ring.fill(ring)
        return out

    def dump_pool(self, pool: object) -> Json:
        """Nothing."""
        return None

    def load_pool(self, data: Json) -> object:
        """Nothing."""
        return None
