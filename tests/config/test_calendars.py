from zoneinfo import ZoneInfo

import pytest

from rulesd.config.calendars import Calendar, names
from rulesd.core.machine import NOT_DUE
from rulesd.model.instant import DAY, HOUR, parse_instant

BERLIN = ZoneInfo("Europe/Berlin")
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n"
T = parse_instant("2026-01-05T00:00:00Z")


def calendar(*events: str, zone: ZoneInfo = BERLIN) -> Calendar:
    body = "".join(
        f"BEGIN:VEVENT\r\nUID:{n}\r\nDTSTAMP:20260101T000000Z\r\n{e}\r\nEND:VEVENT\r\n"
        for n, e in enumerate(events)
    )
    return Calendar(f"{HEAD}{body}END:VCALENDAR\r\n".encode(), zone)


def event(begins: str, ends: str, who: str, more: str = "") -> str:
    return f"DTSTART{begins}\r\nDTEND{ends}\r\nSUMMARY:{who}{more}"


def test_an_event_lasts_from_its_beginning_up_to_its_end() -> None:
    found = calendar(event(":20260105T080000Z", ":20260105T180000Z", "Anna"))
    at = T + 8 * HOUR
    assert [found.at(t) for t in (at - 1, at, at + 10 * HOUR - 1, at + 10 * HOUR)] == [
        [],
        ["Anna"],
        ["Anna"],
        [],
    ]
    assert found.next(T) == at
    assert found.next(at) == at + 10 * HOUR
    assert found.next(at + 10 * HOUR) == NOT_DUE
    assert found.events == 1


def test_times_without_a_zone_and_whole_days_are_the_schedules_own() -> None:
    found = calendar(
        event(":20260106T090000", ":20260106T170000", "Anna"),
        event(";VALUE=DATE:20260107", ";VALUE=DATE:20260108", "Ben"),
    )
    assert found.next(T) == T + DAY + 8 * HOUR
    assert found.at(T + DAY + 23 * HOUR) == ["Ben"]
    assert found.at(T + DAY + 23 * HOUR - 1) == []


def test_a_weekly_event_keeps_its_wall_clock_time_when_clocks_change() -> None:
    found = calendar(
        event(
            ";TZID=Europe/Berlin:20260302T090000",
            ";TZID=Europe/Berlin:20260302T100000",
            "Anna",
            "\r\nRRULE:FREQ=WEEKLY",
        )
    )
    assert found.next(parse_instant("2026-03-23T12:00:00Z")) == parse_instant(
        "2026-03-30T07:00:00Z"
    )
    assert found.at(parse_instant("2027-11-01T08:30:00Z")) == ["Anna"]  # far beyond one block
    assert found.at(parse_instant("2027-11-01T07:30:00Z")) == []


def test_events_that_overlap_are_all_there_and_cancelled_ones_are_not() -> None:
    found = calendar(
        event(":20260105T080000Z", ":20260105T180000Z", "Anna"),
        event(":20260105T090000Z", ":20260105T180000Z", "Ben"),
        event(":20260105T090000Z", ":20260105T180000Z", "Chris", "\r\nSTATUS:CANCELLED"),
    )
    assert found.at(T + 10 * HOUR) == ["Anna", "Ben"]


@pytest.mark.parametrize("text", [b"", b"nothing", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT", b"\xff\xfe"])
def test_what_is_no_calendar_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="no iCalendar file"):
        Calendar(text, BERLIN)


@pytest.mark.parametrize(
    ("summary", "name"),
    [
        ("anna", "anna"),
        ("ANNA", "anna"),
        ("On call: Ben", "ben"),
        ("primary @anna, ben second", "anna"),
        ("mary ann", "mary ann"),
        ("annabel", ""),
        ("", ""),
    ],
)
def test_whom_a_summary_names(summary: str, name: str) -> None:
    assert names({"anna": 1, "ben": 2, "mary ann": 3})(summary) == name
