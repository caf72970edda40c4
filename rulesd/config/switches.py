"""``switches.yaml``: kill switches, and how far each may be used.

Law: a switch that is read from here has a safe value of its type, an end, and a limit. Whatever contradicts itself is an error at
its place, all at once.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from rulesd.config.document import Document, Path_
from rulesd.config.flag_keys import common_flag
from rulesd.config.obedience import ViolatedBy, check_proof
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.config.secrets import References
from rulesd.config.shape import EmptyMapping, Free, Names, Positive, Strict, parse
from rulesd.config.urls import web_address
from rulesd.core.switch_table import fits
from rulesd.model.event import Json
from rulesd.model.instant import HOUR
from rulesd.model.switch import Approvals, Switch, Until, places

Askers = Annotated[
    tuple[Literal["rules", "people", "hooks"], ...],
    BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v),
]


class WebhookFields(Strict):
    """What a ``webhook`` switch tells, and to whom."""

    url: str
    secret: References
    timeout: Positive = 15_000
    allow_private: bool = False
    "Addresses of private networks are refused unless this says otherwise."


class SwitchFields(Strict):
    """One kill switch. A rule names it in ``actions``."""

    key: str = ""
    "Flag key that services read; ``{label}`` stands for a label of the alert. Default: the entry's name."

    type: Literal["boolean", "string", "number", "object"] = "boolean"
    safe: Free
    "The value while contained."

    default: Free = None
    "The value otherwise. Default: the opposite of ``safe`` for a boolean; else the service's own default holds."

    scope: Names = ()
    "Labels that narrow it: only where these agree with the alert's."

    ttl: Positive | None = None
    until: Literal["review", "resolved"] | None = None
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    limit_per_hour: Annotated[int, Field(ge=1, le=10_000)] = 20
    approvals: Literal["never", "wide", "always"] = "wide"
    allow: dict[str, Names] = Field(default_factory=dict)
    may_set: Askers = ("rules", "people", "hooks")
    dry_run: bool = False
    action: Literal["switch", "webhook", "mqtt"] = "switch"
    webhook: WebhookFields | None = None
    owner: str = ""
    description: str = ""
    violated_by: ViolatedBy | None = None


class SwitchesFile(Strict):
    """``notifiers/switches.yaml``."""

    switches: Annotated[dict[str, SwitchFields], EmptyMapping]
    humans_only: bool = False
    "Only people may set switches; ``rulesd switch humans-only off`` allows rules and hooks."


def switches(
    document: Document | None, owners: Mapping[str, object], problems: Problems
) -> tuple[dict[str, Switch], bool]:
    """All switches by name, and whether only people may set them."""
    parsed = parse(SwitchesFile, document, problems) if document is not None else None
    if document is None or parsed is None:
        return {}, False
    out = {
        name: _switch(name, fields, document, owners, problems)
        for name, fields in parsed.switches.items()
    }
    _shared(out, document, problems)
    _overlapping(out, document, problems)
    return out, parsed.humans_only


def _switch(
    name: str,
    fields: SwitchFields,
    document: Document,
    owners: Mapping[str, object],
    problems: Problems,
) -> Switch:
    at: Path_ = ("switches", name)
    default: Json = fields.default
    if default is None and isinstance(fields.safe, bool):
        default = not fields.safe
    made = Switch(
        name=name,
        key=fields.key or name,
        type=fields.type,
        safe=fields.safe,
        default=default,
        scope=tuple(fields.scope),
        ttl=fields.ttl or 4 * HOUR,
        until=Until(fields.until or "ttl"),
        priority=fields.priority,
        limit_per_hour=fields.limit_per_hour,
        approvals=Approvals(fields.approvals),
        allow={label: tuple(values) for label, values in fields.allow.items()},
        may_set=fields.may_set,
        dry_run=fields.dry_run,
        action=fields.action,
        settings={}
        if fields.webhook is None
        else fields.webhook.model_dump(mode="json", exclude_none=True),
        description=fields.description,
        owner=fields.owner,
        violated_by={}
        if fields.violated_by is None
        else fields.violated_by.model_dump(mode="json", exclude_none=True),
    )
    _values(made, at, document, problems)
    _ends(fields, at, document, problems)
    _key(made, at, document, problems)
    if fields.violated_by is not None:
        check_proof(made, fields.violated_by, (*at, "violated_by"), document, problems)
    if fields.owner and fields.owner not in owners:
        said = f'the owner "{fields.owner}" is not in owners.yaml'
        hint = f"{did_you_mean(fields.owner, owners)}Known: {listed(owners)}."
        problems.at(document, (*at, "owner"), Code.UNKNOWN_OWNER, said, hint)
    return made


def _values(made: Switch, at: Path_, document: Document, problems: Problems) -> None:
    if not fits(made, made.safe):
        said = f"the safe value is no {made.type}"
        hint = "Write the value that is safe to fall back to, of that type."
        problems.at(document, (*at, "safe"), Code.WRONG_TYPE, said, hint)
    elif made.default is not None and not fits(made, made.default):
        said, hint = f"the default is no {made.type}", "Write a value of that type."
        problems.at(document, (*at, "default"), Code.WRONG_TYPE, said, hint)
    elif made.default == made.safe:
        said, hint = "safe and default are the same value", "Then the switch does nothing."
        problems.at(document, (*at, "safe"), Code.INVALID_VALUE, said, hint)


def _ends(fields: SwitchFields, at: Path_, document: Document, problems: Problems) -> None:
    if fields.ttl is not None and fields.until is not None:
        said, hint = "ttl and until say two different ends", "Keep one of them."
        problems.at(document, (*at, "until"), Code.EXCLUSIVE, said, hint, key=True)
    if fields.action == "webhook" and fields.webhook is None:
        said = "a webhook switch needs webhook"
        hint = "Add webhook: {url: ..., secret: {file: ...}}."
        problems.at(document, (*at, "action"), Code.MISSING_FIELD, said, hint)
    if fields.webhook is not None:
        web_address(fields.webhook.url, (*at, "webhook", "url"), document, problems)


def _key(made: Switch, at: Path_, document: Document, problems: Problems) -> None:
    if _strange(made):
        said = f'the key "{made.key}" has a character that flag clients cannot send'
        hint = "Write a-z, 0-9, '.', '_', '-' and {label} only."
        problems.at(document, (*at, "key"), Code.INVALID_VALUE, said, hint)


def _overlapping(made: dict[str, Switch], document: Document, problems: Problems) -> None:
    """Two keys that are not the same text and can still come out as one flag: whoever reads or sets it gets one of both switches."""
    rows = list(made.values())
    for n, switch in enumerate(rows):
        line, _ = document.place(("switches", switch.name), key=True)
        for other in rows[n + 1 :]:
            agree = (other.type, other.default) == (switch.type, switch.default)
            _one_flag(other, switch, f"line {line}", document, problems, warning=agree)


def beside_shipped(
    own: Mapping[str, Switch],
    shipped: Mapping[str, Switch],
    document: Document | None,
    problems: Problems,
) -> None:
    """The same for a switch of the file and one that comes with rulesd and is in force because a rule names it."""
    if document is None:
        return
    for switch in own.values():
        for other in shipped.values():
            where = "shipped, and named by a rule"
            _one_flag(switch, other, where, document, problems, warning=True)


def _one_flag(
    switch: Switch,
    other: Switch,
    where: str,
    document: Document,
    problems: Problems,
    *,
    warning: bool,
) -> None:
    """Say, where ``switch`` stands, that its flag can be one of ``other``'s."""
    if switch.key == other.key or _strange(switch) or _strange(other):
        return
    flag = common_flag(other.key, switch.key)
    if flag is None:
        return
    said = (
        f'the flag "{flag}" can come of this key, and of "{other.key}" of "{other.name}" ({where})'
    )
    hint = "Give one of them another key."
    if (other.type, other.default) != (switch.type, switch.default):
        hint = f"They differ in type or default, so what services read would be one or the other. {hint}"
    at: Path_ = ("switches", switch.name)
    written = document.node((*at, "key")) is not None
    problems.at(
        document,
        (*at, "key") if written else at,
        Code.SAME_FLAG,
        said,
        hint,
        key=not written,
        warning=warning,
    )


def _strange(switch: Switch) -> bool:
    """Whether its key is a mistake of its own."""
    plain = switch.key
    for place in places(switch.key):
        plain = plain.replace(f"{{{place}}}", "x")
    return not plain or any(c not in "abcdefghijklmnopqrstuvwxyz0123456789._-" for c in plain)


def _shared(made: dict[str, Switch], document: Document, problems: Problems) -> None:
    """Switches of one key must agree on what services read while nothing is set."""
    by_key: dict[str, list[Switch]] = defaultdict(list)
    for switch in made.values():
        by_key[switch.key].append(switch)
    for rows in by_key.values():
        for other in rows[1:]:
            if (other.type, other.default) != (rows[0].type, rows[0].default):
                said = f'"{rows[0].name}" has the same key with another type or default'
                hint = "Give both the same type and default, or another key."
                where = ("switches", other.name)
                problems.at(document, where, Code.EXCLUSIVE, said, hint, key=True)
