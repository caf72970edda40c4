"""``repeat``: the very same thing is tried again and again.

Law: inside a key, events that agree in every ``same`` field share a window of their own; ``burst`` decides about each. An event that
lacks one of the fields is the same as nothing and does not count.

Method: one ``burst`` (count-th newest stamp younger than ``within``, exact for late events) for each combination. When there are more than a
key may hold, the combination whose newest event is oldest goes: what is repeated is what is seen again. One that could still have filled its window is counted
and told (``dropped``).

Memory per key: 230 bytes and up to 3 x count stamps of 4 bytes for each combination; at most 24 combinations, fewer (at least 4) where ``count`` is large, so
that 8 kB are not passed up to a count of 140. Cost per observation: 3 us, O(count) when late.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.burst import Burst, Stamps
from rulesd.core.detectors.plain import rows, text, whole
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.core.field import Field
from rulesd.core.labels import label_text
from rulesd.model.alert import INVALID
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds

_BUDGET, _OVERHEAD = 8_000, 230
_LEAST, _MOST = 4, 24


class Tries(dict[str, Stamps]):
    """State of one key: the stamps of each combination."""

    __slots__ = ("lost", "news")

    def __init__(self) -> None:
        """Nothing tried yet."""
        super().__init__()
        self.lost = 0
        "How many combinations went although their window could still have been filled."
        self.news = False
        "Whether the last event cost one."


@lru_cache(maxsize=1024)
def _burst(count: int, within: Milliseconds) -> Burst:
    """Every event asks for it."""
    return Burst(count, within)


@dataclass(frozen=True, slots=True)
class Repeat(Apart):
    """Fires when ``count`` events within ``within`` agree in all of ``same``."""

    same: tuple[Field, ...]
    count: int
    within: Milliseconds

    name: ClassVar[str] = "repeat"
    version: ClassVar[int] = 3
    counts: ClassVar[bool] = True

    @property
    def hold(self) -> Milliseconds:
        """One window."""
        return self.within

    @property
    def _one(self) -> Burst:
        return _burst(self.count, self.within)

    @property
    def most(self) -> int:
        """How many combinations a key holds."""
        return max(_LEAST, min(_MOST, _BUDGET // (_OVERHEAD + 24 * self.count)))

    def start(self, key: tuple[str, ...], at: Instant) -> Tries:
        """Nothing tried yet."""
        return Tries()

    def observe(self, state: Tries, pool: object, seen: Observation) -> Reading | None:
        """Put the event into the window of its combination and say whether that is full."""
        state.news = False
        values = [label_text(f.get(seen.document)) for f in self.same]
        if "" in values or INVALID in values:
            return None
        signature = "\x1f".join(values)
        one = self._one
        stamps = state.get(signature)
        if stamps is None:
            if len(state) >= self.most:
                oldest = min(state, key=lambda s: (state[s].newest, s))
                rests = state[oldest].newest
                if abs(seen.at - rests) < self.within:
                    state.lost += 1
                    state.news = True
                if rests >= seen.at:
                    return None
                del state[oldest]
            stamps = state[signature] = one.start((), seen.at)
        found = one.observe(stamps, None, seen)
        if found is None:
            return None
        detail = {f.label: value for f, value in zip(self.same, values, strict=True)}
        return Reading(
            found.at,
            True,
            found.value,
            found.threshold,
            found.until,
            detail,
            found.since,
            found.causes,
        )

    def dropped(self, state: Tries, pool: object) -> tuple[int, str]:
        """The bound, and what the last event cost."""
        if not state.news:
            return self.most, ""
        return self.most, (
            f"a key keeps {self.most} combinations of {', '.join(f.label for f in self.same)}; "
            f"{state.lost} of this key went before their window was over. Make `by` finer or `same` coarser"
        )

    def current(self, state: Tries, at: Instant) -> float:
        """How often the combination that is tried most lies in the window that ends at ``at``."""
        return max((self._one.current(stamps, at) for stamps in state.values()), default=0.0)

    def forgettable(self, state: Tries, watermark: Instant) -> bool:
        """When every combination is out of every window that could still be completed."""
        newest = max((stamps.newest for stamps in state.values()), default=0)
        return newest + self.within + HOUR <= watermark

    def dump(self, state: Tries) -> Json:
        """Combinations with their stamps, and how many went."""
        kept: list[Json] = [[name, self._one.dump(stamps)] for name, stamps in state.items()]
        return [state.lost, kept]

    def load(self, data: Json) -> Tries:
        """From what ``dump`` gave."""
        out = Tries()
        lost, kept = rows(data)
        out.lost = whole(lost)
        for row in rows(kept):
            signature, stamps = rows(row)
            out[text(signature)] = self._one.load(stamps)
        return out
