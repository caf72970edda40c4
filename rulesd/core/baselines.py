"""What the rules that learn have learned: one row for each key, for people to look at.

Law: looking changes nothing. A detector that learns has ``learned(state, pool, at)``: plain facts about what it expects of a key as of ``at``,
or ``None`` while it does not know enough; then ``learning(state, pool, at)``, where it has one, says since when and until when it learns. Others have no
baseline. Keys are found in parts, so that nobody has to walk a million of them in one go.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from rulesd.core.book import Book, Entry, Key
from rulesd.core.detection import Detection
from rulesd.core.detectors.deploys import WATCH, watched
from rulesd.core.detectors.segments import Segments
from rulesd.core.labels import is_error, labels_of
from rulesd.model.duration import format_duration
from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant, parse_instant

Learned = Callable[[object, object, Instant], Mapping[str, Json] | None]

SHOWN = 4
"Shares of a distribution that the short text tells."

_FOLLOWS = frozenset({"spike", "rollout"})
"Detectors whose baseline moves on with what they see."


class Phase(StrEnum):
    """Where a baseline stands."""

    LEARNING = "learning"
    "The first one is being learned; until then the key is judged by what its rule knows of others, or not at all. A pinned ``shift`` learns how much traffic there is."

    FIXED = "fixed"
    FOLLOWS = "follows"
    "It moves on with the key's own history."

    PINNED = "pinned"
    "People wrote it into the rule; it is never learned."

    WATCH = "deploy_watch"
    "A deploy was less than a day ago: less evidence is enough, and then the key learns anew."

    RELEARNING = "relearning"
    "The next one is being learned; the one before is in force until it is complete."


class Baseline(NamedTuple):
    """What one rule expects of one key. Times are texts, empty where there is none."""

    rule: str
    labels: Mapping[str, str]
    learned: Mapping[str, Json] | None
    "``None``: still learning."

    detector: str = ""
    phase: Phase = Phase.LEARNING
    level: str = ""
    "What is expected, for people."

    events: float | None = None
    "From how many events (or windows) it was learned."

    since: str = ""
    "Since when the phase lasts, or the baseline is in force."

    until: str = ""
    "When the phase ends, if nothing comes between."

    deploy: str = ""
    "The deploy it is watched for, or learned anew after."


def learners(detection: Detection) -> list[Book]:
    """The books of the rules that learn, in the order of the plan."""
    return [book for book in detection.books if hasattr(book.detector, "learned")]


def baselines(detection: Detection, at: Instant) -> Iterator[Baseline]:
    """Every baseline, by rule in the order of the plan and by key. For tools: it walks every key."""
    for book in learners(detection):
        for entry in book.entries():
            if not is_error(entry.key):
                yield baseline_of(book, entry, at)


def baseline_of(book: Book, entry: Entry, at: Instant) -> Baseline:
    """What a rule that learns expects of one key."""
    state, pool, detector = entry.state, book.pool, book.detector
    learned: Mapping[str, Json] | None = detector.learned(state, pool, at)
    made = Baseline(book.id, labels_of(book.rule.by, entry.key), learned, detector.name)
    if learned is None:
        first = _first(book, state, at)
        if (share := _given(detector, entry.key)) is not None:
            return _counting(made._replace(learned=share, level=level_text(share, 0)), first)
        events = first.get("events")
        return made._replace(
            events=events if isinstance(events, int | float) else None,
            since=_text(first, "learning_since"),
            until=_text(first, "learning_until"),
        )
    events = learned.get("events", learned.get("windows"))
    made = made._replace(
        level=level_text(learned, getattr(detector, "within", 0)),
        events=events if isinstance(events, int | float) else None,
        since=_text(learned, "since"),
    )
    return _placed(made, learned, getattr(pool, "watches", ()), at)


def _placed(
    made: Baseline, learned: Mapping[str, Json], deploys: Iterable[Instant], at: Instant
) -> Baseline:
    """The row with its phase."""
    if learned.get("pinned"):
        return made._replace(phase=Phase.PINNED)
    if "watch_until" in learned:
        since, until = _text(learned, "watch_since"), _text(learned, "watch_until")
        return made._replace(phase=Phase.WATCH, since=since, until=until, deploy=since)
    known = sorted(deploys)
    deploy = watched(known, at)
    if deploy is not None:
        began = format_instant(deploy)
        until = format_instant(deploy + WATCH)
        return made._replace(phase=Phase.WATCH, since=began, until=until, deploy=began)
    if made.detector in _FOLLOWS and "learning_until" not in learned:
        return made._replace(phase=Phase.FOLLOWS)
    if not learned.get("learning"):
        return made._replace(phase=Phase.FIXED)
    since = _text(learned, "learning_since")
    if not made.events:
        # Nothing of its own yet: judged by what its labels share.
        return made._replace(since=since, until=_text(learned, "learning_until"))
    before = [d for d in known if since and d + WATCH <= parse_instant(since)]
    return made._replace(
        phase=Phase.RELEARNING,
        since=since,
        until=_text(learned, "learning_until"),
        deploy=format_instant(before[-1]) if before else "",
    )


def _given(detector: object, key: Key) -> Mapping[str, Json] | None:
    """The share that people wrote down for a key that is not judged by it yet."""
    told = getattr(detector, "pinned", None)
    share = told(key) if callable(told) else None
    return None if share is None else {"share": share, "pinned": True}


def _counting(made: Baseline, first: Mapping[str, Json]) -> Baseline:
    """A key with a given level whose rule still learns how much traffic there is, and says nothing meanwhile."""
    assert made.learned is not None
    if not first:
        return made._replace(phase=Phase.PINNED)
    return made._replace(
        learned={**made.learned, "learning": True, **first},
        since=_text(first, "learning_since"),
        until=_text(first, "learning_until"),
    )


def _first(book: Book, state: object, at: Instant) -> Mapping[str, Json]:
    """Since when and until when a key learns that has no baseline yet."""
    told = getattr(book.detector, "learning", None)
    if told is not None:
        found: Mapping[str, Json] = told(state, book.pool, at)
        return found
    pool, length = book.pool, getattr(book.detector, "baseline", None)
    if isinstance(pool, Segments) and pool.since is not None and at < pool.mature(length or 0):
        return {
            "learning_since": format_instant(pool.since),
            "learning_until": format_instant(pool.mature(length or 0)),
        }
    return {}


# ---------------------------------------------------------------------- words


def level_text(learned: Mapping[str, Json], within: int) -> str:
    """What is expected, in few words: a share with its bounds, a count, a mean, or the largest shares of a distribution."""
    shares = learned.get("shares")
    if isinstance(shares, dict):
        numbers = [(name, share) for name, share in shares.items() if isinstance(share, float)]
        largest = sorted(numbers, key=lambda pair: (-pair[1], pair[0]))[:SHOWN]
        more = ", ..." if len(numbers) > SHOWN else ""
        return ", ".join(f"{name} {_percent(share)}" for name, share in largest) + more
    if isinstance(share := learned.get("share"), float):
        low, high = learned.get("low"), learned.get("high")
        if isinstance(low, float) and isinstance(high, float):
            return f"{_percent(share)} ({_percent(low)} to {_percent(high)})"
        return _percent(share)
    expected = learned.get("expected")
    if not isinstance(expected, int | float):
        return ""
    if isinstance(deviation := learned.get("deviation"), int | float):
        return f"{expected:.4g} ± {deviation:.3g}"
    return f"{expected:.4g}" + (f" in {format_duration(within)}" if within else "")


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def _text(facts: Mapping[str, Json], name: str) -> str:
    found = facts.get(name)
    return found if isinstance(found, str) else ""


# ---------------------------------------------------------------------- finding keys


class Search:
    """The first keys of one rule, by key, that have the labels asked for and come after a given one."""

    def __init__(
        self, book: Book, labels: Mapping[str, str], after: Key | None = None, most: int = 0
    ) -> None:
        """``most`` keys are kept; 0: all of them."""
        names = [f.label for f in book.rule.by]
        self.fits = all(name in names for name in labels)
        "Whether the rule has these labels at all."

        self._wanted = [(names.index(n), v) for n, v in labels.items()] if self.fits else []
        self._after, self._most = after, most
        self.found: list[Key] = []

    def look(self, keys: Iterable[Key]) -> None:
        """See some more of the keys; bounded by how many they are."""
        found, most, after = self.found, self._most, self._after
        for key in keys:
            if (after is not None and key <= after) or is_error(key):
                continue
            if any(key[place] != value for place, value in self._wanted):
                continue
            if not most:
                found.append(key)
            elif len(found) < most:
                insort(found, key)
            elif key < found[-1]:
                found.pop()
                insort(found, key)
