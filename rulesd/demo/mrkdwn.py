"""Slack's mrkdwn as HTML, so that a page looks here as it would there.

Law: whatever comes in, only the tags below come out; every other character is escaped.
"""

import html
import re
import time

_TOKEN = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<!date\^(?P<when>\d+)\^[^|>]*\|(?P<fallback>[^>]*)>"
    r"|<(?P<url>https?://[^|>\s]+)(?:\|(?P<text>[^>]*))?>"
    r"|(?<![\w*])\*(?=\S)(?P<bold>[^*\n]+)(?<=\S)\*(?![\w*])"
    r"|(?<![\w_])_(?=\S)(?P<italic>[^_\n]+)(?<=\S)_(?![\w_])"
    r"|:(?P<emoji>[a-z_]+):"
)
_DOTS = {
    "red_circle": "critical",
    "large_orange_circle": "high",
    "large_yellow_circle": "medium",
    "large_blue_circle": "low",
    "white_check_mark": "good",
    "eyes": "seen",
}
_QUOTE = re.compile(r"\s*(?:>|&gt;)\s?")


def to_html(text: str) -> str:
    """Lines become paragraphs' lines, ``>`` a quotation."""
    out: list[str] = []
    quoted: list[str] = []
    for line in [*text.split("\n"), ""]:
        mark = _QUOTE.match(line)
        if mark:
            quoted.append(inline(line[mark.end() :]))
            continue
        if quoted:
            out.append(f"<blockquote>{'<br>'.join(quoted)}</blockquote>")
            quoted = []
        if line.strip():
            out.append(f"<p>{inline(line)}</p>")
    return "".join(out)


def inline(text: str) -> str:
    """One line."""
    out, at = [], 0
    for token in _TOKEN.finditer(text):
        out += [_plain(text[at : token.start()]), _marked(token)]
        at = token.end()
    return "".join([*out, _plain(text[at:])])


def _plain(text: str) -> str:
    """Slack sends ``&``, ``<`` and ``>`` escaped; everything else is escaped here."""
    return html.escape(html.unescape(text))


def _marked(token: re.Match[str]) -> str:
    kind = token.lastgroup
    if token["code"]:
        return f"<code>{_plain(token['code'])}</code>"
    if token["when"]:
        at = time.localtime(int(token["when"]))
        return f'<time title="{_plain(token["fallback"])}">{time.strftime("%H:%M:%S", at)}</time>'
    if token["url"]:
        words = _plain(token["text"] or token["url"])
        return f'<a href="{_plain(token["url"])}">{words}</a>'
    if token["bold"]:
        return f"<b>{inline(token['bold'])}</b>"
    if token["italic"]:
        return f"<i>{inline(token['italic'])}</i>"
    name = token["emoji"] if kind == "emoji" else ""
    dot = _DOTS.get(name or "")
    return f'<span class="dot {dot}"></span>' if dot else _plain(token[0])
