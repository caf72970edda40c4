"""A setting as it is asked for, before anybody has looked whether it may be.

Law: pure, and every setting has an end. What should hold until a review or until an alert resolves, but has no such review or alert to
end it, gets one: a review of its own, or the switch's time.
"""

import json
from collections.abc import Mapping
from dataclasses import replace

from rulesd.core.switch_table import fits, scope_of
from rulesd.model.alert import Alert
from rulesd.model.fingerprint import episode_id
from rulesd.model.inputs import HumansOnly, SwitchSet
from rulesd.model.instant import MINUTE, Instant
from rulesd.model.reasons import AlertState
from rulesd.model.switch import Setting, SettingState, Switch, Until, fill, places


def asked(switch: Switch, item: SwitchSet, now: Instant, *, alert_is_open: bool) -> Setting:
    """What a person or a hook asks for."""
    until = switch.until if item.ttl is None else Until.TTL
    if until is Until.RESOLVED and not alert_is_open:
        until = Until.TTL
    ttl = switch.ttl if item.ttl is None else item.ttl
    held = (item.alert,) if item.alert else ()
    if until is Until.REVIEW and not held:
        held = (item.id,)
    made = _draft(switch, item.labels, now, until, ttl, by=item.by, reason=item.reason)
    value = json.loads(item.value) if item.value else switch.safe
    return replace(
        made, id=item.id, value=value, origin=item.origin, alert=item.alert, holders=held
    )


def asked_by_rule(switch: Switch, alert: Alert, now: Instant) -> Setting:
    """What the rule of an alert asks for."""
    labels = alert.all_labels()
    made = _draft(
        switch, labels, now, switch.until, switch.ttl, by=f"rule {alert.rule}", reason=alert.rule
    )
    return replace(
        made,
        id=episode_id("switch", (switch.name, made.key), alert.alert, now),
        origin="rule",
        alert=alert.alert,
        holders=(alert.alert,),
        rule=alert.rule,
        owner=alert.owner,
    )


def _draft(
    switch: Switch,
    labels: Mapping[str, str],
    now: Instant,
    until: Until,
    ttl: int,
    *,
    by: str,
    reason: str,
) -> Setting:
    timed = until is Until.TTL
    return Setting(
        id="",
        switch=switch.name,
        key=fill(switch.key, labels) or switch.key,
        scope=scope_of(switch, labels),
        labels={name: labels.get(name, "") for name in places(switch.key)},
        value=switch.safe,
        priority=switch.priority,
        by=by,
        reason=reason,
        origin="person",
        set_at=now,
        expires_at=now + ttl if timed else None,
        lasts=ttl if timed else None,
        until=until,
        state=SettingState.ACTIVE,
        owner=switch.owner,
    )


def only_people(item: HumansOnly, now: Instant) -> Setting:
    """The global switch as a setting, for the record."""
    return Setting(
        id=f"humans-only-{now}",
        switch="",
        key="humans_only",
        scope={},
        value=item.on,
        priority=0,
        by=item.by,
        reason=item.reason,
        origin="person",
        set_at=now,
        expires_at=None,
        until=Until.TTL,
        state=SettingState.ENDED,
        ended_at=now,
        ended_by=item.by,
        ended_why="on" if item.on else "off",
    )


def still_fits(setting: Setting, switch: Switch | None) -> bool:
    """Whether a setting means under this form of its switch what it meant when it was made."""
    return (
        switch is not None
        and (fill(switch.key, setting.labels) or switch.key) == setting.key
        and fits(switch, setting.value)
        and set(setting.scope) <= set(switch.scope)
    )


def same_effect(one: Setting, other: Setting) -> bool:
    """Whether two settings do the same thing."""
    return (one.switch, one.key, one.scope, one.value, one.until) == (
        other.switch, other.key, other.scope, other.value, other.until,
    )  # fmt: skip


def later_end(found: Setting, asked_for: Setting) -> Instant | None:
    """Its end from now on. A rule that asks all the time moves it by whole minutes only: services are told of every move."""
    if found.expires_at is None or asked_for.expires_at is None:
        return found.expires_at
    gained = asked_for.expires_at - found.expires_at
    least = 1 if asked_for.origin == "person" else MINUTE
    return asked_for.expires_at if gained >= least else found.expires_at


def review_of(setting: Setting, holder: str, now: Instant) -> Alert:
    """What a review is about when no alert is open that it could be about: the setting itself."""
    labels = {name: value for name, value in setting.labels.items() if value}
    return Alert(
        alert=holder,
        rule=setting.rule or f"switch:{setting.switch}",
        fingerprint="",
        labels={**labels, **setting.scope},
        context={},
        severity="high",
        owner=setting.owner,
        state=AlertState.FIRING,
        value=0.0,
        threshold=None,
        count=0,
        since=setting.set_at,
        event_time=setting.set_at,
        started_at=now,
    )
