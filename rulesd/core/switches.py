"""Kill switches: what is set, by whom, until when; and what is refused, with the reason.

Law: pure, bounded, reversible. Every setting ends by itself; a rule or a hook can set a switch only so often and only where it is
allowed; a wide one waits for a second person; the state shown is the state in force. Ends are deadlines in processing time, so
one that fell into a downtime is carried out first thing after it, stamped with the time it was due.
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Plan
from rulesd.core.switch_guard import REFUSED, Guard, asks, notice, unheard
from rulesd.core.switch_state import deadline, dump_setting, load_setting, settles
from rulesd.core.switch_table import SwitchTable, scope_of
from rulesd.model.alert import Alert
from rulesd.model.decision import (
    ActionDue,
    AlertChanged,
    Decision,
    Kind,
    ReviewClosed,
    SwitchChanged,
)
from rulesd.model.event import Event, Json
from rulesd.model.fingerprint import episode_id
from rulesd.model.inputs import (
    Delivered,
    HumansOnly,
    Input,
    SwitchApproved,
    SwitchReverted,
    SwitchSet,
)
from rulesd.model.instant import HOUR, MINUTE, Instant, Milliseconds
from rulesd.model.reasons import DeliveryOutcome, Reason
from rulesd.model.switch import Setting, SettingState, Switch, Until, fill, places

HISTORY = 1_000
"Ended settings that are kept for people to see; the decision log has them all."

MOST_HOLDERS = 100
"Alerts that may keep one setting."

PATIENCE: Milliseconds = HOUR
"How long a setting waits for its approval."


class Switches:
    """All settings of one engine."""

    name = "switches"

    def __init__(self, plan: Plan) -> None:
        """Nothing is set."""
        self.plan = plan
        self.due: Instant = NOT_DUE
        self.open: dict[str, Setting] = {}
        "By id, in the order in which they were made."
        self.ended: deque[Setting] = deque(maxlen=HISTORY)
        self.humans_only = plan.humans_only
        self.table = SwitchTable(plan.switches)
        self.version = 0
        "Grows with every change of what services read."
        self.guard = Guard()
        self._said: dict[str, Instant] = {}
        "By setting: when it was last said that it was set again."

    # ------------------------------------------------------------------ inputs

    def take(self, item: Input, now: Instant, out: list[Decision]) -> bool:
        """Settings, approvals, ends, the global switch, and what a webhook answered."""
        match item:
            case SwitchSet():
                self._asked(item, now, out)
            case SwitchApproved():
                self._approve(item, now, out)
            case SwitchReverted():
                if item.id in self.open:
                    self._end(item.id, Reason.REVERTED, item.by, item.reason, now, out)
            case HumansOnly():
                self._only_people(item, now, out)
            case Delivered() if item.receiver.startswith("action:"):
                self._answered(item, now, out)
            case _:
                return False
        return True

    def _asked(self, item: SwitchSet, now: Instant, out: list[Decision]) -> None:
        switch = self.plan.switches.get(item.switch)
        if switch is None or item.id in self.open or any(s.id == item.id for s in self.ended):
            return
        value = json.loads(item.value) if item.value else switch.safe
        ttl = switch.ttl if item.ttl is None else item.ttl
        setting = self._draft(switch, item.labels, value, now, ttl, by=item.by, reason=item.reason)
        if item.ttl is not None:
            setting = replace(setting, until=Until.TTL, expires_at=now + ttl, lasts=ttl)
        held = (item.alert,) if item.alert else ()
        made = replace(setting, id=item.id, origin=item.origin, alert=item.alert, holders=held)
        trial = item.dry_run or switch.dry_run
        self._set(switch, made, item.labels, trial, now, out)

    def _approve(self, item: SwitchApproved, now: Instant, out: list[Decision]) -> None:
        setting = self.open.get(item.id)
        if setting is None or setting.state is not SettingState.PENDING:
            return
        if item.by == setting.by:
            self._say(Reason.REFUSED_APPROVER, setting, now, out)
            return
        end = None if setting.lasts is None else now + setting.lasts
        self.open[item.id] = replace(
            setting,
            state=SettingState.ACTIVE,
            approved_by=item.by,
            set_at=now,
            expires_at=end,
            begun=True,
        )
        self._changed()
        self._say(Reason.APPROVED, self.open[item.id], now, out)

    def _only_people(self, item: HumansOnly, now: Instant, out: list[Decision]) -> None:
        if item.on == self.humans_only:
            return
        self.humans_only = item.on
        state = SettingState.ACTIVE if item.on else SettingState.ENDED
        setting = Setting(
            id="humans-only",
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
            state=state,
        )
        out.append(SwitchChanged(at=now, reason=Reason.HUMANS_ONLY, setting=setting, value=item.on))

    def _answered(self, item: Delivered, now: Instant, out: list[Decision]) -> None:
        """A webhook was told; its idempotency id begins with the setting's."""
        id_ = item.notification.partition("/")[0]
        self._result(id_, f"{item.outcome}: {item.reason}", now, out)
        if id_ in self.open and item.outcome is DeliveryOutcome.FAILED:
            told = unheard(self.plan, self.open[id_], item.reason, now)
            out.append(told)

    def observe(self, event: Event, now: Instant, out: list[Decision]) -> None:
        """An ``action.result`` event: what a service that took an order has to say (``setting``, ``outcome``)."""
        data = event.document.get("data")
        if isinstance(data, dict):
            words = f"{data.get('outcome', 'done')}, says {event.source}"
            self._result(str(data.get("setting", "")), words, now, out)

    def _result(self, id_: str, words: str, now: Instant, out: list[Decision]) -> None:
        if id_ in self.open and self.open[id_].result != words:
            self.open[id_] = replace(self.open[id_], result=words)
            self._say(Reason.ACTION_RESULT, self.open[id_], now, out)

    # ------------------------------------------------------------------ decisions of others

    def follow(self, decision: Decision, now: Instant, out: list[Decision]) -> None:
        """Rules act; alerts that resolve and reviews that are done end what waits for them."""
        match decision:
            case ActionDue():
                self._rule_asks(decision.action, decision.alert, now, out)
            case AlertChanged(kind=Kind.RESOLVED, alert=alert):
                self._over(
                    alert.alert, Until.RESOLVED, Reason.ALERT_RESOLVED, "the alert", now, out
                )
            case ReviewClosed():
                self._reviewed(decision, now, out)

    def _rule_asks(self, name: str, alert: Alert, now: Instant, out: list[Decision]) -> None:
        switch = self.plan.switches.get(name)
        if switch is None:
            return
        labels = alert.all_labels()
        setting = self._draft(
            switch, labels, switch.safe, now, switch.ttl, by=f"rule {alert.rule}", reason=alert.rule
        )
        made = replace(
            setting,
            id=episode_id("switch", (name, setting.key), alert.alert, now),
            origin="rule",
            alert=alert.alert,
            holders=(alert.alert,),
            rule=alert.rule,
            owner=alert.owner,
        )
        self._set(switch, made, labels, switch.dry_run, now, out)

    def _reviewed(self, closed: ReviewClosed, now: Instant, out: list[Decision]) -> None:
        alert = closed.alert.alert
        if closed.verdict == "harm":
            for setting in list(self.open.values()):
                if alert in setting.holders and setting.until is Until.REVIEW:
                    self._say(Reason.REVIEW_KEPT, setting, now, out)
            return
        why = Reason.REVIEW_RELEASED
        self._over(alert, Until.REVIEW, why, closed.by, now, out)

    def _over(
        self, alert: str, until: Until, why: Reason, by: str, now: Instant, out: list[Decision]
    ) -> None:
        for setting in list(self.open.values()):
            if setting.until is not until or alert not in setting.holders:
                continue
            left = tuple(h for h in setting.holders if h != alert)
            self.open[setting.id] = replace(setting, holders=left)
            if not left:
                self._end(setting.id, why, by, "", now, out)

    # ------------------------------------------------------------------ setting

    def _draft(
        self,
        switch: Switch,
        labels: Mapping[str, str],
        value: Json,
        now: Instant,
        ttl: int,
        *,
        by: str,
        reason: str,
    ) -> Setting:
        timed = switch.until is Until.TTL
        return Setting(
            id="",
            switch=switch.name,
            key=fill(switch.key, labels) or switch.key,
            scope=scope_of(switch, labels),
            labels={name: labels.get(name, "") for name in places(switch.key)},
            value=value,
            priority=switch.priority,
            by=by,
            reason=reason,
            origin="person",
            set_at=now,
            expires_at=now + ttl if timed else None,
            lasts=ttl if timed else None,
            until=switch.until,
            state=SettingState.ACTIVE,
            owner=switch.owner,
        )

    def _set(
        self,
        switch: Switch,
        setting: Setting,
        labels: Mapping[str, str],
        trial: bool,
        now: Instant,
        out: list[Decision],
    ) -> None:
        if self._again(setting, now, out):
            return
        refused = self.guard.refused(switch, setting, labels, now, humans_only=self.humans_only)
        if refused is not None:
            over = replace(
                setting,
                state=SettingState.ENDED,
                ended_at=now,
                ended_by="rulesd",
                ended_why=REFUSED[refused],
            )
            self.ended.append(over)
            self._say(refused, over, now, out)
            self._tell(setting, refused, now, out)
            return
        state, reason = SettingState.ACTIVE, Reason.SET
        if trial:
            state, reason = SettingState.TRIAL, Reason.DRY_RUN
        elif asks(switch, setting):
            state, reason = SettingState.PENDING, Reason.APPROVAL_NEEDED
            setting = replace(setting, expires_at=now + PATIENCE)
        begun = state is SettingState.ACTIVE
        self.open[setting.id] = made = replace(setting, state=state, begun=begun)
        self._changed()
        self._say(reason, made, now, out)
        if state is SettingState.PENDING:
            self._tell(made, None, now, out)

    def _tell(
        self, setting: Setting, why: Reason | None, now: Instant, out: list[Decision]
    ) -> None:
        told = notice(self.plan, setting, why, now)
        if told is not None:
            out.append(told)

    def _again(self, setting: Setting, now: Instant, out: list[Decision]) -> bool:
        """The same setting is in force: move its end, and say so for each new holder, else at most once a minute."""
        found = next((s for s in self.open.values() if _same(s, setting)), None)
        if found is None:
            return False
        ends = (found.expires_at, setting.expires_at)
        later = max(e for e in ends if e is not None) if None not in ends else found.expires_at
        new = [h for h in setting.holders if h not in found.holders]
        if found.until is Until.TTL or len(found.holders) >= MOST_HOLDERS:
            new = []
        holders = (*found.holders, *new)
        found = self.open[found.id] = replace(found, expires_at=later, holders=holders)
        self._look()
        if new or now - self._said.get(found.id, found.set_at) >= MINUTE:
            self._said[found.id] = now
            self._say(Reason.SET_AGAIN, found, now, out)
        return True

    def _end(
        self, id_: str, why: Reason, by: str, words: str, now: Instant, out: list[Decision]
    ) -> None:
        over = replace(
            self.open.pop(id_),
            state=SettingState.ENDED,
            ended_at=now,
            ended_by=by,
            ended_why=words or str(why),
        )
        self._said.pop(id_, None)
        self.ended.append(over)
        self._changed()
        self._say(why, over, now, out)

    def _changed(self) -> None:
        self.version += 1
        self.table = SwitchTable(self.plan.switches, self.open.values())
        self._look()

    # ------------------------------------------------------------------ saying so

    def _say(self, reason: Reason, setting: Setting, now: Instant, out: list[Decision]) -> None:
        found = self.table.verdict(setting.key, setting.scope)
        value = None if found is None else found.value
        out.append(SwitchChanged(at=now, reason=reason, setting=setting, value=value))

    # ------------------------------------------------------------------ time, plans, state

    def _look(self) -> None:
        self.due = min((deadline(s) for s in self.open.values()), default=NOT_DUE)

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """End what has expired; from a while after it was set, a setting must be obeyed."""
        for setting in list(self.open.values()):
            if setting.expires_at is not None and setting.expires_at <= now:
                self._end(setting.id, Reason.EXPIRED, "rulesd", "", now, out)
            elif settles(setting) <= now:
                self.open[setting.id] = made = replace(setting, settled=True)
                self._say(Reason.SETTLED, made, now, out)
        self._look()

    def replace(self, plan: Plan, now: Instant, out: list[Decision]) -> None:
        """Take a new plan; settings of a switch that is gone end."""
        self.plan = plan
        for setting in list(self.open.values()):
            if setting.switch not in plan.switches:
                self._end(setting.id, Reason.SWITCH_REMOVED, "rulesd", "", now, out)
        self._changed()

    def alerts(self) -> list[Alert]:
        """None live here."""
        return []

    def dump(self) -> Json:
        """Plain data."""
        return {
            "open": [dump_setting(s) for s in self.open.values()],
            "ended": [dump_setting(s) for s in self.ended],
            "recent": self.guard.dump(),
            "said": dict(self._said),
            "humans_only": self.humans_only,
            "version": self.version,
        }

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        opened, ended, said = data["open"], data["ended"], data["said"]
        assert isinstance(opened, list)
        assert isinstance(ended, list)
        assert isinstance(said, dict)
        for row in opened:
            setting = load_setting(row)
            self.open[setting.id] = setting
        self.ended.extend(load_setting(row) for row in ended)
        self.guard.load(data["recent"])
        self._said = {k: int(str(v)) for k, v in said.items()}
        self.humans_only = data["humans_only"] is True
        self.version = int(str(data["version"])) - 1
        self._changed()


def _same(one: Setting, other: Setting) -> bool:
    """Whether two settings do the same thing."""
    return (one.switch, one.key, one.scope, one.value, one.until) == (
        other.switch, other.key, other.scope, other.value, other.until,
    )  # fmt: skip
