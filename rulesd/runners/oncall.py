"""Who is on call, and who stands in: what people may do about it while the daemon runs.

Law: an override names a schedule and people that there are, each with a receiver, and has an end; it is on record with its author before it
is answered for. The files stay as they are, and so do the checks of the files.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import uuid4

from rulesd.core.engine import Engine
from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Plan
from rulesd.model.inputs import OverrideRemoved, OverrideSet
from rulesd.model.instant import DAY, Instant, Milliseconds
from rulesd.model.oncall import OnCallOverride
from rulesd.ports.oncall import OnDuty, OverrideRefusal, OverrideResult
from rulesd.runners.crank import Crank

MOST = 1_000
"Overrides that are not over."

LONGEST: Milliseconds = 366 * DAY
"What lasts longer belongs in the file."

MOST_NAMED = 20
"Names that a refusal lists."


class LocalOnCall:
    """Implements ``rulesd.ports.oncall.OnCall``."""

    def __init__(self, crank: Crank) -> None:
        """``crank`` turns the engine that holds the overrides."""
        self._crank = crank

    @property
    def _engine(self) -> Engine:
        return self._crank.engine

    def who(self, at: Instant) -> Sequence[OnDuty]:
        """Every schedule at an instant, by name."""
        plan = self._engine.plan
        out: list[OnDuty] = []
        for name, schedule in sorted(plan.schedules.items()):
            until = schedule.next_change(at)
            out.append(
                OnDuty(
                    schedule=name,
                    zone=schedule.zone,
                    people=schedule.on_call(at),
                    until=until if until < NOT_DUE else None,
                    owners=tuple(o.name for o in plan.owners.values() if o.schedule == name),
                    override=self._deciding(name, at),
                )
            )
        return out

    def _deciding(self, schedule: str, at: Instant) -> str:
        """The last one made that speaks of this instant, and of people there are."""
        people = self._engine.plan.people
        for row in reversed(self._engine.paging.stand_ins.rows.values()):
            if row.schedule == schedule and row.holds(at) and any(p in people for p in row.people):
                return row.id
        return ""

    def zone(self, schedule: str) -> str:
        """The time zone people read a schedule in."""
        found = self._engine.plan.schedules.get(schedule)
        return "UTC" if found is None else found.zone

    def overrides(self) -> Sequence[OnCallOverride]:
        """Every override that is not over, by its beginning."""
        now = self._instant()
        rows = self._engine.paging.stand_ins.rows.values()
        return sorted((r for r in rows if now < r.ends), key=lambda r: (r.begins, r.made_at, r.id))

    async def override(self, wish: OnCallOverride) -> OverrideResult:
        """Make one; durable when it returns."""
        now = self._instant()
        wish = replace(wish, begins=max(wish.begins, now), made_at=now)
        refused = self._check(wish, now)
        if refused is not None:
            return refused
        for row in self.overrides():
            if _same(row, wish, now):
                return OverrideResult(override=row, already=True)
        made = replace(wish, id=uuid4().hex[:12])
        await self._crank.act(OverrideSet(override=made))
        return OverrideResult(override=made)

    async def remove(self, override: str, by: str) -> bool:
        """Take one back, or end it now; durable when it returns."""
        if not any(row.id == override for row in self.overrides()):
            return False
        await self._crank.act(OverrideRemoved(id=override, by=by))
        return True

    def _instant(self) -> Instant:
        return max(self._crank.clock.now(), self._engine.now)

    def _check(self, wish: OnCallOverride, now: Instant) -> OverrideResult | None:
        plan = self._engine.plan
        if wish.schedule not in plan.schedules:
            there = _listed(plan.schedules)
            return _no(OverrideRefusal.SCHEDULE, f"there is no such schedule. There are: {there}")
        for name in wish.people:
            if said := _cannot(plan, name):
                return said
        if wish.ends <= now:
            return _no(OverrideRefusal.PAST, "its end is in the past. Say an end in the future")
        if wish.ends <= wish.begins:
            return _no(OverrideRefusal.TIMES, "it ends before it begins. Swap from and until")
        if wish.ends - wish.begins > LONGEST:
            words = "it lasts longer than a year. Write it in owners.yaml"
            return _no(OverrideRefusal.LONG, words)
        if len(self.overrides()) >= MOST:
            words = f"there are {MOST:,} overrides. Remove some that are no longer needed"
            return _no(OverrideRefusal.LIMIT, words)
        return None


def _cannot(plan: Plan, name: str) -> OverrideResult | None:
    person = plan.people.get(name)
    if person is None:
        there = _listed(plan.people)
        words = f"there is nobody of this name in owners.yaml. There are: {there}"
        return _no(OverrideRefusal.PERSON, words)
    if not person.receivers.get("default"):
        words = f"{name} has no default receiver, so nobody would be paged. Give them one in owners.yaml"
        return _no(OverrideRefusal.RECEIVER, words)
    return None


def _same(row: OnCallOverride, wish: OnCallOverride, now: Instant) -> bool:
    """Whether it says what is said already; one that goes on is compared from now on."""
    begins = max(row.begins, now)
    said = (row.schedule, row.people, begins, row.ends)
    return said == (wish.schedule, wish.people, wish.begins, wish.ends)


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return (", ".join(found[:MOST_NAMED]) or "none") + more


def _no(refused: OverrideRefusal, message: str) -> OverrideResult:
    return OverrideResult(refused=refused, message=message)
