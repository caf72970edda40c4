"""What can be contained with a button, and what an act on a switch came to, in one sentence for whoever pressed it.

Law: offers what the button in Slack offers; says what holds now, for whom and until when; and of a refusal why, and what to do instead.
"""

import json
from collections.abc import Sequence

from rulesd.core.plan import Plan
from rulesd.core.switch_state import describe, where
from rulesd.core.switch_table import scope_of
from rulesd.model.alert import Alert
from rulesd.model.duration import format_duration
from rulesd.model.reasons import AlertState, Reason
from rulesd.model.switch import Setting, SettingState, Switch, Until, fill
from rulesd.ports.acting import SwitchAnswer


def containing(plan: Plan, alert: Alert, tenant: str = "") -> tuple[Switch, ...]:
    """The switches a person may set from this alert; none for a caller of one ``tenant`` when any would be set for others, too."""
    position = None if alert.foreign else plan.by_id.get(alert.rule)
    if position is None or alert.state is AlertState.RESOLVED:
        return ()
    known = [plan.switches[n] for n in plan.rules[position].actions if n in plan.switches]
    if tenant and any("tenant" not in s.scope for s in known):
        return ()
    return tuple(s for s in known if "people" in s.may_set)


def offered(switch: Switch, alert: Alert, standing: Sequence[Setting]) -> tuple[str, bool] | None:
    """What the button would set for this alert, in words, and whether it is in force already; ``None``: the key lacks a label."""
    labels = alert.all_labels()
    key, scope = fill(switch.key, labels), scope_of(switch, labels)
    if key is None:
        return None
    whom = ", ".join(f"{k}={v}" for k, v in sorted(scope.items())) or "everybody"
    ends = _ENDS.get(switch.until) or f"for {format_duration(switch.ttl)}"
    holds = any(
        s.switch == switch.name and s.key == key and s.scope == scope
        for s in standing
        if s.state is SettingState.ACTIVE
    )
    return f"{key} = {json.dumps(switch.safe)} for {whom}, {ends}", holds


_ENDS = {Until.REVIEW: "until a review", Until.RESOLVED: "until its alert resolves"}


def contained(done: SwitchAnswer) -> str:
    """The sentence."""
    setting = done.setting
    if setting is None:
        return "That is not set, and has not been lately."
    if done.refused:
        return f"{setting.switch} was not changed: {done.refused}."
    if setting.state is SettingState.PENDING:
        return (
            f"{setting.key} for {where(setting)} waits for a second person: "
            f"rulesd switch approve {setting.id}"
        )
    if setting.state is SettingState.TRIAL:
        return f"{setting.switch} is on trial: this was written down and contains nothing."
    if setting.state is SettingState.ENDED:
        return f"Lifted: {setting.key} for {where(setting)}."
    before = "It is so already: " if done.reason is Reason.SET_AGAIN else "Contained: "
    return f"{before}{describe(setting)}."
