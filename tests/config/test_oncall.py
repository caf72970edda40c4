from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.config.calendars import Calendar, names
from rulesd.config.oncall import (
    MOST_TURNS,
    Duty,
    Events,
    Hours,
    Overrides,
    Periods,
    Rota,
    Table,
    Turns,
    moment,
    turns,
    window,
)
from rulesd.core.machine import NOT_DUE
from rulesd.model.instant import DAY, HOUR, Instant, format_instant, parse_instant

BERLIN = ZoneInfo("Europe/Berlin")
UTC = ZoneInfo("UTC")


def rota(**fields: Any) -> Rota:
    return Rota.model_validate({"people": ["anna", "ben"], "from": "2026-01-05T09:00", **fields})


def z(text: str) -> Instant:
    return parse_instant(text)


def changes(duty: Duty | Turns, at: Instant, many: int) -> list[tuple[str, tuple[str, ...]]]:
    d = duty if isinstance(duty, Duty) else Duty([duty])
    out = []
    for _ in range(many):
        at = d.next_change(at)
        out.append((format_instant(at)[:16], d.on_call(at)))
    return out


def test_people_take_turns_by_the_week_at_the_time_of_the_first_turn() -> None:
    made = turns(rota(), BERLIN)
    assert made.at(z("2026-01-05T07:59:59Z")) == ()
    assert changes(made, 0, 3) == [
        ("2026-01-05T08:00", ("anna",)),
        ("2026-01-12T08:00", ("ben",)),
        ("2026-01-19T08:00", ("anna",)),
    ]


def test_a_hand_over_keeps_the_wall_clock_time_when_clocks_change() -> None:
    made = turns(rota(handover="daily"), BERLIN)
    assert [at for at, _ in changes(made, z("2026-03-27T12:00:00Z"), 3)] == [
        "2026-03-28T08:00",
        "2026-03-29T07:00",
        "2026-03-30T07:00",
    ]


def test_a_hand_over_at_a_time_that_exists_twice_happens_once_and_one_that_does_not_exist_happens() -> (
    None
):
    made = turns(rota(**{"from": "2026-01-05T02:30"}, handover="daily"), BERLIN)
    autumn = changes(made, z("2026-10-23T23:00:00Z"), 3)
    assert [at for at, _ in autumn] == ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]
    spring = changes(made, z("2026-03-28T00:00:00Z"), 3)
    assert [at for at, _ in spring] == ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]
    assert {who for _, who in spring} == {("anna",), ("ben",)}


def test_a_cron_line_may_say_when_people_hand_over() -> None:
    made = turns(rota(people=["a", "b", "c"], handover="0 9 * * 1,4"), UTC)
    assert changes(made, z("2026-01-05T10:00:00Z"), 3) == [
        ("2026-01-08T09:00", ("b",)),
        ("2026-01-12T09:00", ("c",)),
        ("2026-01-15T09:00", ("a",)),
    ]
    with_zone = turns(rota(handover="CRON_TZ=Asia/Tokyo 0 9 * * *"), UTC)
    assert changes(with_zone, z("2026-01-06T10:00:00Z"), 1) == [("2026-01-07T00:00", ("anna",))]


def test_hours_limit_a_rota_and_may_pass_midnight() -> None:
    made = turns(
        rota(people=["anna"], hours={"days": "mon-fri", "from": "09:00", "to": "17:00"}), UTC
    )
    assert changes(made, z("2026-01-09T12:00:00Z"), 2) == [
        ("2026-01-09T17:00", ()),
        ("2026-01-12T09:00", ("anna",)),
    ]
    night = turns(
        rota(people=["anna"], hours=[{"days": "fri", "from": "22:00", "to": "06:00"}]), UTC
    )
    assert changes(night, z("2026-01-09T12:00:00Z"), 3) == [
        ("2026-01-09T22:00", ("anna",)),
        ("2026-01-10T06:00", ()),
        ("2026-01-16T22:00", ("anna",)),
    ]


def test_the_first_layer_in_which_somebody_serves_decides() -> None:
    day = turns(rota(people=["anna"], hours=[{"from": "08:00", "to": "20:00"}]), UTC)
    night = turns(rota(people=["zoe"]), UTC)
    away = Overrides(
        [
            (z("2026-01-06T10:00:00Z"), z("2026-01-06T14:00:00Z"), ("chris",)),
            (z("2026-01-06T12:00:00Z"), z("2026-01-06T13:00:00Z"), ("dan", "eva")),
        ]
    )
    assert changes(Duty([away, day, night]), z("2026-01-06T01:00:00Z"), 6) == [
        ("2026-01-06T08:00", ("anna",)),
        ("2026-01-06T10:00", ("chris",)),
        ("2026-01-06T12:00", ("dan", "eva")),
        ("2026-01-06T13:00", ("chris",)),
        ("2026-01-06T14:00", ("anna",)),
        ("2026-01-06T20:00", ("zoe",)),
    ]


def test_a_schedule_that_never_changes_says_so() -> None:
    assert (
        Duty([turns(rota(people=["anna"]), UTC)]).next_change(z("2026-02-01T00:00:00Z")) == NOT_DUE
    )
    assert Duty([Overrides([])]).next_change(0) == NOT_DUE
    assert Duty([]).next_change(0) == NOT_DUE


def test_a_calendar_is_a_layer_of_the_people_its_events_name() -> None:
    text = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"
        "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260105T080000Z\r\n"
        "DTEND:20260106T080000Z\r\nSUMMARY:On call: Anna\r\nEND:VEVENT\r\n"
        "BEGIN:VEVENT\r\nUID:2\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260105T080000Z\r\n"
        "DTEND:20260106T080000Z\r\nSUMMARY:Birthday\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    layer = Events(Calendar(text.encode(), UTC), names({"anna": 1}))
    assert changes(Duty([layer]), z("2026-01-01T00:00:00Z"), 2) == [
        ("2026-01-05T08:00", ("anna",)),
        ("2026-01-06T08:00", ()),
    ]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("mon", (0,)),
        ("Fri-Mon", (0, 4, 5, 6)),
        ("tue,thursday", (1, 3)),
        ("mon-sun", tuple(range(7))),
    ],
)
def test_days_of_the_week(days: str, expected: tuple[int, ...]) -> None:
    assert window(Hours(days=days)).days == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"days": "someday"},
        {"from": "9"},
        {"from": "09:0"},
        {"to": "24:01"},
        {"to": "10:60"},
        {"to": "x:10"},
    ],
)
def test_hours_that_are_none(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="Write"):
        window(Hours.model_validate(fields))


def test_a_moment_is_on_the_schedules_wall_clock_unless_it_says_where() -> None:
    assert moment("2026-01-05T09:00", BERLIN) == z("2026-01-05T08:00:00Z")
    assert moment("2026-01-05T09:00:00Z", BERLIN) == z("2026-01-05T09:00:00Z")
    for bad in ("2026-01-05", "soon", ""):
        with pytest.raises(ValueError, match="Write 2026-01-05T09:00"):
            moment(bad, BERLIN)


@given(
    st.integers(0, 400 * 24),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.sampled_from(["daily", "weekly", "0 2 * * *"]),
)
def test_nobody_is_skipped_and_nothing_changes_between_two_changes(
    hour: int, zone: str, handover: str
) -> None:
    made = turns(rota(people=["a", "b", "c"], handover=handover), ZoneInfo(zone))
    duty = Duty([made])
    at = z("2026-01-06T12:00:00Z") + hour * HOUR
    then = duty.next_change(at)
    assert at < then <= at + 7 * DAY + HOUR
    who = duty.on_call(at)[0]
    assert duty.on_call(then - 1) == (who,)
    assert duty.on_call(then)[0] == {"a": "b", "b": "c", "c": "a"}[who]
    # Asked in another order, the answer is the same.
    assert Duty([turns(rota(people=["a", "b", "c"], handover=handover), ZoneInfo(zone))]).on_call(
        at
    ) == (who,)


def test_a_rota_that_began_long_ago_is_looked_up_and_not_counted_through() -> None:
    old = rota(**{"from": "1990-01-01T09:00"}, handover="daily")
    made = turns(old, BERLIN)
    cron = turns(rota(**{"from": "2024-01-01T09:00"}, handover="0 9 * * *"), BERLIN)
    at = z("2026-01-05T12:00:00Z")
    assert made.next(at) == cron.next(at) == z("2026-01-06T08:00:00Z")
    assert Periods(moment_local(), 1, BERLIN).upto(0) == 0


def moment_local() -> datetime:
    return datetime(2026, 1, 5, 9)  # noqa: DTZ001 - a wall clock


def test_a_table_ends() -> None:
    table = Table(0, lambda at: at + 1)
    assert table.upto(MOST_TURNS + 5) == MOST_TURNS
    assert table.begin(MOST_TURNS) == NOT_DUE
    assert Turns(("a",), table, (), UTC).next(MOST_TURNS + 5) == NOT_DUE


@given(st.integers(0, 300 * 24 * 4), st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]), st.sampled_from(["02:30", "01:30", "09:00", "00:00"]), st.sampled_from([("daily", "* * *"), ("weekly", "* * 1")]))  # fmt: skip
def test_daily_and_weekly_are_what_the_cron_lines_would_be(
    quarter: int, zone: str, time: str, handover: tuple[str, str]
) -> None:
    word, line = handover
    hour, minute = time.split(":")
    where, at = ZoneInfo(zone), z("2026-01-06T12:00:00Z") + quarter * HOUR // 4
    start = f"2026-01-05T{time}"  # a Monday
    by_word = turns(rota(**{"from": start}, handover=word), where)
    by_line = turns(rota(**{"from": start}, handover=f"{int(minute)} {int(hour)} {line}"), where)
    assert (by_word.at(at), by_word.next(at)) == (by_line.at(at), by_line.next(at))
