"""``rulesd check --coverage``: risks, and the blind spots of recorded traffic.

Law: a set with errors has no coverage to show; that is said, not guessed.
"""

from collections.abc import Sequence

import typer

from rulesd.config import Loaded
from rulesd.runners import coverage_risks, coverage_traffic
from rulesd.runners.coverage_risks import Risk
from rulesd.runners.coverage_traffic import BlindSpots


def body(loaded: Loaded, traffic: Sequence[str]) -> dict[str, object]:
    """As plain data; empty for a set with errors."""
    if loaded.plan is None:
        return {}
    out: dict[str, object] = dict(coverage_risks.body(_risks(loaded), loaded.plan))
    if traffic:
        out["traffic"] = coverage_traffic.body(_spots(loaded, traffic))
    return out


def show(loaded: Loaded, traffic: Sequence[str]) -> None:
    """As tables."""
    from rulesd.runners.coverage_text import show_risks, show_traffic
    from rulesd.runners.report_text import terminal

    if loaded.plan is None:
        typer.echo("no coverage is shown while the rules have errors")
        return
    console = terminal()
    show_risks(console, _risks(loaded), coverage_risks.uncontrolled(loaded.plan))
    if traffic:
        show_traffic(console, _spots(loaded, traffic))


def _risks(loaded: Loaded) -> list[Risk]:
    assert loaded.plan is not None
    return coverage_risks.risks(loaded.risks or {}, loaded.plan, loaded.tests)


def _spots(loaded: Loaded, traffic: Sequence[str]) -> BlindSpots:
    from rulesd.cli.recording import recording

    assert loaded.plan is not None
    with recording(list(traffic), None) as recorded:
        return coverage_traffic.blind_spots(recorded, loaded.plan, loaded.files)
