"""Plots as inline SVG: bars and a timeline, readable on a phone, in light and in dark.

Law: text in, text out; every value from outside is escaped; colours come from the page's style, never from here. What a plot comes to is
said in words for those who do not see it.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from html import escape

from rulesd.runners.backtest_figures import NIGHT_FROM, NIGHT_TO, local

WIDTH, HEIGHT = 960, 170
MOST_ROWS = 60
"Rows of a timeline; there may be more, and whoever draws it says so."

_FOOT = 22
_LEFT = 230
_RADIUS = {"critical": 6.0, "high": 5.0, "medium": 4.5, "low": 3.5}
"Worse is larger, for those who do not see colours."


def bars(values: Sequence[tuple[str, int]], title: str) -> str:
    """A bar for each (label, count); a label stands under at most sixteen of them."""
    if not values:
        return ""
    top = max(1, *(n for _, n in values))
    step = WIDTH / len(values)
    every = max(1, -(-len(values) // 16))
    room = HEIGHT - _FOOT - 16
    most = max(values, key=lambda v: v[1])
    said = f"{title}: {sum(n for _, n in values)} in all, most on {most[0]} ({most[1]})"
    parts = [_open(said, HEIGHT)]
    for i, (label, n) in enumerate(values):
        tall = room * n / top
        x, y = i * step, HEIGHT - _FOOT - tall
        if n:
            parts.append(
                f'<rect class="bar" rx="2" x="{x + step * 0.12:.1f}" y="{y:.1f}" width="{step * 0.76:.1f}" '
                f'height="{tall:.1f}"><title>{escape(f"{label}: {n}")}</title></rect>'
            )
            if len(values) <= 31:
                parts.append(f'<text class="n" x="{x + step / 2:.1f}" y="{y - 4:.1f}">{n}</text>')
        if not i % every:
            parts.append(
                f'<text class="n" x="{x + step / 2:.1f}" y="{HEIGHT - 6}">{escape(label)}</text>'
            )
    parts.append(
        f'<line class="axis" x1="0" x2="{WIDTH}" y1="{HEIGHT - _FOOT}" y2="{HEIGHT - _FOOT}"/></svg>'
    )
    return "".join(parts)


def timeline(
    rows: Sequence[tuple[str, Sequence[tuple[int, str, str]]]],
    began: int,
    ended: int,
    title: str,
    zone: tzinfo,
) -> str:
    """A row of marks for each name, over days and nights; a mark is (when, style classes, words for whoever points at it)."""
    rows = rows[:MOST_ROWS]
    if not rows:
        return ""
    line = 22
    foot = len(rows) * line + 4
    span = max(ended - began, 1)

    def place(at: float) -> float:
        return _LEFT + (WIDTH - _LEFT - 12) * (at - began) / span + 6

    count = sum(len(marks) for _, marks in rows)
    parts = [_open(f"{title}: {count} pages of {len(rows)} rules", foot + 20)]
    days = list(_days(began, ended, zone))
    if len(days) <= 62:
        parts += _nights(days, began, ended, foot, place)
    every = max(1, -(-len(days) // 10))
    for day in days[::every]:
        at = day.timestamp() * 1000
        if began <= at <= ended:
            x = place(at)
            parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{foot}"/>')
            parts.append(
                f'<text class="n" x="{min(x, WIDTH - 32):.1f}" y="{foot + 14}">{day:%a %d %b}</text>'
            )
    for i, (name, marks) in enumerate(rows):
        y = i * line + 15
        shown = name if len(name) <= 36 else name[:35] + "…"
        parts.append(f'<text class="name" x="0" y="{y}">{escape(shown)}</text>')
        parts.append(f'<line class="axis" x1="{_LEFT}" x2="{WIDTH}" y1="{y - 4}" y2="{y - 4}"/>')
        for at, style, said in marks:
            radius = _RADIUS.get(style.partition(" ")[0], 4.5)
            parts.append(
                f'<circle class="{escape(style)}" cx="{place(at):.1f}" cy="{y - 4}" r="{radius:g}">'
                f"<title>{escape(said)}</title></circle>"
            )
    parts.append("</svg>")
    return "".join(parts)


def _days(began: int, ended: int, zone: tzinfo) -> Iterator[datetime]:
    """Every midnight, and the one before the first moment."""
    day = local(began, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    while day.timestamp() * 1000 <= ended:
        yield day
        day = (day + timedelta(days=1)).replace(hour=0)


def _nights(
    days: Sequence[datetime], began: int, ended: int, foot: int, place: Callable[[float], float]
) -> Iterator[str]:
    """The dark hours, cut to the plot."""
    for day in days:
        for first, last in ((0, NIGHT_TO), (NIGHT_FROM, 24)):
            start = max(began, day.replace(hour=first).timestamp() * 1000)
            after = day + timedelta(days=1) if last == 24 else day.replace(hour=last)
            end = min(ended, after.timestamp() * 1000)
            if start < end:
                x, wide = place(start), place(end) - place(start)
                yield f'<rect class="dark" x="{x:.1f}" y="0" width="{wide:.1f}" height="{foot}"/>'


def _open(said: str, height: int) -> str:
    label = escape(said, quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}"><title>{label}</title>'
