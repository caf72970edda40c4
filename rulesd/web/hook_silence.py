"""What a hook does that may silence: it makes one silence, of what its call names.

Law: the same call makes no second silence. A hook never approves, so what must never happen pages all the same.
"""

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from rulesd.model.event import Json
from rulesd.model.silence import Silence, SilenceMatcher, SilenceState
from rulesd.web.answers import answer
from rulesd.web.door import Door
from rulesd.web.hook_spec import Hook
from rulesd.web.silence_body import FIELDS, read_silence, written
from rulesd.web.silences import refusal_of
from rulesd.web.small_body import text

CALL = "hook_call"
"The annotation that tells one call from the next."


async def silence(door: Door, hook: Hook, fields: Mapping[str, Json], call: str) -> web.Response:
    """Make it: ``matchers`` or the id of an ``alert``, ``for`` or ``ends_at``, ``comment``, ``by``."""
    who = text(fields, "by", most=100)
    named = {k: v for k, v in fields.items() if k in FIELDS and k not in ("by", "dry_run")}
    about = text(fields, "alert", most=200)
    if about and "matchers" not in named:
        matchers = of_alert(door, about)
        if not matchers:
            # As with other acts: senders tell of much that is none of ours.
            return answer({"result": "nothing_to_do"})
        named["matchers"] = [written(one) for one in matchers]
    named.setdefault("comment", f"by the hook {hook.name}")
    made = read_silence(named, door.daemon.now(), comment_chars=door.settings.limits.note_chars)
    author = f"{who} (hook {hook.name})" if who else f"hook {hook.name}"
    made = replace(
        made,
        created_by=author,
        annotations={**made.annotations, CALL: call} if call else made.annotations,
    )
    there = _same(door, made)
    if there is not None and (call or made.ends_at <= there.ends_at):
        return answer({"result": "already", "id": there.id})
    if there is not None:
        made = replace(made, id=there.id, starts_at=there.starts_at)
    result = await door.daemon.set_silence(made, author, whole=True)
    if result.refused is not None:
        raise refusal_of(result)
    return answer({"result": "done", "id": result.id})


def of_alert(door: Door, name: str) -> tuple[SilenceMatcher, ...]:
    """Matchers that speak of one alert: its name and the labels that make it distinct; none for an alert nobody knows."""
    for alert in door.daemon.alerts():
        if alert.alert == name:
            labels = dict(alert.labels)
            if alert.foreign is None:
                labels["alertname"] = alert.rule
            return tuple(SilenceMatcher(name=k, value=v) for k, v in sorted(labels.items()))
    return ()


def _same(door: Door, made: Silence) -> Silence | None:
    """The silence this call, or the same wish without an id, has made already."""
    now = door.daemon.now()
    for one in door.daemon.silences(now):
        alike = all(
            getattr(one, name) == getattr(made, name)
            for name in ("matchers", "created_by", "comment", "annotations")
        )
        if alike and (CALL in made.annotations or one.state(now) is not SilenceState.EXPIRED):
            return one
    return None
