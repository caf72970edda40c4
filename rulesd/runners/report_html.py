"""The backtest as one HTML file: tables and plots, no script, nothing fetched.

Law: self-contained and deterministic: the same outcome gives the same bytes (no date of making in it). Every name from rules or
events is escaped. A policy in the page itself forbids scripts and any request.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from html import escape

from rulesd.model.instant import format_instant
from rulesd.runners.backtest import Outcome, Telling, key_text
from rulesd.runners.backtest_compare import Difference
from rulesd.runners.backtest_figures import Figures, Row, local
from rulesd.runners.report_svg import bars, timeline

MOST_LISTED = 500
"Pages listed one by one; the rest is counted."

_STYLE = """
:root{color-scheme:light dark;--ink:#1b2430;--soft:#5b6675;--line:#d8dee6;--paper:#fff;--bar:#2f6fb0;--add:#b3261e;--gone:#2e7d4f}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa6b5;--line:#36404d;--paper:#12171e;--bar:#6ea8e0;--add:#ff8a80;--gone:#7bd3a0}}
*{box-sizing:border-box}body{margin:0 auto;max-width:64rem;padding:1rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}.soft{color:var(--soft)}
.big{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;margin:1rem 0}.big b{display:block;font-size:1.6rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}svg{width:100%;height:auto;min-width:34rem}
svg .bar{fill:var(--bar)}svg .axis{stroke:var(--line)}svg text{fill:var(--soft);font:11px system-ui,sans-serif}svg text.n{text-anchor:middle}
svg .page{fill:var(--bar)}svg .added{fill:var(--add)}svg .removed{fill:none;stroke:var(--gone);stroke-width:2}
.added{color:var(--add)}.removed{color:var(--gone)}
"""


def page(outcome: Outcome, counted: Figures, difference: Difference | None, zone: tzinfo) -> str:
    """The whole file."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>Backtest: {escape(outcome.name)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Backtest of {escape(outcome.name)}</h1>",
        _span(outcome, zone),
        _numbers(outcome, counted),
    ]
    if difference is not None:
        parts.append(_difference(difference))
    parts += [
        "<h2>When pages come</h2>",
        _wide(bars([(f"{h:02d}", n) for h, n in enumerate(counted.hours)], "Pages by hour of day")),
        _wide(bars([(d.strftime("%m-%d"), n) for d, n in counted.days], "Pages by day")),
        "<h2>Every page</h2>",
        _wide(_timeline(outcome, difference)),
        "<h2>By rule</h2>",
        _rows(counted.rules, "rule"),
        "<h2>By owner</h2>",
        _rows(counted.owners, "owner"),
        "<h2>Noisiest keys</h2>",
        _rows(counted.keys, "key"),
        "<h2>List of pages</h2>",
        _list(outcome.tellings, zone),
        "<h2>Rules that never fired</h2>",
        f"<p>{escape(', '.join(counted.silent)) or 'none'}</p></body></html>\n",
    ]
    return "\n".join(parts)


def _span(outcome: Outcome, zone: tzinfo) -> str:
    began, ended = format_instant(outcome.began), format_instant(outcome.ended)
    hours = f"Hours and nights (22:00 to 07:00) in {escape(str(zone))}."
    return f'<p class="soft">{outcome.events:,} events, {began} to {ended}. {hours}</p>'


def _numbers(outcome: Outcome, counted: Figures) -> str:
    worst = counted.worst_night
    night = f"{worst.pages} on {worst.began.isoformat()}" if worst is not None else "none"
    pairs = (
        ("pages", str(len(outcome.pages))),
        ("pages a week", f"{counted.pages_a_week:.2f}"),
        ("alerts fired", str(len(outcome.firings))),
        ("reminders", str(len(outcome.reminders))),
        ("worst night", night),
    )
    inside = "".join(f"<span><b>{escape(v)}</b>{escape(k)}</span>" for k, v in pairs)
    return f'<div class="big">{inside}</div>'


def _difference(difference: Difference) -> str:
    head = (
        f"<h2>Against {escape(difference.before)}</h2>"
        f'<div class="big"><span class="added"><b>+{len(difference.added)}</b>pages that come</span>'
        f'<span class="removed"><b>-{len(difference.removed)}</b>pages that go</span>'
        f"<span><b>{len(difference.moved)}</b>that come at another time</span></div>"
    )
    owners = _table(
        ("owner", "+", "-", "moved"),
        ((o, str(a), str(r), str(m)) for o, a, r, m in difference.by_owner()),
    )
    changes = sorted(
        [(t.at, "+", t) for t in difference.added] + [(t.at, "-", t) for t in difference.removed],
        key=lambda c: (c[0], c[1], c[2].subject),
    )
    rows = (
        (s, format_instant(at), t.rule, key_text(t.labels), t.severity, t.receiver)
        for at, s, t in changes[:MOST_LISTED]
    )
    return head + owners + _table(("", "at", "rule", "key", "severity", "receiver"), rows)


def _timeline(outcome: Outcome, difference: Difference | None) -> str:
    marks: dict[str, list[tuple[int, str, str]]] = {}
    added = {id(t) for t in difference.added} if difference is not None else set()
    for t in outcome.tellings:
        style = "added" if id(t) in added else "page"
        marks.setdefault(t.rule, []).append((t.at, style, _said(t)))
    for t in difference.removed if difference is not None else ():
        marks.setdefault(t.rule, []).append((t.at, "removed", f"gone: {_said(t)}"))
    rows = sorted(marks.items(), key=lambda item: (-len(item[1]), item[0]))
    return timeline(rows, outcome.began, outcome.ended, "Pages by rule over time")


def _said(t: Telling) -> str:
    return f"{format_instant(t.at)} {t.rule} {key_text(t.labels)} ({t.severity}, {t.receiver})"


def _rows(rows: Sequence[Row], word: str) -> str:
    return _table(
        (word, "pages", "at night", "alerts", "noisiest key"),
        ((r.name, str(r.pages), str(r.at_night), str(r.firings), r.noisiest) for r in rows),
    )


def _list(tellings: Sequence[Telling], zone: tzinfo) -> str:
    rows = (
        (
            local(t.at, zone).strftime("%Y-%m-%d %H:%M"),
            t.rule,
            key_text(t.labels),
            t.severity,
            t.owner,
            t.receiver,
        )
        for t in tellings[:MOST_LISTED]
    )
    rest = len(tellings) - MOST_LISTED
    more = f'<p class="soft">and {rest} more</p>' if rest > 0 else ""
    return _table(("at", "rule", "key", "severity", "owner", "receiver"), rows) + more


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(h)}</th>" for h in heads)
    lines = "".join(
        "<tr>"
        + "".join(
            f'<td class="n">{escape(c)}</td>' if c.isdigit() else f"<td>{escape(c)}</td>"
            for c in row
        )
        + "</tr>"
        for row in rows
    )
    return _wide(f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>")


def _wide(inside: str) -> str:
    return f'<div class="wide">{inside}</div>'
