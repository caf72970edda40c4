"""What ``shift`` remembers of one segment: the baseline in force, the next one, the evidence to either side and the slots not read yet.

Law: no decision is made here, and each is written and read back as it was. What older versions did not write is read as not known.
"""

from collections.abc import Sequence

from rulesd.core.detectors.evidence import Counted, Design, Evidence
from rulesd.core.detectors.news import News
from rulesd.core.detectors.plain import real, reals, rows, text, texts, whole
from rulesd.core.detectors.segments import Key
from rulesd.core.detectors.slots import Shares, share
from rulesd.model.event import Json
from rulesd.model.instant import Instant

Mark = tuple[list[float], float, Instant, float, float]


class Side:
    """One direction of one segment: the evidence, and what has happened since the change it points at."""

    __slots__ = ("evidence", "hits", "maximum", "since", "trials")

    def __init__(self, evidence: Evidence, at: Instant) -> None:
        """No evidence as of ``at``."""
        self.evidence = evidence
        self.restart(at)

    def restart(self, at: Instant) -> None:
        """No change in sight as of ``at``."""
        self.maximum = 0.0
        "The plain CUSUM of the smallest change: zero means that the run starts here."
        self.since = at
        self.trials = 0.0
        self.hits = 0.0

    def follow(self, slots: Sequence[Counted]) -> None:
        """Let the plain CUSUM, whose last zero dates the change, take slots."""
        hit, miss = self.evidence.design.weights[0]
        maximum, since, n, k = self.maximum, self.since, self.trials, self.hits
        for end, trials, hits, _ in slots:
            maximum += hits * hit + (trials - hits) * miss
            if maximum <= 0.0:
                maximum, since, n, k = 0.0, end, 0.0, 0.0
            else:
                n += trials
                k += hits
        self.maximum, self.since, self.trials, self.hits = maximum, since, n, k

    def take(self, slots: Sequence[Counted], threshold: float) -> int:
        """Take slots up to the first at which the evidence reaches ``threshold``: its place among them, or their number."""
        place = self.evidence.take(slots, threshold)
        self.follow(slots if place == len(slots) else slots[: place + 1])
        return place

    def mark(self) -> Mark:
        """What ``rewind`` asks for to come back here."""
        return self.evidence.sums, self.maximum, self.since, self.trials, self.hits

    def rewind(self, mark: Mark) -> None:
        """Forget the slots taken since ``mark``."""
        self.evidence.sums, self.maximum, self.since, self.trials, self.hits = mark

    def dump(self) -> Json:
        """Plain data."""
        sums: list[Json] = list(self.evidence.sums)
        run: list[Json] = [self.maximum, self.since, self.trials, self.hits]
        return [self.evidence.design.dump(), sums, run]

    @classmethod
    def load(cls, data: Json) -> "Side":
        """From what ``dump`` gave."""
        design, sums, run = rows(data)
        maximum, since, trials, hits = rows(run)
        out = cls(Evidence(Design.load(design), reals(sums)), whole(since))
        out.maximum, out.trials, out.hits = real(maximum), real(trials), real(hits)
        return out


class Segment:
    """State of one key."""

    __slots__ = (
        "asked",
        "back",
        "edition",
        "hits",
        "hurries",
        "key",
        "known",
        "last",
        "latest",
        "learn_from",
        "learning",
        "level",
        "news",
        "open",
        "part",
        "share",
        "sides",
        "slots",
        "spare_hits",
        "spare_misses",
        "spare_slots",
        "trials",
    )

    def __init__(self, key: Key, at: Instant) -> None:
        """A segment first seen at ``at``."""
        self.key = key
        self.slots = Shares()
        self.open = ""
        "The side that fires, if any."
        self.back = 0.0
        "While open: the CUSUM of the way back."
        self.level = 0.0
        "The baseline in force, as log-odds."
        self.known: tuple[Instant, int, float] | None = None
        "Since when it is in force, the weighted trials of its own it was learned from, and one standard deviation. For people: nothing is decided by it."
        self.news: tuple[News, ...] = ()
        "What has happened to the baseline and was not told yet; asked for after each ``advance``, so it is never written."
        self.part = 1.0
        "By how much its threshold differs from that of a segment that is the whole traffic."
        self.share = 0.0
        "Its part of the rule's traffic while learning."
        self.sides: dict[str, Side] = {}
        "``up`` and ``down``, once there is a baseline."
        self.last = at
        "End of the last slot read."
        self.latest: tuple[str, ...] = ()
        "Ids of the latest hits."
        self.asked: Instant | None = None
        "The end of the oldest slot when it was last worked out whether the unread slots may tell something. Not written: it is worked out again."
        self.edition: object = None
        "Of the pool, then."
        self.hurries = False
        "Whether they may."
        self.spare_hits = self.spare_misses = self.spare_slots = 0
        "So many more hits and misses, in slots up to that one, leave the answer as it is."
        self.learn(at)

    def learn(self, at: Instant) -> None:
        """Count for a new baseline from ``at`` on."""
        self.learning = True
        self.learn_from = at
        self.trials = 0
        self.hits = 0

    def count(self, counted: int) -> None:
        """Count a slot towards the next baseline."""
        trials, hits = share(counted)
        self.trials += trials
        self.hits += hits

    def dump(self) -> Json:
        """Plain data."""
        sides: dict[str, Json] = {name: side.dump() for name, side in self.sides.items()}
        learned: list[Json] = [self.learning, self.learn_from, self.trials, self.hits]
        return {
            "key": list(self.key),
            "slots": self.slots.dump(),
            "open": self.open,
            "back": self.back,
            "level": [self.level, self.part, self.share],
            "known": None if self.known is None else list(self.known),
            "last": self.last,
            "latest": list(self.latest),
            "learned": learned,
            "sides": sides,
        }

    @classmethod
    def load(cls, data: Json) -> "Segment":
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        out = cls(texts(data["key"]), whole(data["last"]))
        out.slots = Shares.load(data["slots"])
        out.latest = texts(data.get("latest", []))
        out.open, out.back = text(data["open"]), real(data["back"])
        out.level, out.part, out.share = reals(data["level"])
        known = data.get("known")
        if known is not None:
            since, trials, doubt = rows(known)
            out.known = whole(since), whole(trials), real(doubt)
        learning, learn_from, trials, hits = rows(data["learned"])
        out.learning, out.learn_from = learning is True, whole(learn_from)
        out.trials, out.hits = whole(trials), whole(hits)
        sides = data["sides"]
        assert isinstance(sides, dict)
        out.sides = {name: Side.load(sides[name]) for name in ("up", "down") if name in sides}
        return out
