from dataclasses import replace
from datetime import UTC, date
from pathlib import Path
from zoneinfo import ZoneInfo

from rulesd.model.instant import DAY
from rulesd.runners.backtest import Outcome
from rulesd.runners.backtest_figures import body, figures, night_of, when
from tests.runners.recorded import outcome


def test_rules_owners_keys_hours_and_the_worst_night(tmp_path: Path) -> None:
    out = outcome(tmp_path)
    got = figures(out, UTC)
    assert [(r.name, r.pages, r.at_night) for r in got.rules] == [("tool.scope", 3, 2)]
    assert [(r.name, r.pages) for r in got.owners] == [("safety", 3)]
    assert got.keys[0].name == "tool.scope tenant=acme tool=mail"
    assert [h for h, n in enumerate(got.hours) if n] == [2, 9, 23]
    assert got.owners[0].hours == got.rules[0].hours == got.hours
    assert got.at_night == 2
    assert got.days == ((date(2026, 1, 5), 2), (date(2026, 1, 6), 1))
    assert got.worst_night is not None
    assert (got.worst_night.began, got.worst_night.pages) == (date(2026, 1, 5), 2)
    assert got.silent == ()
    # Nineteen hours are no week to speak of.
    assert got.pages_a_week is None
    assert body(out, got)["pages_a_week"] is None
    assert figures(replace(out, ended=out.began + 7 * DAY)).pages_a_week == 3.0


def test_nights_are_those_of_the_zone(tmp_path: Path) -> None:
    got = figures(outcome(tmp_path), ZoneInfo("America/Los_Angeles"))
    assert got.worst_night is not None
    assert got.worst_night.began == date(2026, 1, 5 - 1)
    assert got.zone == "America/Los_Angeles"
    assert when(1767603600000, got.clock) == "2026-01-05 01:00"
    assert night_of(1767603600000, ZoneInfo("Asia/Tokyo")) is None


def test_nothing_recorded_is_not_an_error() -> None:
    got = figures(Outcome(name="x", rules=("a.b",)))
    assert (got.pages_a_week, got.days, got.worst_night, got.silent) == (None, (), None, ("a.b",))


def test_as_plain_data(tmp_path: Path) -> None:
    out = outcome(tmp_path)
    plain = body(out, figures(out))
    assert (plain["pages"], plain["firings"], plain["reminders"]) == (3, 3, 0)
    assert isinstance(plain["list"], list)
    assert len(plain["list"]) == 3
    assert (plain["zone"], plain["pages_at_night"]) == ("UTC", 2)
    nothing = Outcome(name="x")
    assert body(nothing, figures(nothing))["from"] is None
