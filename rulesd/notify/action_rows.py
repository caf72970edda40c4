"""What a change of a switch or the end of a watch owes: the switch's webhook, and a change event for the record beside incidents.

Law: pure. The same change gives the same rows, ids included: ``<setting>/set``, ``<setting>/end``, and ``<setting>/until-<ms>`` when its end
was moved, so that a service which is told twice does it once. A setting that never was in force owes nothing.
"""

import json

import msgspec

from rulesd.core.plan import Plan
from rulesd.core.rollout_notice import what
from rulesd.model.decision import RolloutChanged, SwitchChanged
from rulesd.model.instant import format_instant
from rulesd.model.notification import ActionCall, Notification
from rulesd.model.reasons import Reason
from rulesd.model.switch import Setting
from rulesd.notify.changes import change_rows
from rulesd.ports.store import OutboxRow

CHANNEL = "webhook[0]"

_BEGINS = (Reason.SET, Reason.APPROVED)
_ENDS = (
    Reason.EXPIRED, Reason.REVERTED, Reason.REVIEW_RELEASED, Reason.ALERT_RESOLVED, Reason.SWITCH_REMOVED,
)  # fmt: skip


def receiver_of(switch: str) -> str:
    """Under which receiver an action's rows stand in the outbox."""
    return f"action:{switch}"


def order_of(setting: Setting) -> str:
    """Orders of one place leave strictly in turn: one flag for one scope, so that the end of one setting never overtakes the next one's begin."""
    scope = ",".join(f"{name}={value}" for name, value in sorted(setting.scope.items()))
    return f"{setting.key}?{scope}"


def switch_rows(changed: SwitchChanged, plan: Plan) -> list[OutboxRow]:
    """What a change of a switch owes: the webhook of that switch, and a change event beside incidents."""
    setting = changed.setting
    switch = plan.switches.get(setting.switch)
    webhook = switch is not None and switch.action == "webhook"
    if changed.reason is Reason.MOVED and webhook:
        return [_row(changed, f"until-{setting.expires_at}")]
    begins = changed.reason in _BEGINS
    if not begins and not (changed.reason in _ENDS and setting.begun):
        return []
    verb = "set" if begins else "lifted"
    rows = change_rows(
        plan,
        at=changed.at,
        key=f"switch\x1f{setting.id}\x1f{verb}",
        title=_title(setting, verb),
        lines=(f"by {setting.ended_by or setting.by}: {setting.ended_why or setting.reason}",),
        source="rulesd",
    )
    if webhook:
        rows.append(_row(changed, "set" if begins else "end"))
    return rows


def rollout_rows(changed: RolloutChanged, plan: Plan) -> list[OutboxRow]:
    """The verdict of a watch that is over, beside incidents."""
    if changed.reason not in (Reason.ROLLOUT_OVER, Reason.ROLLED_BACK):
        return []
    rollout, finding = changed.rollout, changed.finding
    said = [f"failed: {line}" for line in finding.failures]
    said += [f"missing: {line}" for line in finding.missing]
    return change_rows(
        plan,
        at=changed.at,
        key=f"rollout\x1f{rollout.id}\x1f{rollout.started_at}\x1f{changed.at}",
        title=f"{what(rollout)}: {finding.verdict}",
        lines=(*said[:10], f"events of the new version: {rollout.seen}"),
        source="rulesd",
    )


def _title(setting: Setting, verb: str) -> str:
    where = ", ".join(f"{k}={v}" for k, v in sorted(setting.scope.items())) or "everybody"
    return f"{setting.switch} {verb} for {where} ({setting.key})"


def _row(changed: SwitchChanged, verb: str) -> OutboxRow:
    setting, over = changed.setting, verb == "end"
    call = ActionCall(
        setting=setting.id,
        switch=setting.switch,
        key=setting.key,
        scope=dict(setting.scope),
        set_to=json.dumps(setting.value),
        value=json.dumps(changed.value),
        state="ended" if over else "set",
        by=setting.ended_by if over else setting.by,
        reason=setting.ended_why if over else setting.reason,
        alert=setting.alert,
        rule=setting.rule,
        expires_at="" if setting.expires_at is None else format_instant(setting.expires_at),
    )
    receiver, place = receiver_of(setting.switch), order_of(setting)
    note = Notification(
        id=f"{setting.id}/{verb}",
        receiver=receiver,
        group=setting.key,
        group_labels=dict(setting.scope),
        incident=place,
        status="resolved" if over else "firing",
        reason=str(changed.reason),
        page=True,
        at=format_instant(changed.at),
        alerts=(),
        title=_title(setting, "lifted" if over else "set"),
        action=call,
    )
    return OutboxRow(
        id=note.id,
        receiver=receiver,
        channel=CHANNEL,
        incident=place,
        priority=0,
        created=changed.at,
        body=msgspec.json.encode(note),
    )
