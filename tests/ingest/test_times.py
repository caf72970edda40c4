from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.ingest.times import read_time
from rulesd.model.instant import format_instant, parse_instant


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2026-01-05T09:00:00Z", "2026-01-05T09:00:00.000Z"),
        ("2026-01-05T09:00:00.123456789Z", "2026-01-05T09:00:00.123Z"),
        ("2026-01-05T09:00:00.9999999Z", "2026-01-05T09:00:00.999Z"),
        ("2026-01-05t09:00:00.5z", "2026-01-05T09:00:00.500Z"),
        ("2026-01-05 09:00:00Z", "2026-01-05T09:00:00.000Z"),
        ("2026-01-05T09:00:00+02:00", "2026-01-05T07:00:00.000Z"),
        ("2026-01-05T23:30:00.25-01:30", "2026-01-06T01:00:00.250Z"),
        ("2026-01-05T09:00:00-00:00", "2026-01-05T09:00:00.000Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_what_rfc_3339_allows(text: str, same_as: str) -> None:
    for _ in range(2):
        assert format_instant(read_time(text)) == same_as


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-05",
        "2026-01-05T09:00Z",
        "2026-01-05T09:00:00",
        "2026-01-05T09:00:00,5Z",
        "2026-01-05T09:00:00.Z",
        "2026-01-05T09:00:00+0200",
        "2026-01-05T24:00:00Z",
        "2026-01-05T09:00:61Z",
        "2026-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-W01-1T09:00:00Z",
        "20260105T090000Z",
        "2026-01-05T09:00:00Z\n",
        " 2026-01-05T09:00:00Z",
        "٢٠٢٦-01-05T09:00:00Z",
        "2026-01-05T09:00:00." + "1" * 500 + "Z",
    ],
)
def test_what_it_does_not(text: str) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match=r"RFC 3339|day|month|year"):
            read_time(text)


@given(st.datetimes(), st.sampled_from(["milliseconds", "microseconds", "seconds"]))
def test_it_agrees_with_the_model(moment: datetime, precision: str) -> None:
    text = moment.isoformat(timespec=precision) + "Z"
    assert read_time(text) == parse_instant(text)


def test_the_table_of_hours_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesd.ingest.times._TABLE_LIMIT", 5)
    monkeypatch.setattr("rulesd.ingest.times._hours", hours := {})
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for hour in range(50):
        text = f"{start + timedelta(hours=hour):%Y-%m-%dT%H:%M:%S}.000Z"
        assert format_instant(read_time(text)) == text
    assert len(hours) <= 5
