"""A switch and its settings: what is contained, for whom, by whom, and until when.

Law: values. A *switch* is declared in ``switches.yaml``; a *setting* is one act of setting it, with its whole history in it. What a
service reads follows from the settings that are active and from nothing else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from rulesd.model.event import Json
from rulesd.model.instant import HOUR, SECOND, Instant, Milliseconds

SETTLED: Milliseconds = 30 * SECOND
"How long services may take to obey; what contradicts a setting after that is a violation."


class SettingState(StrEnum):
    """Where a setting stands."""

    PENDING = "pending_approval"
    ACTIVE = "active"
    TRIAL = "dry_run"
    "It is written down and has no effect."

    ENDED = "ended"


class Approvals(StrEnum):
    """When a second person must agree."""

    NEVER = "never"
    WIDE = "wide"
    "When a label that should narrow the scope is missing."

    ALWAYS = "always"


class Until(StrEnum):
    """What ends a setting beside time and people."""

    TTL = "ttl"
    REVIEW = "review"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One entry of ``switches.yaml``: what an action's name stands for."""

    name: str
    key: str
    "The flag key; ``{label}`` in it stands for a label of the alert."

    type: str
    "``boolean``, ``string``, ``number`` or ``object``."

    safe: Json
    default: Json
    scope: tuple[str, ...] = ()
    "Labels that narrow a setting: it applies where the evaluation context agrees with them."

    ttl: Milliseconds = 4 * HOUR
    until: Until = Until.TTL
    priority: int = 0
    limit_per_hour: int = 20
    "Settings by rules and hooks; people are not limited."

    approvals: Approvals = Approvals.WIDE
    allow: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    "By label: the only values that may be contained."

    may_set: tuple[str, ...] = ("rules", "people", "hooks")
    dry_run: bool = False
    action: str = "switch"
    "``switch``, or ``webhook`` or ``mqtt`` where something must be told as well."

    settings: Mapping[str, Json] = field(default_factory=dict)
    description: str = ""
    owner: str = ""
    violated_by: Mapping[str, Json] = field(default_factory=dict)
    "Which events show that a service does not obey it, as validated; empty: only what services say they have read."


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One act of setting a switch."""

    id: str
    switch: str
    key: str
    scope: Mapping[str, str]
    value: Json
    priority: int
    by: str
    reason: str
    origin: str
    "``rule``, ``person`` or ``hook:<name>``."

    set_at: Instant
    expires_at: Instant | None
    until: Until
    state: SettingState
    lasts: Milliseconds | None = None
    "Its whole time, counted from its approval; ``None`` where something else ends it."

    labels: Mapping[str, str] = field(default_factory=dict)
    "The labels its key was made from."

    alert: str = ""
    holders: tuple[str, ...] = ()
    "The alerts it is kept for (``until`` review or resolved): it ends with the last one."

    rule: str = ""
    owner: str = ""
    approved_by: str = ""
    ended_at: Instant | None = None
    ended_by: str = ""
    ended_why: str = ""
    begun: bool = False
    "Whether it is or was in force."

    settled: bool = False
    result: str = ""
    "What the service said that was told by webhook; empty until it has answered."


_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")


@cache
def places(key: str) -> tuple[str, ...]:
    """The labels a flag key is made of."""
    return tuple(_PLACE.findall(key))


def key_part(value: str) -> str:
    """A label's value as a part of a flag key: OFREP clients do not escape keys, so only ``a-z 0-9 . _ -`` may stand there."""
    return re.sub(r"[^a-z0-9._-]", "_", value.lower())


def fill(key: str, labels: Mapping[str, str]) -> str | None:
    """The flag key for these labels, ``None`` when one of them is missing."""
    if any(not labels.get(name) for name in places(key)):
        return None
    return _PLACE.sub(lambda found: key_part(labels[found[1]]), key)


@cache
def pattern(key: str) -> re.Pattern[str]:
    """What the keys made from this template look like."""
    out, at = "", 0
    for found in _PLACE.finditer(key):
        out += re.escape(key[at : found.start()]) + r"([a-z0-9._-]+)"
        at = found.end()
    return re.compile(out + re.escape(key[at:]))


def labels_in(template: str, key: str) -> dict[str, str] | None:
    """The labels a flag key was made from, as far as the key still shows them; ``None`` when it is no such key."""
    found = pattern(template).fullmatch(key)
    if found is None:
        return None
    return dict(zip(places(template), found.groups(), strict=True))
