"""Plots as inline SVG: bars and a timeline, readable on a phone, in light and in dark.

Law: text in, text out; every value from outside is escaped; colours come from the page's style, never from here.
"""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 720, 160
_FOOT = 22
_MOST_ROWS = 60


def bars(values: Sequence[tuple[str, int]], title: str) -> str:
    """A bar for each (label, count); a label stands under at most twelve of them."""
    if not values:
        return ""
    top = max(1, *(n for _, n in values))
    step = WIDTH / len(values)
    every = max(1, -(-len(values) // 12))
    room = HEIGHT - _FOOT - 14
    parts = [_open(title, HEIGHT)]
    for i, (label, n) in enumerate(values):
        tall = room * n / top
        x, y = i * step, HEIGHT - _FOOT - tall
        said = escape(f"{label}: {n}")
        if n:
            parts.append(
                f'<rect class="bar" x="{x + step * 0.1:.1f}" y="{y:.1f}" width="{step * 0.8:.1f}" '
                f'height="{tall:.1f}"><title>{said}</title></rect>'
            )
            if len(values) <= 31:
                parts.append(f'<text class="n" x="{x + step / 2:.1f}" y="{y - 3:.1f}">{n}</text>')
        if not i % every:
            parts.append(
                f'<text class="n" x="{x + step / 2:.1f}" y="{HEIGHT - 6}">{escape(label)}</text>'
            )
    parts.append(
        f'<line class="axis" x1="0" x2="{WIDTH}" y1="{HEIGHT - _FOOT}" y2="{HEIGHT - _FOOT}"/></svg>'
    )
    return "".join(parts)


def timeline(
    rows: Sequence[tuple[str, Sequence[tuple[int, str, str]]]], began: int, ended: int, title: str
) -> str:
    """A row of marks for each name; a mark is (when, style class, words for whoever points at it)."""
    rows = rows[:_MOST_ROWS]
    if not rows:
        return ""
    line = 22
    height = len(rows) * line + 6
    left = 230
    span = max(ended - began, 1)
    parts = [_open(title, height)]
    for i, (name, marks) in enumerate(rows):
        y = i * line + 15
        parts.append(f'<text class="name" x="0" y="{y}">{escape(name[:36])}</text>')
        parts.append(f'<line class="axis" x1="{left}" x2="{WIDTH}" y1="{y - 4}" y2="{y - 4}"/>')
        for at, style, said in marks:
            x = left + (WIDTH - left - 6) * (at - began) / span + 3
            parts.append(
                f'<circle class="{escape(style)}" cx="{x:.1f}" cy="{y - 4}" r="4"><title>{escape(said)}</title></circle>'
            )
    parts.append("</svg>")
    return "".join(parts)


def _open(title: str, height: int) -> str:
    said = escape(title, quote=True)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{said}"><title>{said}</title>'
    )
