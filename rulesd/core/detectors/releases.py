"""What the segments of a ``rollout`` rule share: the releases, the level before them, and everybody's evidence since.

Law: counted by event time; the same events in any order within the lateness give the same watches, the same level and the same alerts. So a segment is judged beside what
the others had said by the end of the frame (six minutes) before the last: a quiet segment is read at most that much later than a busy one, whatever the order of arrival.
"""

from math import log

from rulesd.core.detectors.plain import real, rows, texts, whole, wholes
from rulesd.core.detectors.segments import Key, Segments
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, MINUTE, Instant, Milliseconds

_KEPT = 8
_ONE_RELEASE: Milliseconds = HOUR
"Changes closer than this are stages of one release."
_FRAME: Milliseconds = 6 * MINUTE
"A minute until a quiet key is woken, and five that clocks may be ahead."
_FRAMES = 6


class Releases:
    """The pool of one rule."""

    __slots__ = ("changes", "evidence", "known", "segments", "starts", "watched")

    def __init__(self) -> None:
        """No release yet."""
        self.segments = Segments()
        self.changes: list[Instant] = []
        self.starts: list[Instant] = []
        "Those that begin a release: the others are stages of one."
        self.watched: Instant = 0
        "The release that ``evidence`` is about."
        self.evidence: dict[Key, dict[int, float]] = {}
        "Natural logarithm of E of each segment since that release, as of the end of its last frames."
        self.known = 0
        "Segments there were before the first release: all of them are on trial, also those that have not spoken yet."

    def change(self, at: Instant) -> None:
        """A release, or a further stage of one."""
        if not self.segments.closed:
            self.known = max(self.known, len(self.segments.tallies))
        self.changes = sorted({*self.changes, at})[-_KEPT:]
        self._find_starts()

    def _find_starts(self) -> None:
        self.starts = []
        for at in self.changes:
            if not self.starts or at >= self.starts[-1] + _ONE_RELEASE:
                self.starts.append(at)

    def release(self, end: Instant, watch: Milliseconds) -> Instant | None:
        """The release in whose watch a slot that ends at ``end`` lies."""
        for at in reversed(self.starts):
            if at < end:
                return at if end <= at + watch else None
        return None

    def passes(
        self, key: Key, release: Instant, end: Instant, evidence: float, alpha: float
    ) -> bool:
        """Whether e-BH rejects the null of this segment at ``end``: at least j segments have E >= segments / (alpha j), it among them.

        What a segment says below 1 / alpha rejects nothing, whatever j: of such ones it matters only that they have spoken.
        """
        quiet = evidence < -log(alpha)
        if quiet and release < self.watched:
            return False  # the last slots of a watch, read when the next has begun
        if release != self.watched:
            self.watched, self.evidence = release, {}
        frame = end // _FRAME
        mine = self.evidence.setdefault(key, {})
        mine[frame] = evidence
        if len(mine) > _FRAMES:
            del mine[min(mine)]
        if quiet:
            return False
        if evidence >= log(max(len(self.evidence), self.known) / alpha):
            return True  # by itself
        said = (
            _as_of(frames, frame - 2) for other, frames in self.evidence.items() if other != key
        )
        ranked = sorted([evidence, *(value for value in said if value is not None)], reverse=True)
        of = log(max(len(ranked), self.known) / alpha)
        limits = (value for j, value in enumerate(ranked, 1) if value >= of - log(j))
        return evidence >= min(limits, default=float("inf"))

    def dump(self) -> Json:
        """Plain data."""
        evidence: list[Json] = [
            [list(key), [[frame, value] for frame, value in sorted(self.evidence[key].items())]]
            for key in sorted(self.evidence)
        ]
        return [self.segments.dump(), list(self.changes), self.watched, evidence, self.known]

    @classmethod
    def load(cls, data: Json) -> "Releases":
        """From what ``dump`` gave."""
        segments, changes, watched, evidence, *known = rows(data)
        out = cls()
        out.known = whole(known[0]) if known else 0
        out.segments, out.changes = Segments.load(segments), wholes(changes)
        out.watched = whole(watched)
        out._find_starts()
        for row in rows(evidence):
            key, frames = rows(row)
            pairs = (rows(pair) for pair in rows(frames))
            out.evidence[texts(key)] = {whole(frame): real(value) for frame, value in pairs}
        return out


def _as_of(frames: dict[int, float], last: int) -> float | None:
    """What a segment had said by the end of a frame; ``None`` when nothing."""
    known = max((frame for frame in frames if frame <= last), default=None)
    return None if known is None else frames[known]
