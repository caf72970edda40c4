"""``change``: a value differs from the last one of its key.

Law: in event time: a late event takes its place between the values that are known, and what it changes there counts. The condition holds for the moment
of the change. A value that is a list or an object reads ``(invalid)``; one that is missing or null is passed over, or reads ``(missing)`` with ``ignore_null: false``.

Method: sights of values in order of event time. Two neighbours that differ are a change; with ``within`` only if they are at most that far apart. One more sight
can only add changes, so the order of arrival does not matter. Kept are 24 sights; beyond that the oldest neighbours of one value become one run with a
first and a last time, and what is older than all is not looked at any more.

Memory per key: 180 bytes a sight, 4.3 kB. Cost per observation: 2 us.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.plain import rows, text, whole
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.core.field import Field
from rulesd.core.labels import label_text
from rulesd.model.alert import MISSING
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds

_RUNS = 24


class Run(NamedTuple):
    """One sight of a value, or several without another between them."""

    first: Instant
    last: Instant
    value: str


_run: Callable[[tuple[Instant, Instant, str]], Run] = partial(tuple.__new__, Run)
"A ``Run`` of its fields without a call of Python: every event makes one or two."

Runs = list[Run]
"State of one key."


@dataclass(frozen=True, slots=True)
class Change(Apart):
    """Fires when the value of ``field`` is another than before."""

    field: Field
    ignore_null: bool = True
    within: Milliseconds | None = None

    name: ClassVar[str] = "change"

    @property
    def hold(self) -> Milliseconds:
        """The window, else an hour."""
        return HOUR if self.within is None else self.within

    def start(self, key: tuple[str, ...], at: Instant) -> Runs:
        """No value yet."""
        return []

    def observe(self, state: Runs, pool: object, seen: Observation) -> Reading | None:
        """Put the value in its place and say whether it makes a change there."""
        value = label_text(self.field.get(seen.document))
        if not value:
            if self.ignore_null:
                return None
            value = MISSING
        at = seen.at
        place = len(state)
        if place and at < state[-1].first:
            place = bisect_right(state, at, key=lambda run: run.first)
        if place == 0 and len(state) >= _RUNS:
            return None
        before = state[place - 1] if place > 0 else None
        after = state[place] if place < len(state) else None
        if before is not None and at <= before.last and value == before.value:
            return None
        if before is not None and at < before.last:
            after = Run(before.last, before.last, before.value)
            before = state[place - 1] = before._replace(last=before.first)
            state.insert(place, after)
        new = _run((at, at, value))
        state.insert(place, new)
        if len(state) > _RUNS:
            _thin(state)
        if after is None:
            return self._change(before, new)
        known = self._change(before, after)
        if known is not None and value in (known.detail or {}).values():
            return None
        return self._change(new, after) or self._change(before, new)

    def _change(self, before: Run | None, after: Run | None) -> Reading | None:
        if before is None or after is None or before.value == after.value:
            return None
        if self.within is not None and after.first - before.last > self.within:
            return None
        detail = {"from": before.value, "to": after.value}
        return Reading(after.first, True, 1.0, None, until=after.first, detail=detail)

    def forgettable(self, state: Runs, watermark: Instant) -> bool:
        """Only with ``within``, when the last value is too old to be compared with."""
        if not state:
            return True
        return self.within is not None and state[-1].last + self.within + HOUR <= watermark

    def dump(self, state: Runs) -> Json:
        """The runs."""
        return [[*run] for run in state]

    def load(self, data: Json) -> Runs:
        """From what ``dump`` gave."""
        out: Runs = []
        for row in rows(data):
            first, last, value = rows(row)
            out.append(Run(whole(first), whole(last), text(value)))
        return out


def _thin(state: Runs) -> None:
    """Make one run of the oldest two neighbours of one value; where there are none, the oldest goes."""
    for i in range(len(state) - 1):
        older, newer = state[i], state[i + 1]
        if older.value == newer.value:
            state[i] = _run((older.first, newer.last, older.value))
            del state[i + 1]
            return
    del state[0]
