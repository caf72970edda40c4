"""Overrides: before the files, for their time, the last one made first."""

from rulesd.core.machine import NOT_DUE
from rulesd.core.people import Schedule
from rulesd.core.plan import Plan
from rulesd.core.stand_ins import MOST_STEPS, StandIns
from rulesd.model.inputs import HumansOnly, OverrideRemoved, OverrideSet
from rulesd.model.instant import HOUR
from tests.core.crew import crew, shifts
from tests.core.plans import T0
from tests.model.test_oncall import override

PLAN = crew(schedule="main", schedules={"main": shifts("anna", "ben"), "other": shifts("anna")})
SHIFT = 12 * HOUR


def standing(*rows: tuple[int, int, str], schedule: str = "main") -> StandIns:
    made = StandIns()
    for n, (begins, ends, who) in enumerate(rows):
        item = override(
            id=f"o{n}",
            schedule=schedule,
            people=(who,),
            begins=T0 + begins * HOUR,
            ends=T0 + ends * HOUR,
        )
        assert made.take(OverrideSet(override=item), T0) == schedule
    return made


def main(made: StandIns, plan: Plan = PLAN) -> Schedule:
    return made.over(plan).schedules["main"]


def who(schedule: Schedule, *hours: float) -> list[str]:
    return [",".join(schedule.on_call(T0 + round(h * HOUR))) for h in hours]


def changes(schedule: Schedule, start: float, count: int) -> list[float]:
    out, at = [], T0 + round(start * HOUR)
    for _ in range(count):
        at = schedule.next_change(at)
        out.append(at if at >= NOT_DUE else (at - T0) / HOUR)
    return out


def test_it_goes_before_the_schedule_for_its_time() -> None:
    made = main(standing((2, 4, "ben")))
    assert who(made, 1.9, 2, 3.9, 4, 13) == ["anna", "ben", "ben", "anna", "ben"]
    assert changes(made, 0, 4) == [2, 4, 12, 24]
    assert made.zone == "UTC"


def test_of_several_the_last_one_made_wins() -> None:
    made = main(standing((2, 8, "ben"), (3, 4, "nemo"), (20, 21, "anna")))
    assert who(made, 2, 3, 4, 8, 20) == ["ben", "nemo", "ben", "anna", "anna"]
    assert changes(made, 0, 6) == [2, 3, 4, 8, 12, 20]


def test_a_change_of_the_schedule_beneath_it_is_no_change() -> None:
    made = main(standing((10, 14, "nemo")))
    assert changes(made, 0, 3) == [10, 14, 24]
    # Ben stands in until his own shift begins: nobody takes over.
    made = main(standing((6, 12, "ben")))
    assert changes(made, 0, 2) == [6, 24]


def test_a_schedule_that_never_changes() -> None:
    made = standing((1, 2, "ben"), schedule="other").over(PLAN).schedules["other"]
    assert changes(made, 0, 3)[:2] == [1, 2]
    assert made.next_change(T0 + 2 * HOUR) >= NOT_DUE


def test_boundaries_without_a_change_are_looked_at_up_to_a_limit() -> None:
    endless = Schedule(name="main", on_call=lambda at: ("anna",), next_change=lambda at: at + 1)
    plan = crew(schedules={"main": endless})
    made = main(standing((2, 3, "anna")), plan)
    assert made.next_change(T0 + 10 * HOUR) == NOT_DUE
    assert MOST_STEPS >= 1_000


def test_people_and_schedules_that_are_gone_change_nothing() -> None:
    assert standing((1, 2, "stranger")).over(PLAN) is PLAN
    assert standing((1, 2, "ben"), schedule="gone").over(PLAN) is PLAN
    both = StandIns()
    item = override(people=("stranger", "ben"), begins=T0, ends=T0 + HOUR)
    both.take(OverrideSet(override=item), T0)
    assert who(main(both), 0) == ["ben"]
    late = main(standing((1, 2, "ben"), (1, 2, "stranger")))
    assert who(late, 1) == ["ben"]


def test_it_is_taken_back_changed_and_forgotten() -> None:
    made = standing((2, 4, "ben"), (3, 5, "nemo"))
    assert made.due == T0 + 4 * HOUR
    assert made.take(OverrideRemoved(id="o1", by="ana"), T0) == "main"
    assert made.take(OverrideRemoved(id="o1", by="ana"), T0) is None
    assert who(main(made), 3, 4) == ["ben", "anna"]
    again = override(id="o0", people=("nemo",), begins=T0, ends=T0 + HOUR)
    assert made.take(OverrideSet(override=again), T0) == "main"
    assert list(made.rows.values()) == [again]
    made.forget(T0 + HOUR - 1)
    assert made.rows
    made.forget(T0 + HOUR)
    assert made.rows == {}
    assert made.due == NOT_DUE
    assert made.over(PLAN) is PLAN


def test_one_that_is_over_when_it_comes_is_nothing() -> None:
    made = StandIns()
    assert made.take(OverrideSet(override=override(begins=1, ends=T0)), T0) is None
    assert made.take(HumansOnly(on=True, by="ana"), T0) is None
    assert made.rows == {}


def test_what_is_kept_over_a_restart() -> None:
    made, again = standing((2, 4, "ben"), (3, 5, "nemo")), StandIns()
    again.load(made.dump())
    assert again.rows == made.rows
    assert list(again.rows) == list(made.rows)
