"""What rules have learned, over HTTP, and telling keys to learn afresh.

Law: read page by page. A token of one tenant sees the keys of its own tenant alone, so only those of rules that tell tenants apart.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from rulesd.core.baselines import Baseline, Phase
from rulesd.model.event import Json
from rulesd.ports.learning import Place
from rulesd.web.alerts import signed
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.small_body import read_object, text
from rulesd.web.tokens import Token

USUAL = 100
MOST = 500
MOST_LABELS = 20
ON_PAGE = 50
"Rows that a rule's page shows."


async def list_baselines(door: Door, request: web.Request, token: Token) -> web.Response:
    """``GET /v1/baselines``: ``rule``, ``label=name=value`` (several), ``limit`` and ``after`` choose."""
    query = request.query
    rule = known_rule(door, query.get("rule", ""))
    labels = own_labels(labels_in(query.getall("label", [])), token)
    fitting(door, rule, labels)
    found = await door.daemon.learning.page(
        rule, labels, _place(query.get("after", "")), _limit(query.get("limit", ""))
    )
    rows: list[Json] = [shown(one) for one in found.rows]
    more = None if found.more is None else _word(found.more)
    return answer({"baselines": rows, "next": more})


async def relearn(door: Door, request: web.Request, token: Token) -> web.Response:
    """``POST /v1/baselines/relearn``: keys of a rule learn afresh; ``rule`` and ``reason`` must be told, ``labels`` choose."""
    fields = await read_object(door, request)
    rule = known_rule(door, text(fields, "rule", most=200, required=True))
    reason = text(fields, "reason", most=door.settings.limits.note_chars, required=True)
    by = signed(text(fields, "by", most=100), token)
    given = fields.get("labels") or {}
    if not isinstance(given, dict) or not all(isinstance(v, str) and v for v in given.values()):
        raise Refused(400, "wrong_type", "labels must be an object of texts that are not empty")
    labels = own_labels({name: str(value) for name, value in given.items()}, token)
    fitting(door, rule, labels)
    done = await door.daemon.learning.relearn(rule, labels, by, reason)
    if done.refused:
        status, words = _REFUSED[done.refused]
        raise Refused(status, done.refused, words)
    return answer({"rule": rule, "labels": dict(labels), "keys": done.keys, "by": by})


_REFUSED = {
    "unknown_rule": (404, "there is no rule of this id that learns. See: rulesd baselines"),
    "unknown_keys": (404, "the rule has seen no such key yet. See: rulesd baselines RULE"),
    "pinned": (409, "the baseline is pinned in the rule: change or remove `pinned` there"),
    "too_many_keys": (409, "more than 20,000 keys have these labels. Name more labels, or none: the whole rule"),
}  # fmt: skip


async def rule_rows(door: Door, rule: str, token: Token) -> dict[str, Any] | None:
    """What a page tells of a rule; ``None`` for a rule that learns nothing."""
    if rule not in door.daemon.learning.rules():
        return None
    found = await door.daemon.learning.page(rule, own_labels({}, token), None, ON_PAGE)
    rows = [
        {
            "labels": list(one.labels.items()),
            "expected": one.level,
            "events": _counted(one),
            "since": _minute(one.since),
            "until": _minute(one.until),
            "deploy": _minute(one.deploy),
            "state": str(one.phase),
            "word": _WORDS[one.phase],
        }
        for one in found.rows
    ]
    return {"rows": rows, "more": found.more is not None}


_WORDS = {
    Phase.LEARNING: "learning",
    Phase.FIXED: "fixed",
    Phase.FOLLOWS: "follows its history",
    Phase.PINNED: "pinned",
    Phase.WATCH: "watched after a deploy",
    Phase.RELEARNING: "learning anew",
}


def _counted(one: Baseline) -> str:
    if one.events is None:
        return ""
    unit = "windows" if one.detector == "spike" else "events"
    return f"{one.events:,.0f} {unit}".replace(",", "\u202f")


def _minute(time: str) -> str:
    return f"{time[:10]} {time[11:16]}Z" if time else ""


def known_rule(door: Door, rule: str) -> str:
    """The id of a rule that learns, or empty for all. Raises ``Refused`` (404)."""
    learning = door.daemon.learning.rules()
    if not rule or rule in learning:
        return rule
    if rule in door.daemon.plan.by_id:
        words = f"this rule's detector learns nothing. Those that learn: {', '.join(learning) or 'none'}"
        raise Refused(404, "learns_nothing", words)
    raise Refused(404, "unknown_rule", "there is no rule of this id in force. See: rulesd check")


def labels_in(given: list[str]) -> dict[str, str]:
    """Labels as ``name=value`` texts. Raises ``Refused`` (400)."""
    out: dict[str, str] = {}
    for pair in given[:MOST_LABELS]:
        name, sign, value = pair.partition("=")
        if not sign or not name or not value:
            raise Refused(
                400, "invalid_label", "a label is not name=value. Write label=tenant=acme"
            )
        out[name] = value
    return out


def own_labels(labels: Mapping[str, str], token: Token) -> dict[str, str]:
    """The labels, narrowed to the token's tenant. Raises ``Refused`` (403)."""
    if not token.tenant:
        return dict(labels)
    if labels.get("tenant", token.tenant) != token.tenant:
        raise Refused(403, "forbidden", "this token may see baselines of its own tenant only")
    return {**labels, "tenant": token.tenant}


def fitting(door: Door, rule: str, labels: Mapping[str, str]) -> None:
    """Whether a rule has the labels that are asked for. Raises ``Refused`` (400)."""
    names = door.daemon.learning.labels(rule) if rule else list(labels)
    if not all(name in names for name in labels):
        words = f"the keys of this rule have the labels {', '.join(names) or '(none)'}"
        raise Refused(400, "unknown_label", words)


def shown(one: Baseline) -> dict[str, Json]:
    """A baseline as the API shows it."""
    return {
        "rule": one.rule,
        "labels": dict(one.labels),
        "detector": one.detector,
        "state": str(one.phase),
        "expected": one.level,
        "events": one.events,
        "since": one.since or None,
        "until": one.until or None,
        "deploy": one.deploy or None,
        "learned": None if one.learned is None else dict(one.learned),
    }


def _limit(given: str) -> int:
    if not given:
        return USUAL
    if not given.isdecimal() or len(given) > 6 or not 0 < int(given) <= MOST:
        raise Refused(400, "out_of_range", f"limit must be a number from 1 to {MOST}")
    return int(given)


def _word(place: Place) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([place.rule, *place.key])).decode().rstrip("=")


def _place(word: str) -> Place | None:
    if not word:
        return None
    try:
        found = orjson.loads(base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)))
    except (orjson.JSONDecodeError, binascii.Error, ValueError):
        found = None
    if not isinstance(found, list) or not found or not all(isinstance(t, str) for t in found):
        raise Refused(
            400, "invalid_after", "after is not what an answer said in next. Leave it out"
        )
    return Place(found[0], tuple(found[1:]))
