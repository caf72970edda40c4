"""A page as Block Kit, within every limit Slack has.

Law: never too big to be accepted. Slack refuses a whole message for one block that is too long, and refuses without saying so
above roughly 13,000 characters of blocks; the budget here is 10,000. What is cut says so.
"""

from typing import Any, TypeAlias

import orjson

from rulesd.model.notification import Notification
from rulesd.notify.slack_buttons import buttons
from rulesd.notify.templates import Medium, Rendered, Templates
from rulesd.notify.text import cut, cut_lines, one_line, slack_escape
from rulesd.notify.wording import context, headline, main_alert, plain_fallback

Block: TypeAlias = dict[str, Any]

HEADER_LIMIT, SECTION_LIMIT = 150, 3_000
BLOCKS_LIMIT, BUDGET, FALLBACK_LIMIT = 50, 10_000, 1_000

_MARKS = {
    "critical": ":red_circle:",
    "high": ":large_orange_circle:",
    "medium": ":large_yellow_circle:",
    "low": ":large_blue_circle:",
}
_SHORTENED = "_(shortened: the rest stands in the console)_"


def message(
    notification: Notification, templates: Templates, *, clicks: bool = False
) -> dict[str, Any]:
    """``text`` (the fallback that notifications show) and ``blocks``. ``clicks``: whether there is somebody to take a click."""
    head = headline(notification)
    rendered = _body(notification, templates)
    blocks: list[Block] = [_header(notification, head)]
    end = _end(notification, rendered, clicks)
    cut_note = _section(_SHORTENED)
    left = BUDGET - _wide([*blocks, *end, cut_note])
    for part in _sections(rendered.text):
        block = _fitting(part, left) if len(blocks) < BLOCKS_LIMIT - 4 else None
        if block is None:
            blocks.append(cut_note)
            break
        left -= _wide(block) + 1
        blocks.append(block)
    return {"text": fallback(notification, head), "blocks": [*blocks, *end]}


def _end(notification: Notification, rendered: Rendered, clicks: bool) -> list[Block]:
    """What every page ends with: what went wrong with its text, the buttons, and its name."""
    end = []
    if rendered.notice:
        end.append(_section(f"_{slack_escape(cut(rendered.notice, 300))}_"))
    elements = buttons(notification, clicks=clicks)
    if elements:
        end.append({"type": "actions", "elements": elements})
    return [*end, _footer(notification)]


def _fitting(part: str, left: int) -> Block | None:
    """A section of at most ``left`` characters as sent (line breaks and quotes count twice there); ``None`` for no room."""
    room = SECTION_LIMIT
    while room > 2 * len(_SHORTENED):
        block = _section(cut_lines(part, room, _SHORTENED))
        over = _wide(block) + 1 - left
        if over <= 0:
            return block
        room = min(room, len(part)) - max(1, over // 2)
    return None


def _wide(value: object) -> int:
    """Characters of ``value`` as it is sent."""
    return len(orjson.dumps(value).decode())


def fallback(notification: Notification, head: str) -> str:
    """The one line that phones and screen readers show."""
    main = main_alert(notification)
    summary = one_line(main.summary) if main and not notification.storm else ""
    words = head if not summary or summary in head else f"{head}. {summary}"
    return slack_escape(cut(words, FALLBACK_LIMIT))


def _body(notification: Notification, templates: Templates) -> Rendered:
    return templates.render(
        "slack.j2",
        Medium.SLACK,
        context(notification),
        lambda: slack_escape(plain_fallback(notification)),
    )


def _header(notification: Notification, head: str) -> Block:
    main = main_alert(notification)
    mark = _MARKS.get(main.severity, "") if main else ""
    if notification.status == "resolved":
        mark = ":white_check_mark:"
    elif notification.status == "acknowledged":
        mark = ":eyes:"
    words = slack_escape(cut(f"{mark} {head}".strip(), HEADER_LIMIT - 10))
    # Escaping can lengthen the text: a header over the limit would lose the whole message.
    words = words if len(words) <= HEADER_LIMIT else cut(one_line(head).translate(_BARE), 140)
    return {"type": "header", "text": {"type": "plain_text", "text": words, "emoji": True}}


_BARE = {ord(c): None for c in "&<>"}


def _sections(text: str) -> list[str]:
    """The parts between lines of three dashes, none longer than a section may be."""
    parts: list[str] = []
    rows: list[str] = []
    for row in [*text.split("\n"), "---"]:
        if row.strip() == "---":
            parts.extend(_pieces("\n".join(rows).strip()))
            rows = []
        else:
            rows.append(row)
    return parts


def _pieces(part: str) -> list[str]:
    pieces: list[str] = []
    while len(part) > SECTION_LIMIT:
        at = part.rfind("\n", 1, SECTION_LIMIT)
        at = at if at > 0 else SECTION_LIMIT
        pieces.append(part[:at].strip())
        part = part[at:].strip()
    return [*pieces, part] if part else pieces


def _section(text: str) -> Block:
    """``verbatim``: Slack turns no bare address or name in a value into a link."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _footer(notification: Notification) -> Block:
    main = main_alert(notification)
    group = notification.receiver if notification.title else notification.incident
    words = f"alert {main.alert} · rule {main.rule}" if main else group
    text = slack_escape(cut(one_line(words), 250))
    element = {"type": "mrkdwn", "text": text, "verbatim": True}
    return {"type": "context", "elements": [element]}
