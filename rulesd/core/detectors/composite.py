"""``composite``: several alerts mean more together than alone.

Law: reads alerts, not events, in the time of their arrival. A rule named in ``all``, ``any`` or ``not`` counts while one of its alerts fires and for ``within``
after it has ended. The condition holds when every rule of ``all`` counts, at least one of ``any`` (if given), and none of ``not``. An alert that ends while
one of ``not`` counts is explained by it and does not count again when that one is forgotten first. When a person has resolved the composite's own alert, what fires by
then still counts, but only together with an alert that is new since.

Joined by the labels of ``by``. An alert that lacks one of them concerns every key that agrees in the labels it has: a deploy without a tenant concerns
all tenants. Such alerts wait in the pool; a key with an alert of its own looks there at least once a minute.

Kept are 32 alerts of each rule and key, and 256 without all labels; beyond that the one that ended first goes, then the oldest.
Memory per key: 150 bytes an alert. Cost: alerts are rare; 5 us and 0.2 us for each alert that is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.plain import rows, text, texts, whole
from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.core.field import Field
from rulesd.core.labels import label_text
from rulesd.model.event import Document, Json
from rulesd.model.instant import MINUTE, Instant, Milliseconds

_KEPT, _KEPT_IN_POOL = 32, 256
_FIRING = -1
"In place of its end, for an alert that still fires."

Heard = dict[tuple[str, str, tuple[str, ...]], Instant]
"When each alert (rule, alert, labels) ended."


class Together:
    """State of one key."""

    __slots__ = ("explained", "heard", "key", "looked", "open", "settled")

    def __init__(self, key: tuple[str, ...], at: Instant) -> None:
        """No alert yet."""
        self.key = key
        self.heard: Heard = {}
        self.explained: set[str] = set()
        "Alerts that ended while one of ``not`` counted."
        self.settled: set[str] = set()
        "Alerts that counted when a person said that it is over: they bring no news."
        self.looked = at
        self.open = False


@dataclass(frozen=True, slots=True)
class Composite(Apart):
    """Fires when alerts come together."""

    all: tuple[str, ...]
    any: tuple[str, ...]
    not_: tuple[str, ...]
    within: Milliseconds
    by: tuple[Field, ...]

    name: ClassVar[str] = "composite"
    version: ClassVar[int] = 2
    clock: ClassVar[Clock] = Clock.ARRIVAL
    pooled: ClassVar[bool] = True

    @property
    def named(self) -> tuple[str, ...]:
        """The rules whose alerts are read."""
        return (*self.all, *self.any, *self.not_)

    @property
    def hold(self) -> Milliseconds:
        """None: the window is in the condition already."""
        return 0

    def pool(self) -> Heard:
        """Alerts that lack a label of ``by``."""
        return {}

    def start(self, key: tuple[str, ...], at: Instant) -> Together:
        """No alert yet."""
        return Together(key, at)

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """Alerts of other rules concern no key, those that lack a label every key that agrees."""
        rule, labels = self._read(seen.document)
        if rule not in self.named:
            return True
        if all(labels):
            return False
        assert isinstance(pool, dict)
        self._hear(pool, rule, labels, seen, _KEPT_IN_POOL)
        return True

    def _read(self, document: Document) -> tuple[str, tuple[str, ...]]:
        data = document.get("data")
        rule = data.get("rule") if isinstance(data, dict) else None
        return label_text(rule), tuple(label_text(f.get(document)) for f in self.by)

    def _hear(
        self, heard: Heard, rule: str, labels: tuple[str, ...], seen: Observation, most: int
    ) -> None:
        """Note that an alert fires, or that it ended now. Its id is the event's, less the state."""
        alert, _, state = str(seen.document.get("id", seen.event)).rpartition("-")
        ended = _FIRING if state == "firing" else seen.at
        heard[rule, alert, labels] = ended
        for over in [a for a, end in heard.items() if self._over(end, seen.at)]:
            del heard[over]
        mine = [a for a in heard if a[0] == rule]
        if len(mine) > most:
            del heard[min(mine, key=lambda a: (heard[a] == _FIRING, heard[a]))]

    def _over(self, end: Instant, at: Instant) -> bool:
        return end != _FIRING and end + self.within <= at

    def observe(self, state: Together, pool: object, seen: Observation) -> Reading | None:
        """Note the alert and look."""
        rule, _ = self._read(seen.document)
        self._hear(state.heard, rule, (), seen, _KEPT)
        return self._look(state, pool, seen.at)

    def settle(self, state: Together, pool: object, at: Instant) -> Together:
        """What is left when a person has said that it is over: everything, but it is no news."""
        out = Together(state.key, at)
        out.heard = {a: end for a, end in state.heard.items() if not self._over(end, at)}
        out.settled = {
            alert for _, alert, end in self._concern(out, pool) if not self._over(end, at)
        }
        out.explained = state.explained & out.settled
        return out

    def _concern(self, state: Together, pool: object) -> Iterator[tuple[str, str, Instant]]:
        """Rule, alert and end of everything that concerns the key."""
        for (rule, alert, _), end in state.heard.items():
            yield rule, alert, end
        assert isinstance(pool, dict)
        for (rule, alert, labels), end in pool.items():
            if all(have in ("", want) for have, want in zip(labels, state.key, strict=True)):
                yield rule, alert, end

    def _look(self, state: Together, pool: object, at: Instant) -> Reading | None:
        state.looked = at
        state.heard = {a: end for a, end in state.heard.items() if not self._over(end, at)}
        live = [c for c in self._concern(state, pool) if not self._over(c[2], at)]
        if any(rule in self.not_ for rule, _, _ in live):
            ended = {alert for rule, alert, end in live if end != _FIRING}
            state.explained |= ended
        state.explained &= {alert for _, alert, _ in live}
        live = [c for c in live if c[0] in self.not_ or c[1] not in state.explained]
        rules = {rule for rule, _, _ in live}
        met = rules.issuperset(self.all) and rules.isdisjoint(self.not_)
        met = met and (not self.any or not rules.isdisjoint(self.any))
        state.settled &= {alert for _, alert, _ in live}
        met = met and (not state.settled or any(a not in state.settled for _, a, _ in live))
        if not met and not state.open:
            return None
        state.open = met
        wanted = float(len(self.all) + (1 if self.any else 0))
        counted = [r for r in self.named if r in rules and r not in self.not_]
        if not met:
            return Reading(at, False, float(len(counted)), wanted)
        detail = dict.fromkeys(counted, "firing")
        detail |= {r: "ended" for r in counted if all(e != _FIRING for x, _, e in live if x == r)}
        causes = sorted({f"{alert}-firing" for rule, alert, _ in live if rule in counted})
        return Reading(at, True, float(len(counted)), wanted, detail=detail, causes=causes)

    def advance(self, state: Together, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Look again whenever an alert stops to count, and now and then at the pool."""
        readings = []
        while (due := self.deadline(state, pool)) is not None and due <= watermark:
            was = state.open
            found = self._look(state, pool, due)
            if found is not None and found.active != was:
                readings.append(found)
        return readings

    def deadline(self, state: Together, pool: object) -> Instant | None:
        """When the next alert stops to count; a minute from the last look while the key has an alert that counts."""
        if not state.heard and not state.open:
            return None
        ends = [end + self.within for _, _, end in self._concern(state, pool) if end != _FIRING]
        return min([state.looked + MINUTE, *(due for due in ends if due > state.looked)])

    def forgettable(self, state: Together, watermark: Instant) -> bool:
        """When none of its alerts counts any more."""
        return not state.open and not state.heard

    def dump(self, state: Together) -> Json:
        """Plain data."""
        explained: list[Json] = [*sorted(state.explained)]
        settled: list[Json] = [*sorted(state.settled)]
        return [list(state.key), _plain(state.heard), explained, settled, state.looked, state.open]

    def load(self, data: Json) -> Together:
        """From what ``dump`` gave."""
        key, heard, explained, settled, looked, open_ = rows(data)
        out = Together(texts(key), whole(looked))
        out.explained, out.settled = set(texts(explained)), set(texts(settled))
        out.heard, out.open = _heard(heard), open_ is True
        return out

    def dump_pool(self, pool: object) -> Json:
        """Plain data."""
        assert isinstance(pool, dict)
        return _plain(pool)

    def load_pool(self, data: Json) -> Heard:
        """From what ``dump_pool`` gave."""
        return _heard(data)


def _plain(heard: Heard) -> Json:
    return [[rule, alert, list(labels), end] for (rule, alert, labels), end in heard.items()]


def _heard(data: Json) -> Heard:
    out: Heard = {}
    for row in rows(data):
        rule, alert, labels, end = rows(row)
        out[text(rule), text(alert), texts(labels)] = whole(end)
    return out
