from dataclasses import replace
from io import StringIO

import orjson
import pytest
from rich.console import Console

from rulesd.runners.calibrate import Calibration, Option, calibrate
from rulesd.runners.calibrate_inject import Detected
from rulesd.runners.calibrate_kinds import kind_of
from rulesd.runners.calibrate_text import _often, _pages, body, in_words, show
from tests.runners.traffic import BURST, MONDAY, WEEK, World, plan_of, rule_of


def said(world: World, weeks: int = 2) -> tuple[str, dict[str, object]]:
    plan = plan_of(BURST)
    found = calibrate(plan, rule_of(plan), world.events(weeks, 1), MONDAY, MONDAY + weeks * WEEK)
    text = StringIO()
    show(Console(file=text, width=160), found)
    plain = body(found)
    orjson.dumps(plain)
    return text.getvalue(), plain


def test_a_proposal_with_its_interval_and_time_to_detect() -> None:
    text, plain = said(World())
    assert "scan statistic" in text
    assert "rhythm: none found; dispersion 1.0" in text or "dispersion 0.9" in text
    assert "proposed" in text
    assert "1.5x" in text
    assert "false pages a week by chance" in text
    assert plain["refusals"] == []
    assert len(plain["options"]) == 4  # type: ignore[arg-type]


def test_a_refusal_with_what_to_count_instead() -> None:
    text, plain = said(World(clump=3.0))
    assert "refused: dispersion" in text
    assert "distinct: session_id" in text
    assert (plain["options"], plain["distinct"]) == ([], "session_id")


@pytest.mark.parametrize(
    ("a_week", "said"),
    [
        (3.5, "one in 2.0 days"), (1.0, "one a week"), (0.25, "one in 4.0 weeks"), (0.05, "one in 5 months"), (0.005, "one in 4 years"),
        (0.0, "less than one in ten years"),
    ],
)  # fmt: skip
def test_how_often_in_words(a_week: float, said: str) -> None:
    assert _often(a_week) == said


def test_no_figure_is_told_finer_than_anybody_could_use() -> None:
    assert [_pages(x) for x in (0.0, 1e-55, 0.0123, 2.345)] == ["0.00", "<0.001", "0.012", "2.35"]


def test_a_sentence_says_what_it_costs_and_what_it_sees() -> None:
    rule = rule_of(plan_of(BURST))
    found = Calibration(rule=rule, kind=kind_of(rule.detector), budget=0.25, began=0, ended=WEEK, matched=9)  # fmt: skip
    assert in_words(found) == ""
    found.options = [
        Option(label="now", value=6.0, false_pages=0.5),
        Option(label="proposed", value=8.0, false_pages=0.125, low=0.05, high=0.3),
    ]
    cost = "count 8 (now 6): about 0.12 false pages a week by chance, 0.05 to 0.30 nine times in ten, one in 8.0 weeks."
    assert in_words(found) == cost
    found.options[1] = replace(found.options[1], false_pages=0.0)
    assert "no false page by chance in what was tried, nine times in ten at most 0.30 a week." in in_words(found)  # fmt: skip
    slow = Detected(effect=2.0, incidents=24, seen=12, median=None, slowest=None)
    soon = Detected(effect=5.0, incidents=24, seen=24, median=600_000, slowest=1_200_000)
    found.detected = [slow]
    assert in_words(found).endswith("are mostly not seen in a day.")
    found.detected = [slow, soon]
    assert in_words(found).endswith(
        "An incident of 5 times the usual is seen within 10m, every second time."
    )
