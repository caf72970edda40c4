import pytest

from rulesd.model.instant import format_instant, parse_instant


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-05T09:00:00Z", 1_767_603_600_000),
        ("2026-01-05T10:00:00.123456+01:00", 1_767_603_600_123),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_parse(text: str, at: int) -> None:
    assert parse_instant(text) == at


@pytest.mark.parametrize(
    "text", ["2026-01-05", "2026-01-05T09:00:00", "yesterday", "", "2026-13-01T00:00:00Z"]
)
def test_parse_refuses_what_has_no_date_time_and_zone(text: str) -> None:
    with pytest.raises(ValueError):
        parse_instant(text)


@pytest.mark.parametrize(
    "at", [0, 1, 999, 1_767_603_600_123, -1, -62_135_596_800_000, 253_402_300_799_999]
)
def test_what_is_written_is_read_back(at: int) -> None:
    text = format_instant(at)
    assert len(text) == 24
    assert text.endswith("Z")
    assert parse_instant(text) == at


def test_times_outside_the_calendar_are_clamped_and_still_written() -> None:
    assert format_instant(1 << 62) == "9999-12-31T23:59:59.999Z"
    assert format_instant(-(1 << 62)) == "0001-01-01T00:00:00.000Z"
