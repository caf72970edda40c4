"""Rollouts under watch: from the deploy event to a verdict with evidence, and to the rollback.

Law: pure. A watch opens with the change and captures what was usual before it; it counts what carries the new version, gathers the alerts
that fire meanwhile and says how each is tied to the change; it ends by time. The first failure asks for the rollback, once.
An alert is tied to a change when it names the new version or the component, when its rule watches releases, or when its rule was
quiet in as much time before; what only happened meanwhile is listed and fails nothing. When a watch ends its owner is told the verdict.
Nobody's events touch the change of another tenant.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from operator import attrgetter

from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Plan
from rulesd.core.rollout_notice import release_alert, verdict_notice
from rulesd.core.rollout_state import dump_rollout, load_rollout
from rulesd.model.alert import Alert
from rulesd.model.decision import ActionDue, AlertChanged, Decision, Kind, RolloutChanged
from rulesd.model.duration import format_duration
from rulesd.model.event import Event, Json
from rulesd.model.inputs import Input, RolloutFinished, RolloutSigned
from rulesd.model.instant import DAY, MINUTE, Instant
from rulesd.model.quick import quick
from rulesd.model.reasons import Reason
from rulesd.model.rollout import Criteria, Finding, Rollout, Seen, Verdict, judge

TYPES = frozenset({"deploy.change", "redteam.finding"})
"Events that are about changes; of others only the version is looked at, and only while a watch is open."

VERSIONS = (
    "release", "model", "policy_version", "prompt_version", "agent_version", "classifier_version", "version",
)  # fmt: skip
"Labels that say which version an event came from."

MOST_OPEN, MOST_ALERTS, HISTORY, MEMORY = 200, 200, 500, 20_000

_FIELDS = tuple(field.name for field in fields(Rollout))
_SEEN = _FIELDS.index("seen")
_values, _made = attrgetter(*_FIELDS), quick(Rollout, *_FIELDS)


class Rollouts:
    """All watches of one engine."""

    name = "rollouts"

    def __init__(self, plan: Plan, reviews: Callable[[], int]) -> None:
        """``reviews``: how many critical reviews are open."""
        self.plan = plan
        self.due: Instant = NOT_DUE
        self.open: dict[str, Rollout] = {}
        self.closed: deque[Rollout] = deque(maxlen=HISTORY)
        self._fired: deque[tuple[Instant, str]] = deque(maxlen=MEMORY)
        "When rules fired lately: the baseline."
        self._reviews = reviews

    # ------------------------------------------------------------------ events

    def observe(self, event: Event, now: Instant, out: list[Decision]) -> None:
        """A deploy, a red-team finding, or traffic of a new version."""
        data = event.document.get("data")
        if not isinstance(data, dict):
            return
        if event.type == "deploy.change":
            self._deployed(event, data, now, out)
        elif event.type == "redteam.finding":
            self._tested(data, event.tenant, now, out)
        else:
            self._count(data, event.weight)

    def _deployed(
        self, event: Event, data: Mapping[str, Json], now: Instant, out: list[Decision]
    ) -> None:
        id_ = _text(data, "change_id") or event.id
        standing = self.find(id_)
        if standing is not None and standing.tenant != event.tenant:
            id_ = f"{event.tenant or 'everybody'}:{id_}"
        stage, known = _text(data, "stage"), self.open.get(id_)
        if stage == "rollback":
            if known is not None:
                self._close(replace(known, stage=stage, rolled_back=True), now, out)
            return
        kind = _text(data, "kind")
        criteria = self.plan.rollouts.get(kind) or self.plan.rollouts.get("default") or Criteria()
        if known is not None:
            grown = replace(known, stage=stage, ends_at=now + criteria.watch)
            self._keep(grown, Reason.ROLLOUT_STAGE, now, out)
            return
        if len(self.open) >= MOST_OPEN:
            oldest = next(iter(self.open.values()))
            self._close(oldest, now, out, "newer changes pushed its watch out")
        made = Rollout(
            id=id_,
            kind=kind,
            component=_text(data, "component"),
            from_version=_text(data, "from_version"),
            to_version=_text(data, "to_version"),
            stage=stage,
            tenant=event.tenant,
            owner=_text(data, "owner") or criteria.owner,
            criteria=criteria,
            started_at=now,
            ends_at=now + criteria.watch,
            before=self._baseline(now - criteria.watch),
        )
        self._keep(made, Reason.ROLLOUT_STARTED, now, out)

    def _baseline(self, since: Instant) -> dict[str, int]:
        return dict(sorted(Counter(rule for at, rule in self._fired if at >= since).items()))

    def _tested(
        self, data: Mapping[str, Json], tenant: str, now: Instant, out: list[Decision]
    ) -> None:
        id_, result = _text(data, "change_id"), _text(data, "result")
        for rollout in list(self.open.values()):
            version = rollout.to_version
            names = [_text(data, name) for name in VERSIONS]
            if id_ != rollout.id and not (version and version in names):
                continue
            if rollout.tenant and tenant not in ("", rollout.tenant):
                continue
            if result == "fail":
                before = judge(rollout).verdict
                grown = replace(rollout, failed=rollout.failed + 1)
                self._keep(grown, Reason.ROLLOUT_EVIDENCE, now, out)
                self._roll_back(before, grown, release_alert(grown, now), now, out)
            elif result == "pass":
                self.open[rollout.id] = replace(rollout, passed=rollout.passed + 1)

    def _count(self, data: Mapping[str, Json], weight: int) -> None:
        for rollout in self.open.values():
            version = rollout.to_version
            if not version or version in map(data.get, VERSIONS):
                self.open[rollout.id] = _counted(rollout, weight)

    # ------------------------------------------------------------------ inputs and decisions

    def take(self, item: Input, now: Instant, out: list[Decision]) -> bool:
        """The owner signs off, or somebody ends a watch."""
        match item:
            case RolloutSigned():
                found = self.find(item.change)
                if found is not None:
                    signed = replace(found, signed_by=item.by, note=item.note or found.note)
                    self._replace(signed)
                    self._say(signed, Reason.ROLLOUT_SIGNED, now, out)
            case RolloutFinished():
                found = self.open.get(item.change)
                if found is not None:
                    noted = replace(found, note=item.note or found.note)
                    self._close(noted, now, out, f"{item.by} ended the watch")
            case _:
                return False
        return True

    def follow(self, decision: Decision, now: Instant, out: list[Decision]) -> None:
        """Alerts that fire meanwhile are evidence."""
        if not isinstance(decision, AlertChanged) or decision.kind is not Kind.FIRING:
            return
        alert = decision.alert
        for rollout in list(self.open.values()):
            if rollout.tenant and alert.labels.get("tenant", rollout.tenant) != rollout.tenant:
                continue
            self._evidence(rollout, alert, now, out)
        self._fired.append((now, alert.rule))

    def _evidence(self, rollout: Rollout, alert: Alert, now: Instant, out: list[Decision]) -> None:
        if len(rollout.alerts) >= MOST_ALERTS:
            return
        seen = Seen(
            alert=alert.alert,
            rule=alert.rule,
            severity=alert.severity,
            at=now,
            labels=dict(alert.labels),
            why=self._tie(rollout, alert),
        )
        before = judge(rollout).verdict
        grown = replace(rollout, alerts=(*rollout.alerts, seen))
        self._keep(grown, Reason.ROLLOUT_EVIDENCE, now, out)
        self._roll_back(before, grown, alert, now, out)

    def _roll_back(
        self, before: Verdict, rollout: Rollout, alert: Alert, now: Instant, out: list[Decision]
    ) -> None:
        """With the first failure, if the criteria name an action for it."""
        failed = judge(rollout).verdict is Verdict.FAIL and before is not Verdict.FAIL
        action = rollout.criteria.rollback
        if failed and action:
            out.append(ActionDue(at=now, reason=Reason.ROLLBACK, action=action, alert=alert))

    def _tie(self, rollout: Rollout, alert: Alert) -> str:
        labels = {**alert.context, **alert.labels}
        named = [labels.get(name) for name in VERSIONS]
        if rollout.to_version and rollout.to_version in named:
            return f"it names {rollout.to_version}"
        if rollout.component and labels.get("component") == rollout.component:
            return f"it names {rollout.component}"
        if rollout.from_version and rollout.from_version in named:
            return ""  # It is the old version that misbehaves.
        position = self.plan.by_id.get(alert.rule)
        if position is not None and self.plan.rules[position].detector.name == "rollout":
            return "its rule compares before and after a release"
        if alert.rule not in rollout.before:
            return "its rule was quiet before the change"
        return ""

    # ------------------------------------------------------------------ keeping and saying

    def find(self, id_: str) -> Rollout | None:
        """An open watch, or the latest closed one."""
        found = self.open.get(id_)
        return found or next((r for r in reversed(self.closed) if r.id == id_), None)

    def finding(self, rollout: Rollout) -> Finding:
        """The verdict as of now."""
        return judge(rollout, self._reviews())

    def _replace(self, rollout: Rollout) -> None:
        if rollout.id in self.open:
            self.open[rollout.id] = rollout
            return
        self.closed = deque(
            (rollout if r.id == rollout.id else r for r in self.closed), maxlen=HISTORY
        )

    def _keep(self, rollout: Rollout, why: Reason, now: Instant, out: list[Decision]) -> None:
        self.open[rollout.id] = rollout
        self._look()
        self._say(rollout, why, now, out)

    def _close(self, rollout: Rollout, now: Instant, out: list[Decision], early: str = "") -> None:
        del self.open[rollout.id]
        if early and now < rollout.ends_at:
            lasted = format_duration((now - rollout.started_at) // MINUTE * MINUTE)
            planned = format_duration(rollout.ends_at - rollout.started_at)
            rollout = replace(rollout, ended_early=f"{early} after {lasted} of {planned}")
        over = replace(rollout, over=True, ends_at=min(now, rollout.ends_at))
        self.closed.append(over)
        self._look()
        why = Reason.ROLLED_BACK if over.rolled_back else Reason.ROLLOUT_OVER
        self._say(over, why, now, out)
        out.append(verdict_notice(self.plan, over, self.finding(over), now))

    def _say(self, rollout: Rollout, why: Reason, now: Instant, out: list[Decision]) -> None:
        finding = self.finding(rollout)
        out.append(RolloutChanged(at=now, reason=why, rollout=rollout, finding=finding))

    # ------------------------------------------------------------------ time, plans, state

    def _look(self) -> None:
        self.due = min((r.ends_at for r in self.open.values()), default=NOT_DUE)

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """End the watches whose time is over."""
        for rollout in list(self.open.values()):
            if rollout.ends_at <= now:
                self._close(rollout, now, out)
        while self._fired and now - self._fired[0][0] > DAY:
            self._fired.popleft()

    def replace(self, plan: Plan, now: Instant, out: list[Decision]) -> None:
        """A watch keeps the criteria it began with."""
        del now, out
        self.plan = plan

    def alerts(self) -> list[Alert]:
        """None live here."""
        return []

    def dump(self) -> Json:
        """Plain data."""
        return {
            "open": [dump_rollout(r) for r in self.open.values()],
            "closed": [dump_rollout(r) for r in self.closed],
            "fired": [[at, rule] for at, rule in self._fired],
        }

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        opened, closed, fired = data["open"], data["closed"], data["fired"]
        assert isinstance(opened, list)
        assert isinstance(closed, list)
        assert isinstance(fired, list)
        for row in opened:
            rollout = load_rollout(row)
            self.open[rollout.id] = rollout
        self.closed.extend(load_rollout(row) for row in closed)
        for pair in fired:
            assert isinstance(pair, list)
            self._fired.append((int(str(pair[0])), str(pair[1])))
        self._look()


def _counted(rollout: Rollout, weight: int) -> Rollout:
    """More traffic of a new version: ``replace`` at a fifth of its price, since each event asks for it while a watch is open."""
    values = [*_values(rollout)]
    values[_SEEN] += weight
    return _made(*values)


def _text(data: Mapping[str, Json], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""
