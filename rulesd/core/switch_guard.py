"""Guard rails: what may not be set, what waits for a second person, and what people are told of it.

Law: a containment may never do more harm than the incident. People are not limited in number, only in what fits; rules and hooks are
limited in all of it, and every refusal has a reason in words. Every refusal is on record; people are told of the first of its kind, then
at most once in ten minutes, with how many there were.
"""

import re
import unicodedata
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from rulesd.core.plan import Plan
from rulesd.core.switch_state import where
from rulesd.core.switch_table import fits, same_key
from rulesd.model.decision import NoticeDue
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, MINUTE, Instant, Milliseconds
from rulesd.model.reasons import DeliveryReason, Reason
from rulesd.model.switch import Approvals, Setting, Switch, places

REFUSED = {
    Reason.REFUSED_HUMANS_ONLY: "only people may set switches now",
    Reason.REFUSED_LIMIT: "the switch was already set as often as limit_per_hour allows",
    Reason.REFUSED_SCOPE: "a label of the key is missing, or a value is outside allow",
    Reason.REFUSED_ORIGIN: "may_set does not list who asked",
    Reason.REFUSED_VALUE: "the value has another type than the switch",
    Reason.REFUSED_APPROVER: "whoever asked cannot approve: it takes a second person, with a token of their own",
}
"In words, for whoever asked."


def misfit(switch: Switch, labels: Mapping[str, str]) -> str:
    """Which label keeps a setting from being made, and what to write; empty when all of them fit."""
    for name in places(switch.key):
        if not same_key(replace(switch, key=f"{{{name}}}"), labels):
            return f"its key {switch.key} needs the label {name}: write {name}=..."
    for name, allowed in switch.allow.items():
        if labels.get(name, "") not in allowed:
            return f"allow lists only {' and '.join(f'{name}={one}' for one in allowed)}"
    return ""


TELL_AGAIN: Milliseconds = 10 * MINUTE
"Refusals of one kind are told at most this often; the next notice says how many there were."


class Guard:
    """Counts what rules and hooks set, and what they were refused."""

    def __init__(self) -> None:
        """Nothing was set yet."""
        self.recent: dict[str, deque[Instant]] = {}
        self.told: dict[str, tuple[Instant, int]] = {}
        "By switch, reason and owner: when people were last told, and how many refusals have come since."

    def refused(
        self,
        switch: Switch,
        setting: Setting,
        labels: Mapping[str, str],
        *,
        humans_only: bool,
    ) -> Reason | None:
        """Why a setting may not be, whatever was set before; ``None`` when it may."""
        group = {"rule": "rules", "person": "people"}.get(setting.origin, "hooks")
        if group not in switch.may_set:
            return Reason.REFUSED_ORIGIN
        if humans_only and setting.origin != "person":
            return Reason.REFUSED_HUMANS_ONLY
        if not fits(switch, setting.value):
            return Reason.REFUSED_VALUE
        if not same_key(switch, labels):
            return Reason.REFUSED_SCOPE
        if any(labels.get(name, "") not in allowed for name, allowed in switch.allow.items()):
            return Reason.REFUSED_SCOPE
        return None

    def admit(self, switch: Switch, setting: Setting, now: Instant) -> Reason | None:
        """Count one more; why not, when a rule or a hook has set the switch often enough."""
        if setting.origin == "person":
            return None
        times = self.recent.setdefault(switch.name, deque())
        while times and now - times[0] >= HOUR:
            times.popleft()
        if len(times) >= switch.limit_per_hour:
            return Reason.REFUSED_LIMIT
        times.append(now)
        return None

    def tell(self, setting: Setting, why: Reason, now: Instant) -> int:
        """How many refusals people should be told of now, this one included; 0: they were told lately, it is only counted."""
        key = f"{setting.switch}\x1f{why}\x1f{setting.owner}"
        last, count = self.told.get(key, (None, 0))
        if last is not None and now - last < TELL_AGAIN:
            self.told[key] = (last, count + 1)
            return 0
        self.told[key] = (now, 0)
        return count + 1

    def dump(self) -> Json:
        """Plain data."""
        recent: dict[str, Json] = {name: list(times) for name, times in self.recent.items()}
        told: dict[str, Json] = {key: [at, count] for key, (at, count) in self.told.items()}
        return {"recent": recent, "told": told}

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        recent, told = data["recent"], data["told"]
        assert isinstance(recent, dict)
        assert isinstance(told, dict)
        for name, times in recent.items():
            assert isinstance(times, list)
            self.recent[name] = deque(int(str(t)) for t in times)
        for key, pair in told.items():
            assert isinstance(pair, list)
            self.told[key] = (int(str(pair[0])), int(str(pair[1])))


_NAMED = re.compile(r"(.*?)\s*\((.*)\)\s*")


def same_person(one: str, other: str) -> bool:
    """Whether two names on record may be one person: the same name, or the same token, account or hook behind it.

    What is on record is ``name (token)``: the token was proven, the name is only claimed. So two names behind one token are one person,
    and one name behind two tokens is one person, too, however it is spelled.
    """
    return not _parts(one).isdisjoint(_parts(other))


def _parts(by: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", by).casefold()
    found = _NAMED.fullmatch(plain)
    parts = found.groups() if found else (plain,)
    return {" ".join(part.split()) for part in parts if part.strip()}


def has_webhook(plan: Plan, setting: Setting) -> bool:
    """Whether a service is told of it by webhook."""
    switch = plan.switches.get(setting.switch)
    return switch is not None and switch.action == "webhook"


def asks(switch: Switch, setting: Setting) -> bool:
    """Whether a second person must agree."""
    wide = any(name not in setting.scope for name in switch.scope)
    return switch.approvals is Approvals.ALWAYS or (switch.approvals is Approvals.WIDE and wide)


def notice(
    plan: Plan, setting: Setting, why: Reason | None, now: Instant, count: int = 1
) -> NoticeDue:
    """What its owner is told of a setting that was refused (``why``, ``count`` times since the last notice) or waits."""
    lines = [
        f"Key {setting.key}, for {where(setting)}, asked for by {setting.by}: {setting.reason}."
    ]
    if why is None:
        title = f"{setting.switch} waits for a second person's approval"
        lines.append(f"Approve: rulesd switch approve {setting.id}")
    else:
        title = f"{setting.switch} was not set: {REFUSED[why]}"
        if count > 1:
            lines.append(f"{count} settings were refused since the last notice.")
        lines.append("Nothing is contained by it: act yourself.")
    return _notice(plan, setting, why or Reason.APPROVAL_NEEDED, title, lines, now)


def unheard(plan: Plan, setting: Setting, why: DeliveryReason | None, now: Instant) -> NoticeDue:
    """What its owner is told when the service behind a switch was not told: given up (``why``), or not yet after 30 s."""
    if why is None:
        title = f"{setting.switch} is set, but its service has not answered yet"
        said = "the webhook was not taken within 30 s; it is tried again until it is."
    else:
        title = f"{setting.switch} is set, but its service did not take the order"
        said = f"the webhook was given up ({why}). Repair it, then: rulesd deliveries redeliver"
        said += f" {setting.id}/set"
    lines = [
        f"Key {setting.key}, for {where(setting)}: {said}",
        "Services that read the flag obey it all the same; for this one, act yourself.",
    ]
    return _notice(plan, setting, Reason.ACTION_RESULT, title, lines, now)


def untold(plan: Plan, setting: Setting, why: str, now: Instant) -> NoticeDue:
    """What its owner is told when a setting has ended and nothing will tell the service behind it."""
    title = f"{setting.switch} was lifted, but its service could not be told"
    lines = [
        f"Key {setting.key}, for {where(setting)}: {why}.",
        "The service was told that it is contained and not that it is over: tell it yourself.",
    ]
    return _notice(plan, setting, Reason.ACTION_RESULT, title, lines, now)


def _notice(
    plan: Plan, setting: Setting, reason: Reason, title: str, lines: list[str], now: Instant
) -> NoticeDue:
    return NoticeDue(
        at=now,
        reason=reason,
        receiver=plan.receiver_for(setting.owner, "critical") or plan.root.receiver,
        owner=setting.owner,
        title=title,
        lines=tuple(lines),
    )
