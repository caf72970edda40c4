"""Guard rails: what may not be set, what waits for a second person, and what people are told of it.

Law: a containment may never do more harm than the incident. People are not limited in number, only in what fits; rules and hooks are
limited in all of it, and every refusal has a reason in words.
"""

from collections import deque
from collections.abc import Mapping

from rulesd.core.plan import Plan
from rulesd.core.switch_state import where
from rulesd.core.switch_table import fits, same_key
from rulesd.model.decision import NoticeDue
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant
from rulesd.model.reasons import DeliveryReason, Reason
from rulesd.model.switch import Approvals, Setting, Switch

REFUSED = {
    Reason.REFUSED_HUMANS_ONLY: "only people may set switches now",
    Reason.REFUSED_LIMIT: "the switch was already set as often as limit_per_hour allows",
    Reason.REFUSED_SCOPE: "a label of the key is missing, or a value is outside allow",
    Reason.REFUSED_ORIGIN: "may_set does not list who asked",
    Reason.REFUSED_VALUE: "the value has another type than the switch",
    Reason.REFUSED_APPROVER: "a second person must approve, and nobody else",
}
"In words, for whoever asked."


class Guard:
    """Counts what rules and hooks set."""

    def __init__(self) -> None:
        """Nothing was set yet."""
        self.recent: dict[str, deque[Instant]] = {}

    def refused(
        self,
        switch: Switch,
        setting: Setting,
        labels: Mapping[str, str],
        now: Instant,
        *,
        humans_only: bool,
    ) -> Reason | None:
        """Why a setting may not be, ``None`` when it may (and is then counted)."""
        person = setting.origin == "person"
        group = {"rule": "rules", "person": "people"}.get(setting.origin, "hooks")
        if group not in switch.may_set:
            return Reason.REFUSED_ORIGIN
        if humans_only and not person:
            return Reason.REFUSED_HUMANS_ONLY
        if not fits(switch, setting.value):
            return Reason.REFUSED_VALUE
        if not same_key(switch, labels):
            return Reason.REFUSED_SCOPE
        if any(labels.get(name, "") not in allowed for name, allowed in switch.allow.items()):
            return Reason.REFUSED_SCOPE
        if not person and not self._admit(switch, now):
            return Reason.REFUSED_LIMIT
        return None

    def _admit(self, switch: Switch, now: Instant) -> bool:
        times = self.recent.setdefault(switch.name, deque())
        while times and now - times[0] >= HOUR:
            times.popleft()
        if len(times) >= switch.limit_per_hour:
            return False
        times.append(now)
        return True

    def dump(self) -> Json:
        """Plain data."""
        return {name: list(times) for name, times in self.recent.items()}

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        for name, times in data.items():
            assert isinstance(times, list)
            self.recent[name] = deque(t for t in times if isinstance(t, int))


def asks(switch: Switch, setting: Setting) -> bool:
    """Whether a second person must agree."""
    wide = any(name not in setting.scope for name in switch.scope)
    return switch.approvals is Approvals.ALWAYS or (switch.approvals is Approvals.WIDE and wide)


def notice(plan: Plan, setting: Setting, why: Reason | None, now: Instant) -> NoticeDue | None:
    """What its owner is told of a setting that was refused (``why``) or waits; a person who asked reads the answer anyway."""
    if setting.origin == "person" and why is not None:
        return None
    lines = [
        f"Key {setting.key}, for {where(setting)}, asked for by {setting.by}: {setting.reason}."
    ]
    if why is None:
        title = f"{setting.switch} waits for a second person's approval"
        lines.append(f"Approve: rulesd switch approve {setting.id}")
    else:
        title = f"{setting.switch} was not set: {REFUSED[why]}"
        lines.append("Nothing is contained by it: act yourself.")
    receiver = plan.receiver_for(setting.owner, "critical") or plan.root.receiver
    return NoticeDue(
        at=now,
        reason=why or Reason.APPROVAL_NEEDED,
        receiver=receiver,
        owner=setting.owner,
        title=title,
        lines=tuple(lines),
    )


def unheard(plan: Plan, setting: Setting, why: DeliveryReason, now: Instant) -> NoticeDue:
    """What its owner is told when the service behind a switch could not be told."""
    return NoticeDue(
        at=now,
        reason=Reason.ACTION_RESULT,
        receiver=plan.receiver_for(setting.owner, "critical") or plan.root.receiver,
        owner=setting.owner,
        title=f"{setting.switch} is set, but its service did not take the order",
        lines=(
            f"Key {setting.key}, for {where(setting)}: the webhook was given up ({why}).",
            "Services that read the flag obey it all the same; for this one, act yourself.",
        ),
    )
