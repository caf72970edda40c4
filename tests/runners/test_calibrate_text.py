from io import StringIO

import orjson
from rich.console import Console

from rulesd.runners.calibrate import calibrate
from rulesd.runners.calibrate_text import body, show
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
    assert plain["refusals"] == []
    assert len(plain["options"]) == 4  # type: ignore[arg-type]


def test_a_refusal_with_what_to_count_instead() -> None:
    text, plain = said(World(clump=3.0))
    assert "refused: dispersion" in text
    assert "distinct: session_id" in text
    assert (plain["options"], plain["distinct"]) == ([], "session_id")
