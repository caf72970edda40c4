"""Alertmanager's time intervals (timeinterval/timeinterval.go): what holds when, and what is refused."""

from typing import Any

import pytest

from rulesd.core.plan import Interval
from rulesd.model.instant import parse_instant
from tests.config.testing import loaded

ROUTE = "route: {receiver: inbox, routes: [{matchers: [a=b], mute_time_intervals: [x]}]}\nreceivers: [{name: inbox}]\n"


def load(part: str, word: str = "time_intervals") -> Any:
    text = f"{word}:\n  - name: x\n    time_intervals:\n      - {part}\n{ROUTE}"
    return loaded({"notifiers/routing.yaml": text})


def interval(part: str, word: str = "time_intervals") -> Interval:
    result = load(part, word)
    assert result.plan is not None, [str(p) for p in result.problems]
    return result.plan.root.routes[0].mute[0]


@pytest.mark.parametrize(
    ("part", "inside", "outside"),
    [
        ("{}", ["2026-01-05T00:00:00Z"], []),
        (
            "{times: [{start_time: '09:00', end_time: '17:00'}]}",
            ["2026-01-05T09:00:00Z", "2026-01-05T16:59:59.999Z"],
            ["2026-01-05T08:59:59.999Z", "2026-01-05T17:00:00Z"],
        ),
        (
            "{times: [{start_time: '00:00', end_time: '06:00'}, {start_time: '22:00', end_time: '24:00'}]}",
            ["2026-01-05T00:00:00Z", "2026-01-05T23:59:59.999Z"],
            ["2026-01-05T06:00:00Z", "2026-01-05T21:59:59Z"],
        ),
        (
            "{weekdays: ['Monday:friday', sunday]}",
            ["2026-01-05T12:00:00Z", "2026-01-09T23:00:00Z", "2026-01-04T00:00:00Z"],
            ["2026-01-03T12:00:00Z", "2026-01-10T12:00:00Z"],
        ),
        (
            "{days_of_month: ['1:3', 15, '-2:-1']}",
            [
                "2026-02-01T00:00:00Z",
                "2026-02-15T00:00:00Z",
                "2026-02-27T00:00:00Z",
                "2028-02-29T00:00:00Z",
            ],
            ["2026-02-04T00:00:00Z", "2026-02-26T00:00:00Z", "2028-02-27T00:00:00Z"],
        ),
        ("{days_of_month: ['29:31']}", ["2026-01-30T00:00:00Z"], ["2026-02-28T00:00:00Z"]),
        ("{days_of_month: ['10:-1']}", ["2026-02-28T00:00:00Z"], ["2026-02-09T00:00:00Z"]),
        ("{days_of_month: ['-31:-1']}", ["2026-02-01T00:00:00Z"], []),
        (
            "{months: ['may:august', 12, December]}",
            ["2026-05-01T00:00:00Z", "2026-08-31T23:00:00Z", "2026-12-01T00:00:00Z"],
            ["2026-04-30T23:59:59Z", "2026-09-01T00:00:00Z"],
        ),
        (
            "{years: ['2026:2027', 2030]}",
            ["2026-01-01T00:00:00Z", "2027-12-31T23:59:59Z", "2030-01-01T00:00:00Z"],
            ["2025-12-31T23:59:59Z", "2028-01-01T00:00:00Z"],
        ),
        (
            "{weekdays: [saturday], times: [{start_time: '00:00', end_time: '24:00'}], months: [january]}",
            ["2026-01-03T12:00:00Z"],
            ["2026-01-04T12:00:00Z", "2026-02-07T12:00:00Z"],
        ),
        ("{weekdays: []}", [], ["2026-01-05T00:00:00Z"]),
        ("{times: []}", [], ["2026-01-05T00:00:00Z"]),
        ("{location: UTC, years: [2026]}", ["2026-01-01T00:00:00Z"], ["2025-12-31T23:59:59Z"]),
        # Berlin is an hour ahead in January, two in July; midnight there is not midnight in UTC.
        (
            "{location: Europe/Berlin, times: [{start_time: '09:00', end_time: '10:00'}]}",
            ["2026-01-05T08:00:00Z", "2026-07-05T07:00:00Z"],
            ["2026-01-05T07:59:00Z", "2026-01-05T09:00:00Z", "2026-07-05T08:00:00Z"],
        ),
        (
            "{location: Australia/Sydney, weekdays: [monday]}",
            ["2026-01-04T13:00:00Z"],
            ["2026-01-05T13:00:00Z"],
        ),
        # The last day of a month in which clocks go forward (Alertmanager before 0.34 takes the day before).
        (
            "{location: America/New_York, days_of_month: [-1]}",
            ["2026-03-31T12:00:00Z"],
            ["2026-03-30T12:00:00Z"],
        ),
    ],
)
def test_what_lies_inside(part: str, inside: list[str], outside: list[str]) -> None:
    covers = interval(part).covers
    assert [t for t in inside if not covers(parse_instant(t))] == []
    assert [t for t in outside if covers(parse_instant(t))] == []


def test_an_interval_holds_when_any_of_its_parts_does() -> None:
    covers = interval("{years: [2026]}\n      - {years: [2028]}").covers
    assert [covers(parse_instant(f"{y}-06-01T00:00:00Z")) for y in (2026, 2027, 2028)] == [
        True,
        False,
        True,
    ]


def test_the_older_list_of_intervals_is_read_too() -> None:
    assert interval("{}", "mute_time_intervals").covers(0)


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ("{times: [{start_time: '9:00', end_time: '17:00'}]}", "'9:00' is no time of day"),
        ("{times: [{start_time: '09:00', end_time: '24:01'}]}", "'24:01' is no time of day"),
        ("{times: [{start_time: '22:00', end_time: '06:00'}]}", "end_time is not after start_time"),
        ("{weekdays: [mon]}", "'mon' is no weekday"),
        ("{weekdays: ['1']}", "'1' is no weekday"),
        ("{weekdays: ['saturday:sunday']}", "'saturday:sunday' runs backwards: the week begins on sunday"),
        ("{weekdays: ['monday:']}", "'' is no weekday"),
        ("{days_of_month: ['1:2:3']}", "'1:2:3' is no range"),
        ("{days_of_month: [0]}", "0 is no day of the month"),
        ("{days_of_month: ['1:32']}", "32 is no day of the month"),
        ("{days_of_month: ['-3:3']}", "'-3:3' begins at the end of the month and ends at its start"),
        ("{days_of_month: ['20:10']}", "'20:10' ends before it begins"),
        ("{days_of_month: [first]}", "'first' is no day of the month"),
        ("{months: ['may:april']}", "'may:april' ends before it begins"),
        ("{months: [maj]}", "'maj' is no month"),
        ("{years: ['2027:2026']}", "'2027:2026' ends before it begins"),
        ("{location: Mars/Olympus}", "'Mars/Olympus' is no time zone"),
        ("{location: Local}", "'Local' is no time zone"),
        ("{location: ../etc}", "'../etc' is no time zone"),
    ],
)  # fmt: skip
def test_what_is_refused_and_where(part: str, problem: str) -> None:
    (found,) = load(part).errors
    assert (found.code, found.problem, found.line) == ("invalid_interval", problem, 4)
    assert found.hint.endswith(".")


def test_a_name_stands_once() -> None:
    text = f"time_intervals: [{{name: x, time_intervals: []}}]\nmute_time_intervals: [{{name: x, time_intervals: []}}]\n{ROUTE}"
    (found,) = loaded({"notifiers/routing.yaml": text}).errors
    assert (found.problem, found.line) == ('the time interval "x" stands twice', 2)
