"""The backtest as one HTML file: what it comes to in a sentence, then plots and tables; no script, nothing fetched.

Law: self-contained and deterministic: the same outcome gives the same bytes (no date of making in it). Every name from rules or
events is escaped. A policy in the page itself forbids scripts and any request. What a plot shows a table says in words.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from html import escape

from rulesd.runners.backtest import Outcome, Telling, key_text
from rulesd.runners.backtest_compare import Difference
from rulesd.runners.backtest_figures import NIGHT_FROM, NIGHT_TO, Figures, Row, when
from rulesd.runners.backtest_rules import RuleChange
from rulesd.runners.report_svg import MOST_ROWS, bars, timeline
from rulesd.runners.report_text import changed_pages

MOST_LISTED = 500
"Pages listed one by one; the rest is counted."

_STYLE = """
:root{color-scheme:light dark;--ink:#17202b;--soft:#566273;--line:#dde3ea;--paper:#f5f7f9;--card:#fff;--bar:#2f6fb0;--heat:#2f6fb0;--night:#e9edf3;--critical:#b3261e;--high:#c05a00;--medium:#2f6fb0;--low:#717d8d;--gone:#2a7a4b}
@media(prefers-color-scheme:dark){:root{--ink:#e7ecf2;--soft:#a3b0bf;--line:#2b3542;--paper:#0f141a;--card:#171e27;--bar:#6ea8e0;--heat:#3f78b3;--night:#1e2733;--critical:#ff8077;--high:#ffb25e;--medium:#7db7ee;--low:#93a1b1;--gone:#7bd3a0}}
*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
main{margin:0 auto;max-width:70rem;padding:1.5rem 1rem 3rem}h1{font-size:1.1rem;font-weight:600;margin:0;overflow-wrap:anywhere}.soft{color:var(--soft);margin:.1rem 0 0;font-size:.9rem}
.lead{font-size:1.45rem;line-height:1.35;font-weight:600;margin:1rem 0 1.2rem;max-width:60rem}
h2{font-size:1.1rem;margin:0 0 .2rem}section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem 1.1rem;margin:1rem 0}section>p{margin:.1rem 0 .7rem}
.big{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.7rem;padding:0;margin:0 0 1rem;list-style:none}.big li{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.6rem .9rem;color:var(--soft);font-size:.9rem;line-height:1.3}
.big b{display:block;font-size:1.7rem;line-height:1.25;color:var(--ink);font-variant-numeric:tabular-nums}.big .come b{color:var(--critical)}.big .go b{color:var(--gone)}
.wide{overflow-x:auto}.wide+.wide{margin-top:1.1rem}.wide:focus-visible{outline:2px solid var(--bar)}table{border-collapse:collapse;width:100%;font-size:.9rem}caption{text-align:left;color:var(--soft);padding:0 0 .3rem}
th,td{text-align:left;font-weight:400;padding:.32rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}thead th{color:var(--soft);font-size:.82rem;white-space:nowrap}tbody tr:last-child>*{border-bottom:0}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.zero{color:var(--soft)}.t{white-space:nowrap;font-variant-numeric:tabular-nums}.of{width:22%;min-width:6rem}.of i{display:block;height:.7rem;margin-top:.4rem;border-radius:2px;background:var(--bar)}
.heat th,.heat td{padding:.25rem 0;text-align:center;min-width:1.7rem;border:2px solid var(--card);border-radius:5px;font-variant-numeric:tabular-nums}.heat tbody th{text-align:left;padding-right:.8rem;white-space:nowrap}.heat .night{background:var(--night)}
.q1{background:color-mix(in srgb,var(--heat) 22%,var(--card))!important}.q2{background:color-mix(in srgb,var(--heat) 38%,var(--card))!important}.q3{background:color-mix(in srgb,var(--heat) 54%,var(--card))!important}.q4{background:color-mix(in srgb,var(--heat) 68%,var(--card))!important}
svg{display:block;width:100%;height:auto;min-width:38rem}svg .bar{fill:var(--bar)}svg .axis{stroke:var(--line)}svg .dark{fill:var(--night)}svg text{fill:var(--soft);font:11px system-ui,sans-serif}svg text.n{text-anchor:middle}svg text.name{fill:var(--ink);font-size:12px}
.critical{fill:var(--critical);color:var(--critical)}.high{fill:var(--high);color:var(--high)}.medium{fill:var(--medium);color:var(--medium)}.low{fill:var(--low);color:var(--low)}svg .added{stroke:var(--ink);stroke-width:2}svg .removed{fill:none;stroke:var(--gone);stroke-width:2}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;color:var(--soft);font-size:.85rem;margin:.5rem 0 0;padding:0;list-style:none}.key b{display:inline-block;width:.75em;height:.75em;border-radius:50%;background:currentColor;margin-right:.4em}.key .ring{background:none;border:2px solid var(--gone)}.key .new{background:var(--soft);border:2px solid var(--ink)}.key .dark{background:var(--night);border-radius:2px;width:1.3em}
.sign{font-weight:700}.come{color:var(--critical)}.go{color:var(--gone)}summary{cursor:pointer;font-weight:600;font-size:1.1rem}summary:focus-visible{outline:2px solid var(--bar)}.names{columns:16rem;margin:.6rem 0 0;padding-left:1.1rem;font-size:.9rem}
@media print{body{background:none}section,.big li{break-inside:avoid}}
"""


def page(outcome: Outcome, counted: Figures, difference: Difference | None, zone: tzinfo) -> str:
    """The whole file."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>Backtest: {escape(outcome.name)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>Backtest of {escape(outcome.name)}</h1>",
        _span(outcome, zone),
        f'<p class="lead">{escape(lead(outcome, counted, difference))}</p>',
    ]
    if not outcome.events:
        return "\n".join([*parts, "</main></body></html>\n"])
    if difference is not None:
        parts.append(_difference(difference, zone))
    parts += [
        _numbers(outcome, counted),
        _section("Who is paged, and at what hour", _heat(counted)),
        _section("Pages by day", _plot(_days(counted), "Pages by day")),
        _section("Every page", _timeline(outcome, difference, zone)),
        _section("By rule", _rows(counted.rules, "rule")),
        _section("By owner", _rows(counted.owners, "owner")),
        _section("Noisiest keys", _rows(counted.keys, "key")),
        _list(outcome.tellings, zone),
        _never(counted.silent),
        "</main></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def lead(outcome: Outcome, counted: Figures, difference: Difference | None) -> str:
    """What it comes to, in a sentence or two."""
    if not outcome.events:
        return "The recording holds no event, so there is nothing to tell."
    if difference is not None:
        if difference.empty:
            return f"Nobody would notice: the same pages as {difference.before}."
        owners = ", ".join(difference.owners)
        said = [
            f"{n} {word}"
            for n, word in (
                (len(difference.added), "more"),
                (len(difference.removed), "fewer"),
                (len(difference.moved), "at another time"),
                (len(difference.graded), "of another severity"),
            )
            if n
        ]
        return f"Pages against {difference.before}: {', '.join(said)}. It is noticed by {owners}."
    if not outcome.pages:
        return f"Nobody would have been paged; {_many(len(outcome.firings), 'alert')} fired."
    most = counted.owners[0]
    night = f"{counted.at_night} at night" if counted.at_night else "none at night"
    week = "" if counted.pages_a_week is None else f"{counted.pages_a_week:.1f} a week, "
    share = f" {most.name} gets most of them ({most.pages})." if len(counted.owners) > 1 else ""
    return f"{_many(len(outcome.pages), 'page')}: {week}{night}.{share}"


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _span(outcome: Outcome, zone: tzinfo) -> str:
    if not outcome.events:
        return ""
    began, ended = when(outcome.began, zone), when(outcome.ended, zone)
    said = f"{outcome.events:,} events, {began} to {ended}. Times in {zone}; a night lasts from {NIGHT_FROM}:00 to {NIGHT_TO:02}:00."
    return f'<p class="soft">{escape(said)}</p>'


def _numbers(outcome: Outcome, counted: Figures) -> str:
    worst = counted.worst_night
    night = f"pages in the worst night, {worst.began:%a %d %b}" if worst else "pages at night"
    return _big(
        (
            ("–", "pages a week: the recording is too short to say", "")
            if counted.pages_a_week is None
            else (f"{counted.pages_a_week:.1f}", "pages a week", "")
        ),
        (str(len(outcome.pages)), "pages in all", ""),
        (str(counted.at_night), "pages at night", ""),
        (str(worst.pages if worst else 0), night, ""),
        (str(len(outcome.firings)), "alerts fired", ""),
        (str(len(outcome.reminders)), "reminders of what still fired", ""),
        *([(str(outcome.rejected), "events refused", "")] if outcome.rejected else []),
        *([(str(outcome.limits), "limits that took effect", "")] if outcome.limits else []),
    )


def _big(*numbers: tuple[str, str, str]) -> str:
    items = "".join(
        f'<li class="{style}"><b>{escape(value)}</b>{escape(word)}</li>'
        for value, word, style in numbers
    )
    return f'<ul class="big">{items}</ul>'


def _difference(difference: Difference, zone: tzinfo) -> str:
    changes = changed_pages(difference)
    rows = (
        (_sign(s), _text(when(at, zone), "t"), t.rule, severity, t.receiver, key_text(t.labels))
        for s, at, severity, t in changes[:MOST_LISTED]
    )
    parts = [
        _big(
            (f"+{len(difference.added)}", "pages that come", "come"),
            (f"−{len(difference.removed)}", "pages that go", "go"),
            (str(len(difference.moved)), "that come at another time", ""),
            (str(len(difference.graded)), "of another severity", ""),
        ),
        _table(
            f"Rules, from {difference.before} to {difference.after}",
            ("rule", "change", "alerts", "pages", "what is stated differently"),
            [_rule(c) for c in difference.rules],
        ),
        _table(
            "Owners who notice",
            ("owner", "pages that come", "that go", "moved"),
            difference.by_owner(),
        ),
        _table(
            "Page by page: + comes, − goes, ~ has another severity",
            ("", "at", "rule", "severity", "receiver", "key"),
            rows,
        ),
        _rest(len(changes)),
    ]
    return _section(f"Against {difference.before}", "".join(parts))


def _rule(change: RuleChange) -> tuple[str, ...]:
    def both(pair: tuple[int, int]) -> str:
        return _text(str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} → {pair[1]}", "t")

    return (
        change.rule,
        change.change or "as it was",
        both(change.alerts),
        both(change.pages),
        ", ".join(change.fields),
    )


def _heat(counted: Figures) -> str:
    """Owner by hour, as a table whose cells are coloured."""
    rows = [("everyone", counted.hours), *((r.name, r.hours) for r in counted.owners if r.pages)]
    nights = [h >= NIGHT_FROM or h < NIGHT_TO for h in range(24)]
    head = "".join(
        f'<th scope="col"{_class("night" if dark else "")}>{h:02}</th>'
        for h, dark in enumerate(nights)
    )
    lines: list[str] = []
    # One scale for all rows: the same number is as dark everywhere.
    top = max(1, *counted.hours)
    for name, hours in rows:
        cells = "".join(
            f"<td{_class(_shade(n, top, dark))}>{n or ''}</td>"
            for n, dark in zip(hours, nights, strict=True)
        )
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    caption = "Pages by hour of day; the hours of the night are shaded"
    table = (
        f'<table class="heat"><caption>{caption}</caption><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )
    return _wide(table, caption)


def _shade(number: int, top: int, dark: bool) -> str:
    return f"q{-(-4 * number // top)}" if number else "night" if dark else ""


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _days(counted: Figures) -> str:
    long = len(counted.days) > 31
    return bars(
        [(d.strftime("%d %b" if long else "%a %d"), n) for d, n in counted.days], "Pages by day"
    )


def _timeline(outcome: Outcome, difference: Difference | None, zone: tzinfo) -> str:
    marks: dict[str, list[tuple[int, str, str]]] = {}
    added = {id(t) for t in difference.added} if difference is not None else set()
    for t in outcome.tellings:
        style = f"{t.severity} added" if id(t) in added else t.severity
        marks.setdefault(t.rule, []).append((t.at, style, _said(t, zone)))
    for t in difference.removed if difference is not None else ():
        marks.setdefault(t.rule, []).append((t.at, "removed", f"gone: {_said(t, zone)}"))
    rows = sorted(marks.items(), key=lambda item: (-len(item[1]), item[0]))
    if not rows:
        return '<p class="soft">No pages.</p>'
    shown = timeline(rows, outcome.began, outcome.ended, "Pages by rule over time", zone)
    keys = [(s, s) for s in ("critical", "high", "medium", "low")]
    signs = "".join(f'<li><b class="{style}"></b>{word}</li>' for style, word in keys)
    signs += '<li><b class="dark"></b>night</li>'
    if difference is not None:
        signs += '<li><b class="new"></b>comes</li><li><b class="ring"></b>goes</li>'
    rest = len(rows) - MOST_ROWS
    more = (
        f'<p class="soft">and {_many(rest, "more rule")}, in the tables below</p>'
        if rest > 0
        else ""
    )
    return f'{_plot(shown, "Pages by rule over time")}<ul class="key">{signs}</ul>{more}'


def _said(t: Telling, zone: tzinfo) -> str:
    return f"{when(t.at, zone)} {t.rule} {key_text(t.labels)} ({t.severity}, {t.receiver})"


def _rows(rows: Sequence[Row], word: str) -> str:
    top = max((r.pages for r in rows), default=0) or 1
    return _table(
        "",
        (word, "pages", "", "at night", "alerts", *(("noisiest key",) if word != "key" else ())),
        (
            (
                r.name,
                r.pages,
                _Raw(f'<td class="of"><i style="width:{100 * r.pages / top:.0f}%"></i></td>'),
                r.at_night,
                r.firings,
                *((r.noisiest,) if word != "key" else ()),
            )
            for r in rows
        ),
    )


def _list(tellings: Sequence[Telling], zone: tzinfo) -> str:
    if not tellings:
        return ""
    rows = (
        (_text(when(t.at, zone), "t"), t.rule, key_text(t.labels), t.severity, t.owner, t.receiver)
        for t in tellings[:MOST_LISTED]
    )
    table = _table("", ("at", "rule", "key", "severity", "owner", "receiver"), rows)
    said = "All pages, one by one"
    return f"<section><details><summary>{said}</summary>{table}{_rest(len(tellings))}</details></section>"


def _rest(number: int) -> str:
    rest = number - MOST_LISTED
    return f'<p class="soft">and {rest} more (--format json lists all)</p>' if rest > 0 else ""


def _never(silent: Sequence[str]) -> str:
    names = "".join(f"<li>{escape(name)}</li>" for name in silent)
    inside = f'<ul class="names">{names}</ul>' if silent else "<p>none</p>"
    head = f"Rules that never fired: {len(silent)}"
    return f"<section><details><summary>{head}</summary>{inside}</details></section>"


class _Raw(str):
    """A whole cell as HTML."""

    __slots__ = ()


def _text(text: str, style: str) -> _Raw:
    return _Raw(f'<td class="{style}">{escape(text)}</td>')


def _sign(sign: str) -> _Raw:
    style, shown = {"+": ("come", "+"), "-": ("go", "−")}.get(sign, ("", "~"))
    return _Raw(f'<td class="sign {style}">{shown}</td>')


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str | int]]) -> str:
    listed = [list(row) for row in rows]
    if not listed:
        return ""
    numbers = [all(isinstance(c, int) for c in column) for column in zip(*listed, strict=True)]
    top = "".join(
        f'<th scope="col"{_class("n" if number else "")}>{escape(h)}</th>' if h else "<td></td>"
        for h, number in zip(heads, numbers, strict=True)
    )
    lines = "".join(f"<tr>{''.join(_cell(c, i) for i, c in enumerate(row))}</tr>" for row in listed)
    said = f"<caption>{escape(caption)}</caption>" if caption else ""
    return _wide(
        f"<table>{said}<thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>",
        caption or f"Table by {heads[0]}",
    )


def _cell(cell: str | int, position: int) -> str:
    if isinstance(cell, _Raw):
        return cell
    if isinstance(cell, int):
        return f'<td class="n{"" if cell else " zero"}">{cell}</td>'
    tag = '<th scope="row">' if not position else "<td>"
    return f"{tag}{escape(cell)}</{tag[1:3]}>"


def _section(head: str, inside: str) -> str:
    return f"<section><h2>{escape(head)}</h2>{inside}</section>" if inside else ""


def _plot(svg: str, said: str) -> str:
    return _wide(svg, said) if svg else ""


def _wide(inside: str, said: str) -> str:
    """What may be wider than a phone scrolls by itself, with the keyboard too."""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(said)}">{inside}</div>'
    )
