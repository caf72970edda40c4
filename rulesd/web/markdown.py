"""Runbooks as HTML: Markdown in, clean HTML out, the first five minutes apart.

Law: HTML inside a runbook is shown as text, and what comes out has passed an allow list. Links go to https, http, mail and
phone; nothing is loaded from elsewhere.
"""

import re
from dataclasses import dataclass

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_FIRST = re.compile(r"first\s+(?:five|5)\s+minutes", re.IGNORECASE)

_TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "hr", "br", "blockquote", "ul", "ol", "li"),
    *("table", "thead", "tbody", "tr", "th", "td", "div", "span"),
    *("a", "code", "pre", "em", "strong", "s", "del"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "span": {"class"}, "div": {"class"}}
_SCHEMES = {"https", "http", "mailto", "tel"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A runbook in three parts, each clean HTML."""

    before: str
    first: str
    "The section on the first five minutes with its heading, or empty."

    after: str


def render(markdown: str) -> Rendered:
    """Render a runbook; its first ``h1`` is left out, because the page has its own title."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = _without_title(parser.parse(markdown))
    start, end = _first_section(tokens)
    parts = [
        str(parser.renderer.render(part, parser.options, {}))
        for part in (tokens[:start], tokens[start:end], tokens[end:])
    ]
    before, first, after = (_clean(part) for part in parts)
    return Rendered(before=before, first=first, after=after)


def _clean(html: str) -> str:
    return nh3.clean(
        _tables(_boxes(html)),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
    )


def _boxes(html: str) -> str:
    """Task list items: ``[ ]`` becomes a box one can read off."""
    html = re.sub(r"<li>(\s*<p>)?\[ \] ", r'<li>\1<span class="box">☐</span> ', html)
    return re.sub(r"<li>(\s*<p>)?\[[xX]\] ", r'<li>\1<span class="box">☑</span> ', html)


def _tables(html: str) -> str:
    """Tables scroll by themselves on a narrow screen."""
    return html.replace("<table>", '<div class="wide"><table>').replace(
        "</table>", "</table></div>"
    )


def _without_title(tokens: list[Token]) -> list[Token]:
    if len(tokens) >= 3 and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return tokens[3:]
    return tokens


def _first_section(tokens: list[Token]) -> tuple[int, int]:
    """Where the section on the first five minutes starts and ends."""
    for start, token in enumerate(tokens):
        if token.type == "heading_open" and _FIRST.search(tokens[start + 1].content):
            level = token.tag
            for end in range(start + 1, len(tokens)):
                if tokens[end].type == "heading_open" and tokens[end].tag <= level:
                    return start, end
            return start, len(tokens)
    return 0, 0
