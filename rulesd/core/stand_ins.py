"""On-call overrides that people make while the daemon runs: they go before the files, for their time, and are forgotten after it.

Law: pure. A schedule with a stand-in is a schedule like any other, so whoever asks who is on call needs to know nothing of overrides. Of
several the last one made wins; one whose people are no longer in the files changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace

from rulesd.core.machine import NOT_DUE
from rulesd.core.people import Schedule
from rulesd.core.plan import Plan
from rulesd.model.event import Json
from rulesd.model.inputs import Input, OverrideRemoved, OverrideSet
from rulesd.model.instant import Instant
from rulesd.model.oncall import OnCallOverride

MOST_STEPS = 2_000
"Boundaries that are looked at for the next one at which somebody else takes over."


class StandIns:
    """Every override that is not over."""

    def __init__(self) -> None:
        """Start with none."""
        self.rows: dict[str, OnCallOverride] = {}
        "By id, in the order in which they were made."

    @property
    def due(self) -> Instant:
        """When the next one is over."""
        return min((row.ends for row in self.rows.values()), default=NOT_DUE)

    def take(self, item: Input, now: Instant) -> str | None:
        """Take what a person did; the schedule of which it was said, ``None`` when nothing changed."""
        match item:
            case OverrideSet():
                row = item.override
                if now >= row.ends:
                    return None
                self.rows.pop(row.id, None)
                self.rows[row.id] = row
                return row.schedule
            case OverrideRemoved():
                gone = self.rows.pop(item.id, None)
                return None if gone is None else gone.schedule
            case _:
                return None

    def forget(self, now: Instant) -> None:
        """Drop what is over."""
        for id_ in [id_ for id_, row in self.rows.items() if row.ends <= now]:
            del self.rows[id_]

    def over(self, plan: Plan) -> Plan:
        """The plan of the files, with whoever stands in."""
        found: dict[str, list[OnCallOverride]] = {}
        for row in self.rows.values():
            if row.schedule in plan.schedules and any(p in plan.people for p in row.people):
                found.setdefault(row.schedule, []).append(row)
        if not found:
            return plan
        schedules = {
            name: with_stand_ins(plan.schedules[name], rows, plan.people)
            for name, rows in found.items()
        }
        return replace(plan, schedules={**plan.schedules, **schedules})

    def dump(self) -> Json:
        """Plain data."""
        return [{**asdict(row), "people": list(row.people)} for row in self.rows.values()]

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, list)
        for each in data:
            assert isinstance(each, dict)
            people = each["people"]
            assert isinstance(people, list)
            row = OnCallOverride(**{**each, "people": tuple(map(str, people))})  # type: ignore[arg-type]
            self.rows[row.id] = row


def with_stand_ins(
    schedule: Schedule, rows: Sequence[OnCallOverride], people: Mapping[str, object]
) -> Schedule:
    """A schedule with overrides, the last one made first."""
    kept = tuple((row, tuple(p for p in row.people if p in people)) for row in rows)

    def on_call(at: Instant) -> tuple[str, ...]:
        for row, names in reversed(kept):
            if row.holds(at):
                return names
        return schedule.on_call(at)

    edges = sorted({edge for row, _ in kept for edge in (row.begins, row.ends)})
    return replace(schedule, on_call=on_call, next_change=_changes(schedule, on_call, edges))


def _changes(
    schedule: Schedule, on_call: Callable[[Instant], tuple[str, ...]], edges: Sequence[Instant]
) -> Callable[[Instant], Instant]:
    """When somebody else is on call: looked for where the schedule changes and where an override begins or ends."""

    def next_change(at: Instant) -> Instant:
        now, there = on_call(at), at
        for _ in range(MOST_STEPS):
            edge = next((e for e in edges if e > there), NOT_DUE)
            there = min(schedule.next_change(there), edge)
            if there >= NOT_DUE or on_call(there) != now:
                return there
        return NOT_DUE

    return next_change
