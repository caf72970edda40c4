"""``rollout``: a release shifted a share by more than was agreed.

Law: may be looked at after every event without raising the rate of false alarms: that is what an e-process is for. The level before the release is
what was counted up to it. Events are read in event time, slot by slot (``slots``).

Method. Until a release each segment counts its own share, and the rule those of all segments (``segments``). An event that satisfies ``change``
opens a watch of length ``watch``. Null: the odds are within 1 + ``tolerance`` of the level before, and one standard deviation of what is known of it.
E is the likelihood of the events since under a Beta(1/2, 1/2) mixture of shares, over the largest likelihood the null allows (universal inference):

    E_n = B(k + 1/2, n - k + 1/2) / B(1/2, 1/2) / max over p in the null of p^k (1 - p)^(n - k)

Under any p of the null E_n is at most a martingale that starts at 1, so P(E ever >= 1/x) <= x, however often one looks (Ville). Across segments e-BH keeps the
false discovery rate: the j-th largest E must reach segments / (alpha j). An alert stays while its E passes, at most until the watch ends. What a watch without alarm
has counted joins the level before; what one with an alarm has counted does not. Stages of one release within an hour share a watch.
A segment's own counts go by event time alone; what all segments share is counted until the first release is told, so tell it when it happens.

A watched segment is read when its unread slots together may pass (``mixture.spare``), or an hour's slots as one: looking less often changes nothing as long as no look could have passed.

Memory per key: 1 to 3 kB. Cost per observation: 2 us, and 4 us for each time it is read. Sources: Lindon, Malek 2022, arXiv 2011.03567; Wasserman, Ramdas, Balakrishnan 2020 (universal inference);
Wang, Ramdas 2022 (e-BH).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, log, sqrt
from typing import ClassVar

from rulesd.core.detectors.evidence import between, expit, logit
from rulesd.core.detectors.examples import with_latest
from rulesd.core.detectors.mixture import log_evidence, spare
from rulesd.core.detectors.news import News
from rulesd.core.detectors.plain import rows, texts, whole, wholes
from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.core.detectors.releases import Releases
from rulesd.core.detectors.segments import Key
from rulesd.core.detectors.slots import BITS, MANY, TRIALS, WIDTH, Shares, share
from rulesd.model.event import Document, Json
from rulesd.model.instant import DAY, HOUR, Instant, Milliseconds, format_instant
from rulesd.model.reasons import Reason

_LEARN: Milliseconds = 1 << 60
"The level of all segments is learned until the first release, however long that takes."
_LEAST_LEARNED = 100
_MOST_LEARNED = 20_000
"A segment's level follows slow change: beyond so many trials the old ones are halved."
_FORGET: Milliseconds = 30 * DAY
_NEVER: Instant = 1 << 62
_ROUNDING = 1e-9


class Canary:
    """State of one key. Counts are weighted trials and hits."""

    __slots__ = (
        "after",
        "band",
        "before",
        "calm",
        "key",
        "last",
        "latest",
        "news",
        "open",
        "release",
        "slots",
        "spare_hits",
        "spare_misses",
        "spoilt",
        "starts",
    )

    def __init__(self, key: Key, at: Instant) -> None:
        """A segment first seen at ``at``."""
        self.key = key
        self.slots = Shares()
        self.last = at
        self.release: Instant = 0
        "The release it is watched for; 0 when none."
        self.before = [0, 0]
        self.after = [0, 0]
        self.news: tuple[News, ...] = ()
        "Said at once, and not written."
        self.open = False
        self.latest: tuple[str, ...] = ()
        "Ids of the latest hits."
        self.spoilt = False
        "Whether this watch has fired: then it is no baseline."
        self.band: tuple[float, float, float] | None = None
        "The level before the release and the bounds of the null, once worked out in this watch. This and what follows is not written, but worked out again."
        self.spare_hits = self.spare_misses = -1
        "So many more than in ``after`` cannot make it fire,"
        self.calm = -1
        "in slots up to this one, the last of the watch,"
        self.starts: list[Instant] | None = None
        "unless other releases are told than these."

    def finish(self) -> None:
        """The watch is over."""
        if not self.spoilt:
            self.learn(self.after[0], self.after[1])
        self.release, self.after, self.spoilt = 0, [0, 0], False
        self.calm = -1

    def waits(self, counted: int, last: int, starts: list[Instant]) -> bool:
        """Whether slots up to ``last`` that were ``counted`` together cannot make it fire, nor end the watch."""
        if last > self.calm or starts is not self.starts:
            return False
        hits = counted >> BITS
        return hits <= self.spare_hits and (counted & TRIALS) - hits <= self.spare_misses

    def forget(self) -> None:
        """It was silent for so long that what it was is no level any more; its last watch, which is at most as long, is over."""
        self.finish()
        trials, hits = self.before
        if trials >= _LEAST_LEARNED:
            said = f"silent for {_FORGET // DAY} days; it was {100 * hits / trials:.3g}%"
            self.news = (*self.news, News(Reason.RELEARN_SILENT, said))
        self.before, self.band = [0, 0], None

    def learn(self, trials: int, hits: int) -> None:
        """Add to the level before."""
        self.before[0] += trials
        self.before[1] += hits
        self.band = None
        if self.before[0] > _MOST_LEARNED:
            self.before = [self.before[0] // 2, self.before[1] // 2]


@dataclass(frozen=True, slots=True)
class Rollout:
    """Fires when the share of ``numerator`` after a release is not what it was before."""

    numerator: Callable[[Document], bool]
    change: Callable[[Document], bool]
    alpha: float
    tolerance: float
    watch: Milliseconds

    name: ClassVar[str] = "rollout"
    version: ClassVar[int] = 2
    clock: ClassVar[Clock] = Clock.EVENT
    counts: ClassVar[bool] = False
    pooled: ClassVar[bool] = True

    @property
    def hold(self) -> Milliseconds:
        """An hour."""
        return HOUR

    def pool(self) -> Releases:
        """What the segments share."""
        return Releases()

    def start(self, key: tuple[str, ...], at: Instant) -> Canary:
        """Nothing counted."""
        return Canary(key, at // WIDTH * WIDTH)

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """A release concerns all segments."""
        assert isinstance(pool, Releases)
        if not self.change(seen.document):
            return False
        pool.change(seen.at)
        return True

    def observe(self, state: Canary, pool: object, seen: Observation) -> Reading | None:
        """Count the event into its slot; it is read when the watermark has passed."""
        assert isinstance(pool, Releases)
        at, _, event, weight, document = seen
        hit = self.numerator(document)
        if hit:
            state.latest = with_latest(state.latest, event)
        if not pool.changes or at < pool.changes[0]:
            pool.segments.count(state.key, at, weight, hit, _LEARN)
        state.slots.count(at, weight, hit)
        return None

    def advance(self, state: Canary, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Read the slots that are complete; a watch ends by time."""
        assert isinstance(pool, Releases)
        readings: list[Reading] = []
        ripe = state.slots.ripe(watermark)
        while ripe:
            if state.open:
                readings += self._over(state, ripe[0][0] - WIDTH)
            read = len(ripe) if len(ripe) > 1 and self._quiet(state, pool, ripe) else 1
            end = ripe[read - 1][0]
            readings += self._read(state, pool, end, sum([counted for _, counted in ripe[:read]]))
            state.last = end
            ripe = ripe[read:]
        if state.open:
            readings += self._over(state, watermark)
        if watermark >= self._forgets(state):
            state.forget()
        return readings

    def examples(self, state: Canary) -> tuple[str, ...]:
        """Events that speak for a rise: the latest hits. A fall has none."""
        (before, was), (after, now) = state.before, state.after
        return state.latest if now * before >= was * after else ()

    def news(self, state: Canary) -> tuple[News, ...]:
        """What has happened to the level before since it was last asked."""
        found, state.news = state.news, ()
        return found

    def _forgets(self, state: Canary) -> Instant:
        """When a segment that stays silent forgets what it was, and says so; one that said too little to have a level needs no word."""
        known = state.before[0] + state.after[0] >= _LEAST_LEARNED
        known = known and not state.open and not state.slots.waiting
        return state.last + _FORGET if known else _NEVER

    def _quiet(self, state: Canary, pool: Releases, ripe: list[tuple[Instant, int]]) -> bool:
        """Whether slots may be read as one: none of them ends a watch, and all together cannot make it fire."""
        last = ripe[-1][0]
        if state.open or last >= state.last + _FORGET:
            return False
        together = sum([counted for _, counted in ripe])
        return state.waits(together, last // WIDTH - 1, pool.starts)

    def _over(self, state: Canary, now: Instant) -> list[Reading]:
        """An alert ends with its watch."""
        ends = state.release + self.watch
        if not state.open or now < ends:
            return []
        state.open = False
        return [Reading(ends, False, round(state.after[1] / state.after[0], 6), None)]

    def _read(self, state: Canary, pool: Releases, end: Instant, counted: int) -> list[Reading]:
        if end >= state.last + _FORGET:
            state.forget()
        release = pool.release(end - WIDTH, self.watch) or 0
        if release != state.release and state.release:
            was_open, state.open = state.open, False
            value = round(state.after[1] / state.after[0], 6)
            state.finish()
            state.release = release
            if was_open:
                rest = self._read(state, pool, end, counted)
                return [Reading(end - WIDTH, False, value, None), *rest]
        state.release = release
        trials, hits = share(counted)
        if not release:
            state.learn(trials, hits)
            return []
        if not pool.segments.closed:
            pool.segments.close()
        state.after[0] += trials
        state.after[1] += hits
        return self._judge(state, pool, end)

    def _judge(self, state: Canary, pool: Releases, end: Instant) -> list[Reading]:
        learned = pool.segments
        if learned.weight < _LEAST_LEARNED * learned.deff:
            return []
        if state.band is None:
            level, doubt = learned.posterior(state.key, state.before[0], state.before[1])
            margin = hypot(doubt, log(1.0 + self.tolerance))
            state.band = level, expit(level - margin), expit(level + margin)
        level, low, high = state.band
        n, k = state.after[0] / learned.deff, state.after[1] / learned.deff
        found = log_evidence(n, k, low, high)
        active = pool.passes(state.key, state.release, end, found, self.alpha)
        # What has been shown stays shown until the evidence speaks against a change: a little less of it is no all-clear.
        active = active or (state.open and found > 0.0)
        slack = -log(self.alpha) - found - _ROUNDING
        state.calm = -1
        if slack > 0.0 and state.release == pool.starts[-1]:
            more = spare(n, k, low, high, slack)
            state.spare_hits = int(more[0] * learned.deff)
            state.spare_misses = int(more[1] * learned.deff)
            state.calm, state.starts = (state.release + self.watch) // WIDTH, pool.starts
        if not active and not state.open:
            return []
        state.open = active
        state.spoilt = True
        value = k / n
        detail = {"before": f"{expit(level):.4g}", "direction": "up" if value > high else "down"}
        limit = round(high if value > expit(level) else low, 6)
        reading = Reading(end, active, round(value, 6), limit, detail=detail, since=state.release)
        return [reading]

    def learned(self, state: Canary, pool: object, at: Instant) -> Mapping[str, Json] | None:
        """The share before the release, its bounds (19 times in 20), the trials behind it, and the watch of ``at``, if any.

        Outside of watches the level is being learned. ``None`` while all segments together are too few.
        """
        assert isinstance(pool, Releases)
        segments = pool.segments
        if segments.weight < _LEAST_LEARNED * segments.deff:
            return None
        watched = pool.release(at, self.watch)
        trials, hits = state.before
        if state.release and state.release != watched and not state.spoilt:
            trials, hits = trials + state.after[0], hits + state.after[1]
        if segments.closed:
            level, doubt = segments.posterior(state.key, trials, hits)
        else:
            own = (hits + 0.5) / (trials + 1.0)
            level, doubt = logit(own), 1.0 / sqrt((trials + 1.0) * own * (1.0 - own))
        found: dict[str, Json] = {"share": round(expit(level), 6), **between(level, doubt)}
        found |= {"events": trials, "learning": watched is None}
        if watched is not None:
            found["watch_since"] = format_instant(watched)
            found["watch_until"] = format_instant(watched + self.watch)
        return found

    def deadline(self, state: Canary, pool: object) -> Instant | None:
        """The end of the oldest slot when it may tell something, later when not; the end of an open alert's watch; the silence after which it forgets.

        The first slot of a watch always does: that a segment has spoken counts for the others.
        """
        assert isinstance(pool, Releases)
        slots = state.slots
        if state.open:
            ends, due = state.release + self.watch, slots.due()
            return ends if due is None else min(due, ends)
        if not slots.waiting:
            forgets = self._forgets(state)
            return None if forgets == _NEVER else forgets
        due = (slots.oldest + 1) * WIDTH
        if len(slots.waiting) >= MANY:
            return due
        if state.waits(slots.unread, slots.newest, pool.starts):
            return due + HOUR
        oldest = pool.release(due - WIDTH, self.watch)
        newest = pool.release(slots.newest * WIDTH, self.watch)
        return due + HOUR if oldest is None and newest is None else due

    def forgettable(self, state: Canary, watermark: Instant) -> bool:
        """After a silence that ends its baseline anyway, once it has forgotten what it was, and said so."""
        silent = watermark >= state.last + _FORGET + WIDTH
        known = state.before[0] + state.after[0] >= _LEAST_LEARNED
        return silent and not known and not state.open and not state.slots.waiting

    def dump(self, state: Canary) -> Json:
        """Plain data."""
        counts: list[Json] = [*state.before, *state.after]
        flags: list[Json] = [state.open, state.spoilt]
        latest: list[Json] = [*state.latest]
        return [
            list(state.key),
            state.slots.dump(),
            state.last,
            state.release,
            counts,
            flags,
            latest,
        ]

    def load(self, data: Json) -> Canary:
        """From what ``dump`` gave."""
        key, slots, last, release, counts, flags, *latest = rows(data)
        out = Canary(texts(key), whole(last))
        out.latest = texts(latest[0]) if latest else ()  # earlier versions kept none
        out.slots, out.release = Shares.load(slots), whole(release)
        numbers = wholes(counts)
        out.before, out.after = numbers[:2], numbers[2:]
        out.open, out.spoilt = (flag is True for flag in rows(flags))
        return out

    def dump_pool(self, pool: object) -> Json:
        """Plain data."""
        assert isinstance(pool, Releases)
        return pool.dump()

    def load_pool(self, data: Json) -> Releases:
        """From what ``dump_pool`` gave."""
        return Releases.load(data)
