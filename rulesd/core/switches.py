"""Kill switches: what is set, by whom, until when; and what is refused, with the reason.

Law: pure, bounded, reversible. Every setting ends by itself; a rule or a hook can set a switch only so often and only where it is
allowed; a wide one waits for a second person; the state shown is the state in force. Ends are deadlines in processing time, so
one that fell into a downtime is carried out first thing after it, stamped with the time it was due.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Plan
from rulesd.core.switch_draft import (
    asked,
    asked_by_rule,
    later_end,
    only_people,
    same_effect,
    still_fits,
)
from rulesd.core.switch_guard import (
    REFUSED,
    Guard,
    asks,
    has_webhook,
    notice,
    same_person,
    unheard,
    untold,
)
from rulesd.core.switch_state import deadline, dump_setting, load_setting, settles
from rulesd.core.switch_table import Shown, SwitchTable
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
from rulesd.model.switch import Setting, SettingState, Switch, Until

HISTORY = 1_000
"Ended settings, and as many refused ones, that are kept for people to see; the decision log has them all."

MOST_HOLDERS = 100
"Alerts that may keep one setting."

PATIENCE: Milliseconds = HOUR
"How long a setting waits for its approval."


class Switches:
    """All settings of one engine."""

    name = "switches"

    def __init__(
        self, plan: Plan, alert_of: Callable[[str], Alert | None] = lambda _id: None
    ) -> None:
        """Nothing is set. ``alert_of``: the open alert of an episode id."""
        self.plan = plan
        self.due: Instant = NOT_DUE
        self.open: dict[str, Setting] = {}
        "By id, in the order in which they were made."
        self.ended: deque[Setting] = deque(maxlen=HISTORY)
        self.refused: deque[Setting] = deque(maxlen=HISTORY)
        "Apart, so that a rule that is refused all the time does not wash away what was set."
        self.humans_only = plan.humans_only
        self.table = SwitchTable(plan.switches)
        self.version = 0
        "Grows with every change of what services read."
        self.guard = Guard()
        self._alert_of = alert_of
        self._said: dict[str, Instant] = {}
        "By setting: when it was last said that it was set again."

    def shown(self) -> Shown:
        """What is in force now."""
        return Shown(
            version=self.version,
            table=self.table,
            settings=tuple(self.open.values()),
            humans_only=self.humans_only,
        )

    def history(self) -> list[Setting]:
        """Settings that have ended or were refused, the latest first."""
        rows = [*self.ended, *self.refused]
        return sorted(rows, key=lambda s: s.ended_at or 0, reverse=True)

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
        if switch is None or item.id in self.open or any(s.id == item.id for s in self.history()):
            return
        is_open = bool(item.alert) and self._alert_of(item.alert) is not None
        setting = asked(switch, item, now, alert_is_open=is_open)
        self._set(switch, setting, item.labels, item.dry_run or switch.dry_run, now, out)

    def _approve(self, item: SwitchApproved, now: Instant, out: list[Decision]) -> None:
        setting = self.open.get(item.id)
        if setting is None or setting.state is not SettingState.PENDING:
            return
        if same_person(item.by, setting.by):
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
        setting = only_people(item, now)
        self.ended.append(setting)
        self._changed()
        out.append(SwitchChanged(at=now, reason=Reason.HUMANS_ONLY, setting=setting, value=item.on))

    def _answered(self, item: Delivered, now: Instant, out: list[Decision]) -> None:
        """A webhook was told; its idempotency id begins with the setting's."""
        id_, _, verb = item.notification.rpartition("/")
        self._result(id_, f"{item.outcome}: {item.reason}", now, out)
        if item.outcome is not DeliveryOutcome.FAILED:
            return
        if id_ in self.open:
            out.append(unheard(self.plan, self.open[id_], item.reason, now))
        elif verb == "end":
            over = next((s for s in self.ended if s.id == id_), None)
            if over is not None:
                out.append(
                    untold(self.plan, over, f"the webhook was given up ({item.reason})", now)
                )

    def observe(self, event: Event, now: Instant, out: list[Decision]) -> None:
        """An ``action.result`` event: what a service that took an order has to say (``setting``, ``outcome``)."""
        data = event.document.get("data")
        if not isinstance(data, dict):
            return
        setting = self.open.get(str(data.get("setting", "")))
        if setting is None or event.tenant not in ("", setting.scope.get("tenant", event.tenant)):
            return  # Nobody reports for another tenant.
        words = f"{data.get('outcome', 'done')}, says {event.source}"
        self._result(setting.id, words, now, out)

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
        made = asked_by_rule(switch, alert, now)
        self._set(switch, made, alert.all_labels(), switch.dry_run, now, out)

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

    def _set(
        self,
        switch: Switch,
        setting: Setting,
        labels: Mapping[str, str],
        trial: bool,
        now: Instant,
        out: list[Decision],
    ) -> None:
        refused = self.guard.refused(switch, setting, labels, humans_only=self.humans_only)
        if refused is None and self._again(setting, trial, now, out):
            return
        refused = refused or self.guard.admit(switch, setting, now)
        if refused is not None:
            self._refuse(setting, refused, now, out)
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
            out.append(notice(self.plan, made, None, now))

    def _refuse(self, setting: Setting, why: Reason, now: Instant, out: list[Decision]) -> None:
        """On record always. Told to its owner, unless a person asked, who reads the answer; or the file leaves it to people anyway."""
        over = replace(
            setting,
            state=SettingState.ENDED,
            ended_at=now,
            ended_by="rulesd",
            ended_why=REFUSED[why],
        )
        self.refused.append(over)
        self._say(why, over, now, out)
        quiet = setting.origin == "person"
        quiet = quiet or (setting.origin == "rule" and why is Reason.REFUSED_ORIGIN)
        count = 0 if quiet else self.guard.tell(setting, why, now)
        if count:
            out.append(notice(self.plan, setting, why, now, count))

    def _again(self, setting: Setting, trial: bool, now: Instant, out: list[Decision]) -> bool:
        """It is set already, or waits: note who else holds it and move its end, which is said.

        What waits for approval is not prolonged by asking again; a setting on trial contains nothing, so a real one is made beside it.
        """
        found = next((s for s in self.open.values() if same_effect(s, setting)), None)
        if found is None or (found.state is SettingState.TRIAL and not trial):
            return False
        new = () if found.until is Until.TTL else tuple(
            h for h in setting.holders if h not in (*found.holders, setting.id)
        )  # fmt: skip
        if len(found.holders) >= MOST_HOLDERS:
            new = ()
        ends = found.expires_at
        if found.state is SettingState.ACTIVE and not trial:
            ends = later_end(found, setting)
        moved = ends != found.expires_at
        found = self.open[found.id] = replace(
            found, expires_at=ends, holders=(*found.holders, *new)
        )
        if moved:
            self._said[found.id] = now
            self._changed()
            self._say(Reason.MOVED, found, now, out)
        elif new or now - self._said.get(found.id, found.set_at) >= MINUTE:
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
                if has_webhook(self.plan, made) and not made.result:
                    out.append(unheard(self.plan, made, None, now))
        self._look()

    def replace(self, plan: Plan, now: Instant, out: list[Decision]) -> None:
        """Take a new plan; settings that would mean something else under it, or nothing, end."""
        before, self.plan = self.plan, plan
        if plan.humans_only is not before.humans_only:
            self.humans_only = plan.humans_only
        for setting in list(self.open.values()):
            if still_fits(setting, plan.switches.get(setting.switch)):
                continue
            self._end(setting.id, Reason.SWITCH_REMOVED, "rulesd", "", now, out)
            told = has_webhook(before, setting) and setting.begun
            if told and not has_webhook(plan, setting):
                why = "its webhook is no longer in switches.yaml"
                out.append(untold(plan, setting, why, now))
        self._changed()

    def alerts(self) -> list[Alert]:
        """None live here."""
        return []

    def dump(self) -> Json:
        """Plain data."""
        return {
            "open": [dump_setting(s) for s in self.open.values()],
            "ended": [dump_setting(s) for s in self.ended],
            "refused": [dump_setting(s) for s in self.refused],
            "guard": self.guard.dump(),
            "said": dict(self._said),
            "humans_only": self.humans_only,
            "version": self.version,
        }

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        opened, said = data["open"], data["said"]
        assert isinstance(opened, list)
        assert isinstance(said, dict)
        for row in opened:
            setting = load_setting(row)
            self.open[setting.id] = setting
        for name, kept in (("ended", self.ended), ("refused", self.refused)):
            rows = data.get(name, [])
            assert isinstance(rows, list)
            kept.extend(load_setting(row) for row in rows)
        self.guard.load(data.get("guard", {"recent": data.get("recent", {}), "told": {}}))
        self._said = {k: int(str(v)) for k, v in said.items()}
        self.humans_only = data["humans_only"] is True
        self.version = int(str(data["version"])) - 1
        self._changed()
