"""A calibration for people and for programs.

Law: a refusal is said first and plainly; no figure without its interval and its source.
"""

from rich.console import Console

from rulesd.core.labels import labels_of
from rulesd.model.duration import format_duration
from rulesd.model.event import Json
from rulesd.model.instant import format_instant
from rulesd.runners.backtest import key_text
from rulesd.runners.calibrate import Calibration, Option
from rulesd.runners.calibrate_inject import HORIZON, Detected
from rulesd.runners.calibrate_kinds import Method
from rulesd.runners.calibrate_traffic import Stretch
from rulesd.runners.calibrate_write import number_text
from rulesd.runners.report_text import line, table

MOST_LISTED = 10

_SOURCES = {
    Method.FORMULA: "scan statistic over keys and hours of the week",
    Method.SHUFFLED: "the detector on shuffled traffic",
    Method.SIMULATED: "the detector on simulated traffic",
    Method.REPLAY: "replay only",
}


def show(console: Console, found: Calibration) -> None:
    """Print it."""
    rule = found.rule
    line(
        console,
        f"{rule.id} ({rule.detector.name}): {found.matched} matching events in {found.weeks:.2f} weeks; {_SOURCES[found.kind.method]}",
    )
    if found.traffic is not None:
        fitted = found.traffic
        line(
            console,
            f"{len(fitted.counts)} keys, {fitted.total / max(found.weeks, 1e-9):.1f} counted a week; rhythm: {_rhythm(fitted.parts, fitted.rhythm)}; dispersion {found.dispersion or 1:.2f}",
        )
    for refusal in found.refusals:
        line(console, f"refused: {refusal}")
    if found.distinct:
        line(
            console,
            f"count different values instead: distinct: {found.distinct} (chance explains those; then run calibrate again)",
        )
    if found.incidents:
        what = "left out" if found.left_out else "found"
        line(console, f"incidents {what}:")
        table(
            console,
            ("key", "from", "to", "events"),
            (_stretch(found, s) for s in found.incidents[:MOST_LISTED]),
        )
    for note in found.notes:
        line(console, f"note: {note}")
    table(
        console,
        ("", found.kind.parameter or "threshold", "false pages a week", "90 %", "past alerts"),
        (_option(o, found) for o in found.options),
    )
    _detected(console, found.detected)
    if said := in_words(found):
        console.print()
        line(console, said)
    if found.past:
        said = "proposed" if found.proposed is not None else "present"
        console.print()
        line(console, f"past alerts of the {said} threshold: {len(found.past)}")
        for fired in found.past[:MOST_LISTED]:
            line(
                console,
                f"  {format_instant(fired.at)} {key_text(fired.labels)} (value {fired.value:g})",
            )


def in_words(found: Calibration) -> str:
    """What the proposed threshold will cost and what it will see, in a sentence or two; empty without one."""
    one, before = found.proposed, next((o for o in found.options if o.label == "now"), None)
    if one is None or one.false_pages is None:
        return ""
    instead = (
        "" if before is None or before.value == one.value else f" (now {number_text(before.value)})"
    )
    cost = f"about {_pages(one.false_pages)} false pages a week by chance, {_pages(one.low)} to {_pages(one.high)} nine times in ten, {_often(one.false_pages)}"
    if not one.false_pages:
        cost = f"no false page by chance in what was tried, nine times in ten at most {_pages(one.high)} a week"
    seen = [d for d in found.detected if 2 * d.seen > d.incidents]
    tells = (
        f"An incident of {seen[0].effect:g} times the usual is seen within {_wait(seen[0].median)}, every second time"
        if seen
        else "Incidents of up to 5 times the usual of one key are mostly not seen in a day"
    )
    tells = f" {tells}." if found.detected else ""
    return f"{found.kind.parameter} {number_text(one.value)}{instead}: {cost}.{tells}"


def _often(a_week: float) -> str:
    """How often that is, as people count."""
    if a_week <= 1 / 520:
        return "less than one in ten years"
    if a_week >= 0.95:
        return "one a week" if a_week < 1.05 else f"one in {7 / a_week:.1f} days"
    weeks = 1 / a_week
    if weeks < 9:
        return f"one in {weeks:.1f} weeks"
    return f"one in {weeks / 4.345:.0f} months" if weeks < 104 else f"one in {weeks / 52:.0f} years"


def _rhythm(parts: int, ratio: float) -> str:
    words = {
        1: "none found",
        24: "hours of the day",
        48: "hours of weekdays and weekends",
        168: "hours of the week",
    }
    quiet = f", busiest hour {ratio:.1f}x the quietest" if parts > 1 and ratio else ""
    return words[parts] + quiet


def _stretch(found: Calibration, s: Stretch) -> tuple[str, str, str, str]:
    names = len(found.rule.by)
    labels = labels_of(found.rule.by, s.key[:names])
    more = " ".join(s.key[names:])
    return (
        f"{key_text(labels)} {more}".strip() or "(no labels)",
        format_instant(s.began),
        format_instant(s.ended),
        str(s.events),
    )


def _option(o: Option, found: Calibration) -> tuple[str, str, str, str, str]:
    value = number_text(o.value) if found.kind.parameter else "-"
    mean = "-" if o.false_pages is None else _pages(o.false_pages)
    return o.label, value, mean, f"{_pages(o.low)} to {_pages(o.high)}", str(o.past)


def _pages(value: float) -> str:
    if 0 < value < 0.001:
        return "<0.001"
    return f"{value:.2f}" if value >= 0.1 or value == 0 else f"{value:.2g}"


def _detected(console: Console, found: list[Detected]) -> None:
    table(
        console,
        ("effect", "seen in a day", "time to detect (median)", "nine of ten within"),
        (
            (
                f"{d.effect:g}x",
                f"{d.seen} of {d.incidents}",
                _wait(d.median),
                _wait(d.slowest),
            )
            for d in found
        ),
    )


def _wait(length: int | None) -> str:
    return f"not in {format_duration(HORIZON)}" if length is None else format_duration(length)


def body(found: Calibration) -> dict[str, Json]:
    """Plain data, for ``--format json``."""
    fitted = found.traffic
    return {
        "rule": found.rule.id,
        "detector": found.rule.detector.name,
        "method": str(found.kind.method),
        "parameter": found.kind.parameter,
        "budget": found.budget,
        "from": format_instant(found.began),
        "to": format_instant(found.ended),
        "weeks": round(found.weeks, 4),
        "matched": found.matched,
        "keys": None if fitted is None else len(fitted.counts),
        "season_parts": None if fitted is None else fitted.parts,
        "season_ratio": None if fitted is None else round(fitted.rhythm, 3),
        "dispersion": None if found.dispersion is None else round(found.dispersion, 4),
        "refusals": list(found.refusals),
        "distinct": found.distinct or None,
        "incidents": [
            {
                "key": list(s.key),
                "from": format_instant(s.began),
                "to": format_instant(s.ended),
                "events": s.events,
            }
            for s in found.incidents
        ],
        "options": [
            {
                "label": o.label,
                "value": o.value,
                "false_pages_a_week": o.false_pages,
                "low": o.low,
                "high": o.high,
                "past_alerts": o.past,
            }
            for o in found.options
        ],
        "time_to_detect": [
            {
                "effect": d.effect,
                "incidents": d.incidents,
                "seen": d.seen,
                "median_s": None if d.median is None else d.median / 1000,
                "nine_of_ten_s": None if d.slowest is None else d.slowest / 1000,
            }
            for d in found.detected
        ],
        "past": [
            {"at": format_instant(f.at), "labels": dict(f.labels), "value": f.value}
            for f in found.past
        ],
        "notes": list(found.notes),
    }
