"""Silences as people read them in a terminal.

Law: nothing is left out that would change somebody's mind: whom it hides from, until when, what it has hidden, and what pages all the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

Shown = Mapping[str, Any]
"A silence, or a preview, as the API shows it."

SHORT = 8
"Characters of an id that a table shows; commands take them for the whole."

_COLOURS = {"active": "green", "pending": "yellow", "expired": "dim"}


def moment(text: str | None) -> str:
    """``2026-01-05T09:00:00.000Z`` as ``2026-01-05 09:00 UTC``."""
    return f"{text[:10]} {text[11:16]} UTC" if text else ""


def matchers(silence: Shown) -> str:
    """All of them in a line."""
    return " ".join(silence["matchers"])


def table(silences: Sequence[Shown]) -> Table:
    """The inventory: who, until when, what it hides now, what it has held back."""
    out = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("SILENCE", "STATE"):
        out.add_column(name, no_wrap=True)
    for name in ("MATCHERS", "BY", "UNTIL"):
        out.add_column(name, overflow="fold")
    for name in ("HIDES NOW", "HELD BACK"):
        out.add_column(name, justify="right")
    out.add_column("COMMENT", overflow="fold")
    for one in silences:
        colour = _COLOURS.get(one["state"], "")
        state = f"[{colour}]{one['state']}[/]" if colour else one["state"]
        out.add_row(
            one["id"][:SHORT],
            state,
            _safe(matchers(one)),
            _safe(one["created_by"]),
            moment(one["ends_at"]),
            str(one["hides_now"]),
            str(one["held_back"]),
            _safe(one["comment"]),
        )
    return out


def notes(silences: Sequence[Shown]) -> list[str]:
    """What the table cannot say."""
    out = []
    for one in silences:
        held = sum(one["not_applied"].values())
        if held:
            rules = ", ".join(one["not_applied"])
            out.append(
                f"{one['id']} is not applied to {_alerts(held)} of must-never-happen rules ({rules}): "
                "it needs a second person (rulesd silence approve), and 4h at most"
            )
    idle = [one["id"] for one in silences if one["hid_nothing"]]
    if idle:
        out.append(f"over, and never held anything back: {', '.join(idle)}")
    return out


def details(one: Shown) -> list[str]:
    """One silence, a fact a line, with its history."""
    facts = {
        "silence": one["id"],
        "state": one["state"],
        "matchers": matchers(one),
        "from": moment(one["starts_at"]),
        "until": moment(one["ends_at"]) + _end(one),
        "by": one["created_by"],
        "comment": one["comment"],
        "approved by": one["approved_by"] or "nobody: must-never-happen alerts page all the same",
        "hides now": _counted(one["hides"]) or "nothing",
        "not applied": _counted(one["not_applied"]),
        "held back": _held(one),
    }
    facts |= {f"note {name}": value for name, value in one["annotations"].items()}
    width = max(map(len, facts)) + 2
    out = [f"{name:<{width}}{value}" for name, value in facts.items() if value]
    out.append("history")
    for act in one["history"]:
        what = f": {act['what']}" if act["what"] else ""
        out.append(f"  {moment(act['at'])}  {act['did']} by {act['by']}{what}")
    return out


def foresight(preview: Shown) -> list[str]:
    """What would have been hidden, by rule and owner, with examples."""
    since = moment(preview["since"])
    pages = preview["pages"]
    many = "no page" if not pages else "1 page" if pages == 1 else f"{pages} pages"
    out = [f"since {since} it would have hidden {many}" + (":" if pages else "")]
    for share in preview["shares"]:
        owner = f" (owner {share['owner']})" if share["owner"] else ""
        out.append(f"  {share['pages']:>5}  {share['rule']}{owner}")
        for page in share["examples"]:
            labels = " ".join(
                f"{name}={value}"
                for name, value in sorted(page["labels"].items())
                if name not in ("alertname", "owner", "severity")
            )
            out.append(
                f"         {moment(page['at'])}  {page['severity']} to {page['receiver']}  {labels}"
            )
    if preview["shortened"]:
        out.append(f"{_pages(preview['shortened'])} would have left with fewer alerts")
    if preview["not_applied"]:
        out.append(
            f"{_pages(preview['not_applied'])} would have come all the same: must-never-happen rules, "
            "which only an approved silence of at most 4h holds back"
        )
    if preview["now"]:
        out.append(f"right now it hides {_counted(preview['now'])}")
    if not preview["complete"]:
        out.append(f"there is too much in the log to look further back than {since}")
    return out


def show(lines: Sequence[str]) -> None:
    """Print lines as they are."""
    console = Console(soft_wrap=True, markup=False, highlight=False, emoji=False)
    for line in lines:
        console.print(line)


def _end(one: Shown) -> str:
    windows = one["windows"]
    if windows:
        return f", in windows of {windows['lasts']} at '{windows['cron']}' ({windows['timezone']})"
    return ", or when its alerts have resolved" if one["end_on_resolve"] else ""


def _held(one: Shown) -> str:
    if not one["held_back"]:
        return "nothing" + (" in its whole life" if one["hid_nothing"] else " so far")
    return f"{_alerts(one['held_back'])}, last at {moment(one['last_held_back'])}"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} of {name or '(no name)'}" for name, count in counts.items())


def _alerts(count: int) -> str:
    return "1 alert" if count == 1 else f"{count} alerts"


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count} pages"


def _safe(text: str) -> str:
    """For a table, which reads square brackets as colours."""
    return text.replace("[", "\\[")
