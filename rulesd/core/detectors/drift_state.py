"""What ``drift`` remembers of one key: the baseline in force, the one that is being learned, and the last blocks of events.

Law: no decision is made here, and each is written and read back as it was. What older versions did not write is read as not known.
"""

from rulesd.core.detectors.categories import add_to, count_at, events, without
from rulesd.core.detectors.news import News
from rulesd.core.detectors.plain import real, reals, rows, text, whole, wholes
from rulesd.core.detectors.shape import Distance, distance
from rulesd.core.detectors.slots import Slots
from rulesd.model.event import Json
from rulesd.model.instant import Instant, Milliseconds

BLOCK = 50
SCALES = (1, 2, 4, 8)
"Windows, in blocks."

LEAST_LEARNED = 4 * BLOCK
TOLD = 3
"Shares that a line about a baseline tells."


class Lesson:
    """A baseline that is being learned."""

    __slots__ = ("counts", "since", "spread")

    def __init__(self, since: Instant) -> None:
        """Nothing counted as of ``since``."""
        self.since = since
        self.counts: list[int] = []
        self.spread = [[0.0, 0.0] for _ in SCALES]
        "For each scale: sum of the distances in units of chance, and how many."

    def take(self, recent: list[list[int]]) -> None:
        """Add the newest block, after seeing how far it and its neighbours are from the rest."""
        for which, scale in enumerate(SCALES):
            if len(recent) >= scale and events(self.counts) >= 3 * scale * BLOCK:
                others = without(self.counts, recent[-scale:-1])
                found = compare(others, recent[-scale:])
                if found.degrees:
                    self.spread[which][0] += found.psi / found.unit / found.degrees
                    self.spread[which][1] += 1.0
        add_to(self.counts, recent[-1])

    def over(self, end: Instant, length: Milliseconds) -> bool:
        """Whether enough has been seen, for long enough."""
        return end >= self.since + length and events(self.counts) >= LEAST_LEARNED

    def dispersion(self) -> list[float]:
        """D for each scale: how much more than chance its windows differed from the rest."""
        return [max(1.0, total / n if n else 1.0) for total, n in self.spread]

    def dump(self) -> Json:
        """Plain data."""
        return [self.since, list(self.counts), [list(pair) for pair in self.spread]]

    @classmethod
    def load(cls, data: Json) -> "Lesson":
        """From what ``dump`` gave."""
        since, counts, spread = rows(data)
        out = cls(whole(since))
        out.counts = wholes(counts)
        out.spread = [reals(pair) for pair in rows(spread)]
        return out


class Shape:
    """State of one key. Counts are lists: squared weights, then others, then one for each category."""

    __slots__ = (
        "base",
        "block",
        "dispersion",
        "early",
        "edges",
        "kept",
        "known",
        "last",
        "lesson",
        "names",
        "news",
        "open",
        "recent",
        "slots",
        "unread",
    )

    def __init__(self, at: Instant) -> None:
        """Nothing seen before ``at``."""
        self.slots = Slots()
        self.unread = 0
        "Events in the slots that wait."
        self.names: dict[str, int] = {}
        "Place of each known value in the counts."
        self.early: list[tuple[Instant, float]] = []
        "The first numbers by event time, until they give the edges of the bins."
        self.edges: list[float] | None = None
        self.news: list[News] = []
        "What has happened to the baseline and was not told yet; asked for after each ``advance``, so it is never written."
        self.afresh(at)

    def afresh(self, at: Instant) -> None:
        """Learn a baseline from ``at`` on."""
        self.last = at
        "End of the last slot read."
        self.base: list[int] = []
        "Counts of the baseline in force."
        self.kept = 0
        "How many named categories it tells apart, where values are named."
        self.dispersion: list[float] = []
        "D for each scale; empty while there is no baseline."
        self.known: Instant = 0
        "Since when the baseline is in force; 0 when it is not known."
        self.lesson: Lesson | None = Lesson(at)
        "What is learned for the next baseline, if anything."
        self.block: list[int] = []
        self.recent: list[list[int]] = []
        "The last whole blocks."
        self.open = 0
        "The scale that fires, in blocks; 0 when none does."

    @property
    def blank(self) -> bool:
        """Whether nothing at all is known of the key."""
        started = self.lesson is not None and (self.lesson.counts or self.block or self.early)
        return not self.dispersion and not started

    def in_words(self, *, named: bool) -> str:
        """The largest shares of the baseline in force, or all of them by bin."""
        total = sum(self.base[1:])
        if not named:
            return "/".join(f"{100 * n / total:.3g}" for n in self.base[2:]) + "% by bin"
        shares = sorted((-count_at(self.base, place), name) for name, place in self.names.items())
        return ", ".join(f"{name} {-100 * n / total:.3g}%" for n, name in shares[:TOLD])

    def dump(self) -> Json:
        """Plain data."""
        early: list[Json] = [[at, value] for at, value in self.early]
        edges: list[Json] | None = None if self.edges is None else list(self.edges)
        return {
            "slots": self.slots.dump(),
            "names": dict(self.names),
            "early": early,
            "edges": edges,
            "times": [self.known, self.last],
            "base": list(self.base),
            "kept": self.kept,
            "lesson": None if self.lesson is None else self.lesson.dump(),
            "dispersion": list(self.dispersion),
            "block": list(self.block),
            "recent": [list(block) for block in self.recent],
            "open": self.open,
        }

    @classmethod
    def load(cls, data: Json) -> "Shape":
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        known, last = wholes(data["times"])
        out = cls(last)
        out.slots = Slots.load(data["slots"])
        out.unread = sum(sum(counts[1:]) for counts in out.slots.waiting.values())
        names = data["names"]
        assert isinstance(names, dict)
        out.names = {text(name): whole(place) for name, place in names.items()}
        for row in rows(data["early"]):
            at, value = rows(row)
            out.early.append((whole(at), real(value)))
        out.edges = None if data["edges"] is None else reals(data["edges"])
        out.base, out.block = wholes(data["base"]), wholes(data["block"])
        out.dispersion = reals(data["dispersion"])
        out.recent = [wholes(block) for block in rows(data["recent"])]
        out.open = whole(data["open"])
        if "lesson" in data:
            out.known, out.kept = known, whole(data["kept"])
            out.lesson = None if data["lesson"] is None else Lesson.load(data["lesson"])
        elif out.dispersion:
            # An older version: the first time is that from which it learned.
            out.lesson, out.kept = None, len(out.names)
        else:
            out.lesson = Lesson.load([known, data["base"], data["spread"]])
            out.base = []
        return out


def compare(base: list[int], blocks: list[list[int]]) -> Distance:
    """How far some blocks together are from a baseline."""
    now: list[int] = []
    for block in blocks:
        add_to(now, block)
    size = max(len(base), len(now))
    was = base[1:] + [0] * (size - len(base))
    is_ = now[1:] + [0] * (size - len(now))
    return distance(was, is_, events(base), events(now))
