"""A setting as plain data and as a sentence, and when it next needs attention.

Law: what is dumped is read back as it was.
"""

import json
from dataclasses import fields

from rulesd.core.machine import NOT_DUE
from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant
from rulesd.model.switch import SETTLED, Setting, SettingState, Until


def dump_setting(setting: Setting) -> Json:
    """Plain data."""
    out: dict[str, Json] = {f.name: getattr(setting, f.name) for f in fields(setting)}
    return out | {
        "scope": dict(setting.scope),
        "labels": dict(setting.labels),
        "holders": list(setting.holders),
        "until": str(setting.until),
        "state": str(setting.state),
    }


def load_setting(data: Json) -> Setting:
    """From what ``dump_setting`` gave."""
    assert isinstance(data, dict)
    holders = data["holders"]
    assert isinstance(holders, list)
    values: dict[str, object] = {
        **data,
        "holders": tuple(str(h) for h in holders),
        "until": Until(str(data["until"])),
        "state": SettingState(str(data["state"])),
    }
    return Setting(**values)  # type: ignore[arg-type]


def settles(setting: Setting) -> Instant:
    """From when on services must obey it."""
    if setting.settled or setting.state is not SettingState.ACTIVE:
        return NOT_DUE
    return setting.set_at + SETTLED


def deadline(setting: Setting) -> Instant:
    """When it next needs attention."""
    end = NOT_DUE if setting.expires_at is None else setting.expires_at
    return min(end, settles(setting))


def where(setting: Setting) -> str:
    """For whom it is, in words."""
    return ", ".join(f"{k}={v}" for k, v in sorted(setting.scope.items())) or "everybody"


def describe(setting: Setting) -> str:
    """One sentence for people."""
    ends = {
        Until.REVIEW: "until a review releases it",
        Until.RESOLVED: "until its alert resolves",
    }.get(setting.until, "")
    if setting.expires_at is not None:
        ends = f"until {format_instant(setting.expires_at)}"
    return (
        f"{setting.key} = {json.dumps(setting.value)} for {where(setting)}, {ends}, by {setting.by}"
    )
