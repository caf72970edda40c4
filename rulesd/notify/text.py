"""What a text may look like on its way out: no control characters, no direction tricks, no more than it may be long.

Law: pure. Every value that came with an event passes through here (or through JSON) before a person reads it.

Threats: a label can hold a line break (a forged second line), bidi controls (text that reads backwards), invisible
characters, or a receiver's own markup (``<!channel>``, ``<https://evil|good>``). The first three die here for every channel;
the last one is escaped by the channel's own rule.
"""

import re
from functools import lru_cache

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SPACE = re.compile(r"\s+")
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
"Direction controls, zero-width and filler characters, lone surrogates, tags: nothing a person reads, all of use to who deceives."

ELLIPSIS = "…"


def one_line(value: str) -> str:
    """The text on one line, without control or invisible characters."""
    if (
        value.isascii() and value.isprintable() and "  " not in value
    ):  # Nearly always: nothing to do.
        return value.strip()
    return _SPACE.sub(" ", _INVISIBLE.sub("", _CONTROL.sub(" ", value))).strip()


def lines(value: str) -> str:
    """The text with its line breaks, without control or invisible characters."""
    if value.isascii() and value.isprintable():
        return value
    return _INVISIBLE.sub("", _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")))


def cut(value: str, limit: int) -> str:
    """At most ``limit`` characters; a text that was cut ends in ``…``."""
    return value if len(value) <= limit else value[: max(0, limit - 1)] + ELLIPSIS


def cut_lines(value: str, limit: int, note: str) -> str:
    """At most ``limit`` characters, cut after a whole line where there is one, with ``note`` as last line."""
    if len(value) <= limit:
        return value
    room = max(0, limit - len(note) - 1)
    kept = value[:room]
    whole = kept.rfind("\n")
    return f"{kept[:whole] if whole > room // 2 else kept}\n{note}"


def slack_escape(value: str) -> str:
    """Slack's three control characters as entities: no mention and no link can come out of a value."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slack_code(value: str) -> str:
    """The text fit for between backticks: a backtick inside would end the code and start formatting."""
    return slack_escape(one_line(value).replace("`", "'"))


def safe_url(value: str) -> str:
    """The address if a person may click it (http or https, no spaces or markup), else the empty string."""
    return _safe_url(value) if len(value) <= 3_000 else ""


@lru_cache(maxsize=512)
def _safe_url(value: str) -> str:
    """Kept: the alerts of one rule come from one address."""
    good = value.startswith(("https://", "http://")) and not re.search(r"[\s<>|\"\x00-\x1f]", value)
    return value if good and not _INVISIBLE.search(value) else ""
