"""The book of one rule: every key it has seen lately, with the state of its detector and its open episode.

Law: bounded. A rule holds at most ``rule.max_keys`` keys; what is idle is forgotten a little at a time, never in one
pause: keys live in two generations, a touched key moves to the young one, and each new key lets the old one give up two.
Quiet keys of before a restart sleep: they are as they were written until somebody asks for them, and are given up last.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rulesd.core.detectors.plain import wholes
from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.core.episode import Episode
from rulesd.core.labels import Key as Key
from rulesd.core.labels import key_reader
from rulesd.core.plan import Rule
from rulesd.model.event import Document, Json
from rulesd.model.instant import SECOND, Instant, Milliseconds
from rulesd.model.reasons import Reason

IDLE: Milliseconds = 60 * SECOND
"How long after the lateness a quiet key's time moves on by itself (contract 1.3)."

UNKNOWN: Instant = -(1 << 62)
"Not asked yet: the detector has to be."

NOT_DUE: Instant = 1 << 62
"No deadline."

_GIVEN_UP_PER_NEW_KEY = 2
_GIVEN_UP_WHEN_FULL = 8
_LOOKED_THROUGH: Milliseconds = 10 * 60 * SECOND
"A rule that is full is asked for room by every event. It looks at so many keys at once, and through all of them in no less than that: a flood of new keys must not make every event dear."


class Entry:
    """One key."""

    __slots__ = ("due", "episode", "key", "later", "state", "wake")

    def __init__(self, key: Key, state: object) -> None:
        """A key without an episode."""
        self.key = key
        self.state = state
        self.episode: Episode | None = None
        self.wake: Instant = 0
        "The processing time this key is to be woken at; 0 for never."
        self.later: Instant = 0
        "A time it was to be woken at, and will be, although a nearer one came between; 0 for none."
        self.due: Instant = UNKNOWN
        "The detector's own deadline as it was last told, so that it is asked once for each observation."

    def wakes(self, wake: Instant) -> bool:
        """It is to be woken then: whether that has to be noted, or is near enough after a time noted already.

        What is far ahead (a month of silence, say) comes up again after each event: it must not be noted each time.
        """
        if 0 < self.later <= wake:
            self.wake, self.later = self.later, self.wake
            return False
        self.later = max(self.later, self.wake)
        self.wake = wake
        return True

    def woken(self, at: Instant) -> bool:
        """A time that was noted has come: whether it still counts."""
        if self.later == at:
            self.later = 0
        if self.wake != at:
            return False
        self.wake = 0
        return True


@dataclass(slots=True)
class Book:
    """Everything Detection remembers about one rule."""

    rule: Rule
    pool: object
    newest: Instant = 0
    "The newest event time seen that was not suspect."

    young: dict[Key, Entry] = field(default_factory=dict)
    old: dict[Key, Entry] = field(default_factory=dict)
    asleep: dict[Key, bytes] = field(default_factory=dict)
    "Keys without an episode or a deadline, as ``dump_entry`` wrote them under the detector's own version (``read`` tells what that was)."

    told: dict[Key, tuple[Instant, Instant]] = field(default_factory=dict)
    "From when to when, in event time, the latest resolved alert of a key lasted: late evidence of that time is no news."

    read: Callable[[bytes], Json] | None = None
    turned: Instant = 0
    "When the generations were last turned."

    looked: Instant = UNKNOWN
    "Up to when a full rule has looked for idle keys."

    limit_told: Instant = 0
    "When the key limit was last reported."

    dirty: dict[Key, None] = field(default_factory=dict)
    "Keys whose state changed since the last checkpoint (a dict, because its order is defined)."

    arrival: bool = False
    "Whether the detector lives in processing time; this and what follows stand here because every event asks."

    pooled: bool = False
    "Whether the detector's pool is asked about each event; where only deploys matter to it (``Detector.deploys``), about these."

    deploys: bool = False
    dropped: Callable[[Any, object], tuple[int, str]] | None = None
    "What a detector that keeps a bounded number of things for a key had to give up (``Detector.dropped``, where it has one)."

    news: Callable[[Any], Iterable[tuple[Reason, str]]] | None = None
    "What a detector says about its baselines of its own accord (``Detector.news``, where it has one)."

    id: str = ""
    lateness: Milliseconds = 0
    patience: Milliseconds = 0
    "How long after a deadline a quiet key is woken."

    generation: Milliseconds = 0
    "How long keys stay young at least."

    detector: Any = None
    key: Callable[[Document], Key] = field(init=False)
    "The key an event belongs to."

    observe: Callable[[Any, object, Observation], Reading | None] = field(init=False)
    deadline: Callable[[Any, object], Instant | None] = field(init=False)
    "Both of the detector."

    matches: int = 0
    "Events the rule matched."

    def __post_init__(self) -> None:
        """Read what every event asks for."""
        self.take(self.rule)

    def take(self, rule: Rule) -> None:
        """Go on under a rule with the same digest."""
        self.rule = rule
        self.key = key_reader(tuple(f.get for f in rule.by))
        self.arrival = rule.detector.clock is Clock.ARRIVAL
        self.deploys = not self.arrival and getattr(rule.detector, "deploys", False)
        self.pooled = rule.detector.pooled and not self.deploys
        self.dropped = getattr(rule.detector, "dropped", None)
        self.news = getattr(rule.detector, "news", None)
        self.id, self.lateness, self.detector = rule.id, rule.lateness, rule.detector
        self.observe, self.deadline = rule.detector.observe, rule.detector.deadline
        self.generation = rule.lateness + IDLE + rule.detector.hold
        self.patience = 0 if self.arrival else rule.lateness + IDLE

    def get(self, key: Key) -> Entry | None:
        """The entry of a key, moved to the young generation when it was old."""
        entry = self.young.get(key)
        if entry is None and self.old:
            entry = self.old.pop(key, None)
            if entry is not None:
                self.young[key] = entry
        if entry is None and self.asleep:
            written = self.asleep.pop(key, None)
            if written is not None:
                entry = self._wake(key, written)
        return entry

    def peek(self, key: Key) -> Entry | None:
        """The entry of a key, wherever it is."""
        entry = self.young.get(key) or self.old.get(key)
        return self.get(key) if entry is None and self.asleep else entry

    def _wake(self, key: Key, written: bytes) -> Entry:
        """Read a key that slept."""
        assert self.read is not None
        self.load_entry(key, self.read(written))
        return self.young[key]

    def add(self, entry: Entry, watermark: Instant, now: Instant) -> None:
        """Take a new key and give up some idle ones."""
        self.young[entry.key] = entry
        if self.old or self.asleep:
            self._give_up(watermark, _GIVEN_UP_PER_NEW_KEY)
        if now - self.turned > self.generation and not self.old and not self.asleep:
            self.old, self.young = self.young, {}
            self.turned = now

    def full(self, watermark: Instant) -> bool:
        """Whether no further key can be taken, after giving up what can be."""
        if len(self.young) + len(self.old) + len(self.asleep) < self.rule.max_keys:
            return False
        if watermark < self.looked:
            return True
        self.looked = watermark + _GIVEN_UP_WHEN_FULL * _LOOKED_THROUGH // len(self)
        if not self.old and not self.asleep:
            self.old, self.young = self.young, {}
        self._give_up(watermark, _GIVEN_UP_WHEN_FULL)
        return len(self) >= self.rule.max_keys

    def _give_up(self, watermark: Instant, most: int) -> None:
        forgettable = self.detector.forgettable
        for _ in range(most):
            if self.old:
                key, entry = self.old.popitem()
            elif not self.asleep:
                return
            else:
                key, written = self.asleep.popitem()
                entry = self._wake(key, written)
                del self.young[key]
            if entry.episode is None and forgettable(entry.state, watermark):
                self.dirty[key] = None
                self.told.pop(key, None)
            else:
                self.young[key] = entry

    def forget(self, key: Key) -> None:
        """Drop a key now."""
        self.young.pop(key, None)
        self.old.pop(key, None)
        self.asleep.pop(key, None)
        self.told.pop(key, None)
        self.dirty[key] = None

    def awake(self) -> Iterator[Entry]:
        """Every entry that does not sleep: all that can have an episode or a deadline. In no promised order."""
        yield from self.young.values()
        yield from self.old.values()

    def busy(self) -> list[Entry]:
        """The entries with an open episode, in order of the key."""
        return sorted((e for e in self.awake() if e.episode is not None), key=lambda e: e.key)

    def keys(self) -> list[Key]:
        """Every key, in no promised order."""
        return [*self.young, *self.old, *self.asleep]

    def all(self) -> Iterator[Entry]:
        """Every entry, in no promised order: only for work whose result does not depend on it."""
        for key in list(self.asleep):
            self.get(key)
        yield from self.awake()

    def entries(self) -> Iterator[Entry]:
        """Every entry, in order of the key."""
        for key in sorted(self.keys()):
            entry = self.peek(key)
            assert entry is not None
            yield entry

    def __len__(self) -> int:
        """How many keys are held."""
        return len(self.young) + len(self.old) + len(self.asleep)

    def dump_entry(self, entry: Entry) -> Json:
        """One key's state and episode as plain data."""
        detector = self.rule.detector
        episode = None if entry.episode is None else entry.episode.dump()
        told = self.told.get(entry.key)
        out: list[Json] = [detector.version, detector.dump(entry.state), episode, entry.due]
        return out if told is None else [*out, [*told]]

    def load_entry(self, key: Key, data: Json) -> bool:
        """Put a key back; ``False`` when its state has a shape this version cannot read (the episode is kept)."""
        assert isinstance(data, list)
        version, state, episode, due, *rest = data
        detector = self.rule.detector
        known = version == detector.version
        entry = Entry(key, detector.load(state) if known else detector.start(key, self.newest))
        if known and isinstance(due, int):
            entry.due = due
        if isinstance(episode, dict):
            entry.episode = Episode.load(episode)
        if rest:
            since, until = wholes(rest[0])
            self.told[key] = since, until
        self.young[key] = entry
        return known
