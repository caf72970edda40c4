"""What ``shift`` remembers of one segment: the baseline in force, the next one, the evidence to either side and the slots not read yet.

Law: no decision is made here, and each is written and read back as it was. What older versions did not write is read as not known.
"""

from rulesd.core.detectors.evidence import Design, Evidence
from rulesd.core.detectors.plain import real, reals, rows, text, texts, whole
from rulesd.core.detectors.segments import Key
from rulesd.core.detectors.slots import Slots
from rulesd.model.event import Json
from rulesd.model.instant import Instant


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

    def follow(self, end: Instant, n: float, k: float) -> None:
        """Let the plain CUSUM, whose last zero dates the change, take a slot."""
        hit, miss = self.evidence.design.weights[0]
        self.maximum += k * hit + (n - k) * miss
        self.trials += n
        self.hits += k
        if self.maximum <= 0.0:
            self.restart(end)

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
        "back",
        "hits",
        "key",
        "known",
        "last",
        "learn_from",
        "learning",
        "level",
        "open",
        "part",
        "share",
        "sides",
        "slots",
        "trials",
    )

    def __init__(self, key: Key, at: Instant) -> None:
        """A segment first seen at ``at``."""
        self.key = key
        self.slots = Slots()
        self.open = ""
        "The side that fires, if any."
        self.back = 0.0
        "While open: the CUSUM of the way back."
        self.level = 0.0
        "The baseline in force, as log-odds."
        self.known: tuple[Instant, int, float] | None = None
        "Since when it is in force, the weighted trials of its own it was learned from, and one standard deviation. For people: nothing is decided by it."
        self.part = 1.0
        "By how much its threshold differs from that of a segment that is the whole traffic."
        self.share = 0.0
        "Its part of the rule's traffic while learning."
        self.sides: dict[str, Side] = {}
        "``up`` and ``down``, once there is a baseline."
        self.last = at
        "End of the last slot read."
        self.learn(at)

    def learn(self, at: Instant) -> None:
        """Count for a new baseline from ``at`` on."""
        self.learning = True
        self.learn_from = at
        self.trials = 0
        self.hits = 0

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
            "learned": learned,
            "sides": sides,
        }

    @classmethod
    def load(cls, data: Json) -> "Segment":
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        out = cls(texts(data["key"]), whole(data["last"]))
        out.slots = Slots.load(data["slots"])
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
