from io import StringIO
from pathlib import Path

from rich.console import Console

from rulesd.runners.coverage_risks import risks
from rulesd.runners.coverage_tests import Branch, RuleCoverage
from rulesd.runners.coverage_text import show_risks, show_tests, show_traffic
from rulesd.runners.coverage_traffic import blind_spots
from tests.runners.recorded import loaded, recorded


def test_what_is_lacking_is_named(tmp_path: Path) -> None:
    made = loaded(tmp_path)
    assert made.plan is not None
    text = StringIO()
    console = Console(file=text, width=140)
    branches = (Branch(name="fires", covered=True), Branch(name="quiet", covered=False))
    show_tests(console, [RuleCoverage(rule="a.b", path="a", tests=1, branches=branches)])
    show_risks(console, risks({"leak": "A leak"}, made.plan, made.tests), ["tool.scope"])
    show_traffic(console, blind_spots(recorded(), made.plan, made.files))
    said = text.getvalue()
    assert "1 of 2 branches of 1 rules covered" in said
    assert "uncovered: leak (no rule): A leak" in said
    assert "rules that name no risk: tool.scope" in said
    assert "none: blind spot" in said
