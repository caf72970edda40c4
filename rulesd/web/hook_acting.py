"""What a hook does that may act: set or revert a switch, sign off or end a watch over a rollout, open or complete a review.

Law: a hook is limited like a rule (``may_set``, the hourly limit, approvals), and the same call sets no switch twice. It never approves.
"""

from collections.abc import Mapping

from aiohttp import web

from rulesd.core.reviews import VERDICTS
from rulesd.model.event import Json
from rulesd.ports.acting import Wish
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.hook_spec import Hook
from rulesd.web.small_body import text
from rulesd.web.switches import about, find_switch, labels_of, meant, ttl_of


def author(hook: Hook, fields: Mapping[str, Json]) -> str:
    """Under which name it is on record."""
    who = text(fields, "by", most=100)
    return f"{who} (hook {hook.name})" if who else f"hook {hook.name}"


async def set_switch(door: Door, hook: Hook, fields: Mapping[str, Json], call: str) -> web.Response:
    """``switch`` (name or key), ``labels``, ``reason``, and if wanted ``value``, ``ttl``, ``alert``."""
    switch, labels = find_switch(door, text(fields, "switch", most=200, required=True))
    reason = text(fields, "reason", most=door.settings.limits.note_chars)
    wish = Wish(
        switch=switch.name,
        by=author(hook, fields),
        reason=reason or f"by the hook {hook.name}",
        labels=labels | meant(switch, labels_of(fields)),
        value=fields.get("value"),
        ttl=ttl_of(fields),
        alert=text(fields, "alert", most=100),
        origin=f"hook:{hook.name}",
        id=f"{hook.name}:{call}"[:200] if call else "",
    )
    done = await door.daemon.acting.set(wish)
    if done.setting is None:
        return answer({"result": "already"})
    if done.refused:
        raise Refused(409, str(done.reason), done.refused)
    return answer({"result": str(done.reason), "setting": done.setting.id})


async def revert_switch(door: Door, hook: Hook, fields: Mapping[str, Json]) -> web.Response:
    """``setting``, or ``switch`` with ``labels``: what hooks of this name have set, and nothing else."""
    setting = text(fields, "setting", most=200)
    name = text(fields, "switch", most=200)
    if not setting and not name:
        raise Refused(400, "missing_field", "setting or switch is missing. Send one of them")
    labels: Mapping[str, str] = {}
    switch = None
    if name:
        switch, inside = find_switch(door, name)
        labels = inside | labels_of(fields)
    reason = text(fields, "reason", most=door.settings.limits.note_chars)
    ended: list[Json] = []
    for one in door.daemon.acting.settings():
        mine = one.origin == f"hook:{hook.name}"
        chosen = switch is not None and one.switch == switch.name and about(switch, one, labels)
        if mine and (one.id == setting or chosen):
            await door.daemon.acting.revert(one.id, author(hook, fields), reason)
            ended.append(one.id)
    return answer({"result": "done" if ended else "nothing_to_do", "settings": ended})


async def rollout(door: Door, hook: Hook, fields: Mapping[str, Json]) -> web.Response:
    """``change`` and ``act``: ``signoff`` or ``finish``. ``start`` is a ``deploy.change`` event, and done where events are."""
    change = text(fields, "change", most=200, required=True)
    act = text(fields, "act", most=20) or "finish"
    note = text(fields, "note", most=door.settings.limits.note_chars)
    if act not in ("signoff", "finish"):
        raise Refused(400, "invalid_value", "act must be start, signoff or finish")
    if not any(r.id == change for r, _ in door.daemon.acting.rollouts()):
        return answer({"result": "nothing_to_do"})
    if act == "signoff":
        await door.daemon.acting.sign_off(change, author(hook, fields), note)
    else:
        await door.daemon.acting.finish(change, author(hook, fields), note)
    return answer({"result": "done"})


async def review(door: Door, hook: Hook, fields: Mapping[str, Json]) -> web.Response:
    """``act: open`` with ``alert`` and ``note``; else ``review`` (or the ``alert`` it is about), ``verdict``, ``note``, ``next``."""
    if text(fields, "act", most=20) == "open":
        return await _open_review(door, hook, fields)
    most = door.settings.limits.note_chars
    id_, about = text(fields, "review", most=100), text(fields, "alert", most=100)
    verdict, next_ = text(fields, "verdict", most=20), text(fields, "next", most=most)
    if verdict not in VERDICTS:
        raise Refused(400, "invalid_value", f"verdict must be one of {', '.join(VERDICTS)}")
    if verdict == "harm" and not next_:
        raise Refused(
            400, "missing_field", "next is missing. Say what must happen before it is over"
        )
    for one in door.daemon.acting.reviews():
        if one.closed_at is None and (one.id == id_ or (about and one.alert.alert == about)):
            by, note = author(hook, fields), text(fields, "note", most=most)
            done = await door.daemon.acting.complete(one.id, by, verdict, note, next_)
            return answer({"result": str(done), "review": one.id})
    return answer({"result": "nothing_to_do"})


async def _open_review(door: Door, hook: Hook, fields: Mapping[str, Json]) -> web.Response:
    alert = text(fields, "alert", most=100, required=True)
    note = text(fields, "note", most=door.settings.limits.note_chars)
    found = await door.daemon.acting.open_review(alert, author(hook, fields), note)
    if found is None:
        return answer({"result": "nothing_to_do"})
    return answer({"result": "done", "review": found.id})
