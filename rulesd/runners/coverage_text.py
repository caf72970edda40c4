"""Coverage as tables in a terminal: branches of rules, risks, blind spots.

Law: what is lacking stands first and is named; totals last.
"""

from collections.abc import Sequence

from rich.console import Console

from rulesd.runners.coverage_risks import Risk
from rulesd.runners.coverage_tests import RuleCoverage
from rulesd.runners.coverage_traffic import BlindSpots
from rulesd.runners.report_text import line, table

MOST_LISTED = 60


def show_tests(console: Console, found: Sequence[RuleCoverage]) -> None:
    """What tests leave out, rule by rule."""
    table(
        console,
        ("rule", "tests", "covered", "not exercised by any test"),
        (
            (
                c.rule,
                f"{c.tests} (+{c.lent})" if c.lent else str(c.tests),
                f"{len(c.branches) - len(c.missing)}/{len(c.branches)}",
                ", ".join(c.missing) or "-",
            )
            for c in found
        ),
    )
    branches = sum(len(c.branches) for c in found)
    missing = sum(len(c.missing) for c in found)
    line(console, f"{branches - missing} of {branches} branches of {len(found)} rules covered")
    if any(c.lent for c in found):
        line(console, "(+n): tests of composites in which the rule is played")


def show_risks(console: Console, found: Sequence[Risk], without: Sequence[str]) -> None:
    """Risk -> rules -> tests -> runbook."""
    table(
        console,
        ("risk", "rule", "tests fire/quiet", "runbook", "gap"),
        (row for risk in found for row in _risk(risk)),
    )
    gaps = [r for r in found if r.gaps]
    if not found:
        line(
            console,
            "no risk is named. Write rules/risks.yaml: risks: {<name>: {title: ...}}, and covers: [<name>] in rules",
        )
    else:
        line(console, f"{len(found) - len(gaps)} of {len(found)} risks covered")
    for risk in gaps:
        line(console, f"uncovered: {risk.name} ({', '.join(risk.gaps)}): {risk.title}")
    if without:
        line(console, f"rules that name no risk: {', '.join(without)}")


def _risk(risk: Risk) -> list[tuple[str, str, str, str, str]]:
    gap = ", ".join(risk.gaps) or "-"
    if not risk.controls:
        return [(risk.name, "-", "-", "-", gap)]
    return [
        (
            risk.name if i == 0 else "",
            c.rule if c.maturity == "stable" else f"{c.rule} ({c.maturity})",
            f"{c.firing_tests}/{c.quiet_tests}",
            c.runbook + ("" if c.first_five else " (no first five minutes)"),
            gap if i == 0 else "",
        )
        for i, c in enumerate(risk.controls)
    ]


def show_traffic(console: Console, found: BlindSpots) -> None:
    """Types, labels and values that nothing watches."""
    line(console, "")
    line(console, f"blind spots in {found.events} events ({found.watched} matched by a rule)")
    if found.refused:
        line(console, f"{found.refused} lines were refused; rulesd replay says why")
    table(
        console,
        ("event type", "events", "matched by a rule"),
        ((t, str(n), str(m) if m else "none: blind spot") for t, (n, m) in found.types.items()),
    )
    rows = [(t, label, str(n)) for (t, label), n in found.unread.items()]
    table(console, ("event type", "label no rule reads", "events"), rows[:MOST_LISTED])
    _more(console, len(rows))
    values = [(la, v, str(n)) for la, vs in found.values.items() for v, n in vs.items()]
    table(console, ("label", "value no rule matched", "events"), values[:MOST_LISTED])
    _more(console, len(values))
    for label, n in sorted(found.beyond.items()):
        line(console, f"{label}: {n} events with further values that were not remembered")


def _more(console: Console, rows: int) -> None:
    if rows > MOST_LISTED:
        line(console, f"and {rows - MOST_LISTED} more (--format json lists all)")
