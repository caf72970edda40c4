"""What the segments of a ``rollout`` rule share: the releases, the level before them, and everybody's evidence since.

Law: counted by event time; the same events in any order within the lateness give the same watches and the same level.
"""

from math import exp

from rulesd.core.detectors.plain import real, rows, texts, whole, wholes
from rulesd.core.detectors.segments import Key, Segments
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds

_KEPT = 8
_ONE_RELEASE: Milliseconds = HOUR
"Changes closer than this are stages of one release."


class Releases:
    """The pool of one rule."""

    __slots__ = ("changes", "evidence", "segments", "watched")

    def __init__(self) -> None:
        """No release yet."""
        self.segments = Segments()
        self.changes: list[Instant] = []
        self.watched: Instant = 0
        "The release that ``evidence`` is about."
        self.evidence: dict[Key, float] = {}
        "Natural logarithm of E of each segment since that release."

    def change(self, at: Instant) -> None:
        """A release, or a further stage of one."""
        self.changes = sorted({*self.changes, at})[-_KEPT:]

    def release(self, end: Instant, watch: Milliseconds) -> Instant | None:
        """The release in whose watch a slot that ends at ``end`` lies."""
        found: Instant | None = None
        for at in self.changes:
            if at < end and (found is None or at >= found + _ONE_RELEASE):
                found = at
        return found if found is not None and end <= found + watch else None

    def passes(self, key: Key, release: Instant, evidence: float, alpha: float) -> bool:
        """Whether e-BH rejects the null of this segment: at least j segments have E >= segments / (alpha j), it among them."""
        if release != self.watched:
            self.watched, self.evidence = release, {}
        self.evidence[key] = evidence
        ranked = sorted(self.evidence.values(), reverse=True)
        of = len(ranked)
        limits = (
            value for j, value in enumerate(ranked, 1) if exp(min(value, 600.0)) >= of / (alpha * j)
        )
        return evidence >= min(limits, default=float("inf"))

    def dump(self) -> Json:
        """Plain data."""
        evidence: list[Json] = [[list(key), self.evidence[key]] for key in sorted(self.evidence)]
        return [self.segments.dump(), list(self.changes), self.watched, evidence]

    @classmethod
    def load(cls, data: Json) -> "Releases":
        """From what ``dump`` gave."""
        segments, changes, watched, evidence = rows(data)
        out = cls()
        out.segments, out.changes, out.watched = (
            Segments.load(segments),
            wholes(changes),
            whole(watched),
        )
        for row in rows(evidence):
            key, value = rows(row)
            out.evidence[texts(key)] = real(value)
        return out
