"""Cron lines over changes of the clock."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.config.schedule import schedule
from rulesd.model.instant import DAY, HOUR, MINUTE, format_instant, parse_instant


def times(line: str, start: str, number: int) -> list[str]:
    after = schedule(line)
    at = parse_instant(start)
    out = []
    for _ in range(number):
        at = after(at)
        out.append(format_instant(at)[:16])
    return out


def test_a_line_is_in_utc_unless_it_names_a_zone() -> None:
    assert times("0 3 * * *", "2026-01-05T03:00:00Z", 2) == ["2026-01-06T03:00", "2026-01-07T03:00"]
    assert times("CRON_TZ=Asia/Tokyo 0 3 * * *", "2026-01-05T03:00:00Z", 1) == ["2026-01-05T18:00"]


def test_a_time_that_exists_twice_is_due_once() -> None:
    found = times("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-24T12:00:00Z", 3)
    assert found == ["2026-10-25T00:30", "2026-10-26T01:30", "2026-10-27T01:30"]
    between = times("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-25T01:10:00Z", 1)
    assert between == ["2026-10-26T01:30"]


def test_a_time_that_does_not_exist_is_due_when_the_gap_ends() -> None:
    line = "CRON_TZ=Europe/Berlin 30 2 * * *"
    for start in ("2026-03-28T12:00:00Z", "2026-03-29T00:59:59Z"):
        assert times(line, start, 2) == ["2026-03-29T01:00", "2026-03-30T00:30"]
    assert times(line, "2026-03-29T01:00:00Z", 1) == ["2026-03-30T00:30"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("every day", "is no cron line"),
        ("* * * * * *", "is no cron line"),
        ("61 * * * *", "is no cron line"),
        ("0 0 30 2 *", "never comes"),
        ("CRON_TZ=Mars/Olympus 0 0 * * *", "is no time zone"),
        ("CRON_TZ=../etc 0 0 * * *", "is no time zone"),
    ],
)
def test_what_is_no_schedule_says_what_to_write(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        schedule(line)


@given(
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 365 * 24 * 60),
    st.integers(1, 3 * 24 * 60),
)
def test_a_daily_time_comes_once_a_local_day_in_order(
    zone: str, hour: int, minute: int, start: int, more: int
) -> None:
    after = schedule(f"CRON_TZ={zone} {minute} {hour} * * *")
    at = parse_instant("2026-01-01T00:00:00Z") + start * MINUTE
    first = after(at)
    assert at < first <= at + DAY + 2 * HOUR
    assert after(at + more * MINUTE) >= first
    days = []
    for _ in range(4):
        at = after(at)
        moment = datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
        days.append(moment.date())
        wanted = moment.replace(hour=hour, minute=minute, fold=0, tzinfo=None)
        off = abs(moment.replace(tzinfo=None) - wanted)
        assert off <= timedelta(hours=1)
    assert days == [days[0] + timedelta(days=n) for n in range(4)]
