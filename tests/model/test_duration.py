import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.model.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0", 0),
        ("0s", 0),
        (0, 0),
        ("250ms", 250),
        ("90s", 90_000),
        ("1h30m", 5_400_000),
        ("7d", 604_800_000),
        ("1.5h", 5_400_000),
        (" 5m ", 300_000),
        ("2w", 1_209_600_000),
        ("1y", 31_536_000_000),
    ],
)
def test_parse(text: str | float, length: int) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "5", 5, 5.0, True, False, "m", "5 m", "5m!", "x5m", "-5m", "5mins"]
)
def test_refused_with_what_to_write(text: str | float) -> None:
    with pytest.raises(ValueError, match=r"[Ww]rite"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "0s"),
        (250, "250ms"),
        (1_000, "1s"),
        (90_000, "1m30s"),
        (5_400_000, "1h30m"),
        (90_061_000, "1d1h"),
        (-5, "0s"),
    ],
)
def test_format(length: int, text: str) -> None:
    assert format_duration(length) == text


@given(st.integers(0, 10**12))
def test_the_two_largest_units_are_never_more_than_the_whole(length: int) -> None:
    assert parse_duration(format_duration(length)) <= max(length, 0)
