"""What the segments of one rule teach each other about a share: the level a small one leans on, and how far to trust it.

Law: learned once, from the first ``baseline`` of the rule's own traffic, then fixed; counted by event time, so the order of
arrival within the lateness changes nothing.

Method (empirical Bayes): the share of a segment is m = expit(base + the effects of its labels), where an effect is how the
log-odds of all segments with that label differ from the whole, shrunk by its own information. How much the segments scatter
around m beyond chance, cv (in log-odds), gives the weight of m in trials, A = 1 / (cv**2 m (1 - m)): a segment with n trials and
k hits has the share (k + A m) / (n + A), its log-odds known to within 1 / sqrt((n + A) p (1 - p)). Labels are left out when there is
but one of them: the segment would be its own prior.

Weights: a sampled event stands for ``sampledrate`` occurrences but is one piece of evidence; with the mean over weights
``deff`` = sum w**2 / sum w (Kish's design effect) w / deff trials are counted for it.

Memory: two numbers for each segment while learning, then two for each label value. Cost: 0.3 us an event, 0.8 while learning.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

from rulesd.core.detectors.evidence import expit, logit
from rulesd.core.detectors.plain import real, reals, rows, text, texts, whole
from rulesd.model.event import Json
from rulesd.model.instant import DAY, HOUR, Instant, Milliseconds

Key = tuple[str, ...]
_NEVER, _EVER = -(1 << 60), 1 << 60

WEEK: Milliseconds = 7 * DAY
_BLOCK_CV = 0.15
"Shares of segments are never taken to differ by less than this: traffic comes in blocks that no model explains."
_FEW_SEGMENTS = 0.25
"Added to cv**2, divided by the number of segments: what few of them can say about scatter."
_WATCHES = 8
WATCH: Milliseconds = DAY
"How long after a deploy nothing is learned."
AHEAD = 2.0
"The head start of a release, in weeks of a segment's own traffic."
_SPREAD: Milliseconds = 6 * HOUR
"How long after a release its effects may begin and still have the second half of that."
_ONE_RELEASE: Milliseconds = HOUR
"Deploys closer than this to the first of a release are stages of it."


class Segments:
    """The pool of one rule."""

    __slots__ = (
        "_from",
        "_to",
        "_volumes",
        "_week",
        "base",
        "closed",
        "cv2",
        "deff",
        "edition",
        "effects",
        "releases",
        "since",
        "spread",
        "squares",
        "tallies",
        "watches",
        "weeks",
        "weight",
    )

    def __init__(self) -> None:
        """Nothing learned."""
        self.since: Instant | None = None
        "Event time of the first event, as far as it may be moved back."
        self.tallies: dict[Key, list[int]] = {}
        "Weighted trials and hits of each segment while learning."
        self.weight = 0
        self.squares = 0
        self.weeks: dict[int, int] = {}
        "Weighted trials of the last weeks since ``since``."
        self.watches: list[Instant] = []
        "Event times of the deploys of late."
        self.releases: list[Instant] = []
        "Those of them that no other of the hour before made a further stage of a release."
        self.edition = object()
        "Another one after whatever changes what a threshold or a head start is worked out from."
        self.closed = False
        self.base = 0.0
        self.cv2 = 1.0
        self.deff = 1.0
        self.spread = 1.0
        "Sum of the square roots of the segments' shares of the traffic."
        self.effects: list[dict[str, float]] = []
        self._week = _NEVER
        self._from = self._to = 0
        "The newest week, once learning is over: nearly every event is of it, and nothing but its count depends on that one."
        self._volumes: dict[int, float] = {}

    def count(self, key: Key, at: Instant, weight: int, hit: bool, learn: Milliseconds) -> None:
        """Take one event."""
        if self._from <= at < self._to:
            self.weeks[self._week] += weight
            return
        since = self.since
        if since is None or (since - HOUR <= at < since and not self.closed):
            since = self.since = at
            self.edition = object()
        week = (at - since) // WEEK
        self.weeks[week] = self.weeks.get(week, 0) + weight
        if len(self.weeks) > 4:
            del self.weeks[min(self.weeks)]
        if self.closed:
            self._turn(since)
            return
        if at >= since + learn:
            return
        tally = self.tallies.setdefault(key, [0, 0])
        tally[0] += weight
        self.weight += weight
        self.squares += weight * weight
        if hit:
            tally[1] += weight

    def _turn(self, since: Instant) -> None:
        """An event was not of the newest week: it made a newer one, or more of an older."""
        self.edition = object()
        self._volumes = {}
        self._week = max(self.weeks)
        self._from = since + self._week * WEEK
        self._to = self._from + WEEK

    def watch(self, at: Instant) -> None:
        """A deploy happened."""
        self.watches = sorted({*self.watches, at})[-_WATCHES:]
        self._find_releases()

    def _find_releases(self) -> None:
        self.edition = object()
        self.releases = []
        for at in self.watches:
            if not self.releases or at >= self.releases[-1] + _ONE_RELEASE:
                self.releases.append(at)

    def settles(self, learned: Instant) -> Instant:
        """When the first watch ends that was not over at ``learned``; beyond all time when there is none."""
        at = bisect_right(self.watches, learned - WATCH)
        return self.watches[at] + WATCH if at < len(self.watches) else _EVER

    def watched(self, last: Instant) -> bool:
        """Whether anything of a release may begin after ``last``."""
        return bool(self.releases) and self.releases[-1] + _SPREAD > last

    def begun(self, last: Instant, ends: Sequence[Instant]) -> list[float]:
        """What of the effects of releases begins between ``last`` and each of ``ends``, from one to the next, while some are ``watched``: half of a release at once, half over ``_SPREAD``."""
        releases = [deploy for deploy in self.releases if deploy + _SPREAD > last]
        if releases[-1] <= last and ends[-1] <= releases[0] + _SPREAD:  # none begins, none is over
            a_millisecond = 0.5 * len(releases) / _SPREAD
            parts = [a_millisecond * (ends[0] - last)]
            parts += [a_millisecond * (end - before) for before, end in pairwise(ends)]
            return parts
        parts = []
        for end in ends:
            found = 0.0
            for deploy in releases:
                if last < deploy <= end:
                    found += 0.5
                low, high = max(last, deploy), min(end, deploy + _SPREAD)
                found += 0.5 * max(0, high - low) / _SPREAD
            parts.append(found)
            last = end
        return parts

    def begun_at_most(self, last: Instant, end: Instant) -> float:
        """No less than what of the effects of releases begins between ``last`` and ``end``."""
        most = 0.0
        for deploy in reversed(self.releases):
            if deploy + _SPREAD <= last:
                break
            most += 0.5 * (end - last) / _SPREAD + (0.5 if deploy > last else 0.0)
        return most

    def mature(self, learn: Milliseconds) -> Instant:
        """When the first learning is over."""
        return (self.since or 0) + learn

    def volume(self, at: Instant, learn: Milliseconds) -> float:
        """Trials of all segments in a week, as of ``at``: the larger of the last two whole weeks."""
        week = (at - (self.since or 0)) // WEEK
        known = self._volumes.get(week)
        if known is not None:
            return known
        seen = max(self.weeks.get(week - 1, 0), self.weeks.get(week - 2, 0))
        found = max(1.0, (seen or self.weight * WEEK / learn) / self.deff)
        if week <= self._week:
            self._volumes[week] = found
        return found

    def week_ends(self, at: Instant) -> Instant:
        """The first instant at which ``volume`` may differ from that at ``at``."""
        since = self.since or 0
        return since + ((at - since) // WEEK + 1) * WEEK

    def part(self, trials: float) -> float:
        """sqrt(s) * sum(sqrt(s)) for a segment whose first learning gave ``trials``; 1 for one that has none yet."""
        if not trials or not self.weight:
            return 1.0
        return min(1.0, sqrt(trials / self.weight)) * self.spread

    def close(self) -> None:
        """Learning is over: make the prior of what was counted."""
        self.closed = True
        self.edition = object()
        trials = sum(t[0] for t in self.tallies.values())
        if trials:
            self.deff = self.squares / self.weight
            self.base = logit((sum(t[1] for t in self.tallies.values()) + 0.5) / (trials + 1.0))
            self.spread = sum(sqrt(self.tallies[key][0] / trials) for key in sorted(self.tallies))
            self._learn_effects()
            self._learn_scatter()
        self.tallies = {}

    def _learn_effects(self) -> None:
        parts = len(next(iter(self.tallies)))
        if parts < 2:
            return
        for part in range(parts):
            sums: dict[str, list[int]] = {}
            for key in sorted(self.tallies):
                trials, hits = self.tallies[key]
                both = sums.setdefault(key[part], [0, 0])
                both[0] += trials
                both[1] += hits
            effects = {}
            for value, (trials, hits) in sums.items():
                share = (hits + 0.5) / (trials + 1.0)
                known = trials / self.deff * share * (1.0 - share)
                effects[value] = (logit(share) - self.base) * known / (known + 1.0)
            self.effects.append(effects if len(effects) > 1 else {})

    def _learn_scatter(self) -> None:
        beyond = scale = 0.0
        for key in sorted(self.tallies):
            trials, hits = self.tallies[key]
            n, k = trials / self.deff, hits / self.deff
            p = expit(self.level(key))
            chance = n * p * (1.0 - p)
            beyond += (k - n * p) ** 2 - chance
            scale += chance * chance
        found = max(0.0, beyond / scale) if scale > 0.0 else 1.0
        self.cv2 = found + _BLOCK_CV**2 + _FEW_SEGMENTS / len(self.tallies)

    def level(self, key: Key) -> float:
        """The log-odds a segment is expected to have before it has said anything."""
        parts = zip(self.effects, key, strict=False)
        return self.base + sum(effects.get(value, 0.0) for effects, value in parts)

    def posterior(self, key: Key, trials: float, hits: float) -> tuple[float, float]:
        """The log-odds of a segment given its own weighted counts, and how far they may be off (one standard deviation)."""
        m = expit(self.level(key))
        a = 1.0 / (self.cv2 * m * (1.0 - m))
        n, k = trials / self.deff + a, hits / self.deff + a * m
        p = k / n
        return logit(p), 1.0 / sqrt(n * p * (1.0 - p))

    def dump(self) -> Json:
        """Plain data."""
        tallies: list[Json] = [[list(key), *self.tallies[key]] for key in sorted(self.tallies)]
        weeks: list[Json] = [[week, self.weeks[week]] for week in sorted(self.weeks)]
        effects: list[Json] = [dict(sorted(one.items())) for one in self.effects]
        return {
            "since": self.since,
            "tallies": tallies,
            "weight": self.weight,
            "squares": self.squares,
            "weeks": weeks,
            "watches": list(self.watches),
            "closed": self.closed,
            "learned": [self.base, self.cv2, self.deff, self.spread],
            "effects": effects,
        }

    @classmethod
    def load(cls, data: Json) -> "Segments":
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        out = cls()
        out.since = None if data["since"] is None else whole(data["since"])
        for row in rows(data["tallies"]):
            key, trials, hits = rows(row)
            out.tallies[texts(key)] = [whole(trials), whole(hits)]
        out.weight, out.squares = whole(data["weight"]), whole(data["squares"])
        for row in rows(data["weeks"]):
            week, seen = rows(row)
            out.weeks[whole(week)] = whole(seen)
        out.watches = [whole(at) for at in rows(data["watches"])]
        out._find_releases()
        out.closed = data["closed"] is True
        out.base, out.cv2, out.deff, out.spread = reals(data["learned"])
        for one in rows(data["effects"]):
            assert isinstance(one, dict)
            out.effects.append({text(value): real(effect) for value, effect in one.items()})
        return out
