"""``escalations:`` of owners.yaml: named chains, with a variant for critical alerts.

Law: what a chain names exists, and following ``then`` ends. Mistakes are told at their place; a chain with one is not used.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.config.shape import Duration, Names, OneOrMany, Positive, Strict
from rulesd.core.people import Escalation, Ladder, Step, Target, TargetKind
from rulesd.model.alert import SEVERITIES

ESCALATED = ("critical", "high")
"What is escalated unless ``severities`` says otherwise."


class Notify(Strict):
    """Whom a step tells: one of these."""

    receiver: str = ""
    schedule: str = ""
    owner: str = ""
    person: str = ""


class StepEntry(Strict):
    """One step: wait, then tell; either may stand alone."""

    wait: Duration = 0
    notify: Annotated[
        list[Notify], BeforeValidator(lambda v: v if isinstance(v, list) else [v]), OneOrMany()
    ] = Field(default_factory=list)


class Variant(Strict):
    """The chain for critical alerts, where it differs."""

    steps: Annotated[list[StepEntry], Field(min_length=1)]
    repeat: Annotated[int, Field(ge=0, le=10)] = 0
    ack_timeout: Positive | None = None
    then: str = ""


class EscalationEntry(Variant):
    """One chain."""

    severities: Names = ESCALATED
    critical: Variant | None = None


class Chains:
    """Compiles every chain of a file."""

    def __init__(
        self,
        entries: Mapping[str, EscalationEntry],
        known: Mapping[TargetKind, frozenset[str]],
        document: Document,
        problems: Problems,
    ) -> None:
        """``known``: the names that targets of each kind may have."""
        self._entries, self._known = entries, known
        self._document, self._problems = document, problems

    def compile(self) -> dict[str, Escalation]:
        """By name."""
        out: dict[str, Escalation] = {}
        for name, entry in self._entries.items():
            at: Path_ = ("escalations", name)
            self._severities(entry, at)
            default = self._ladder(entry, at)
            critical = default
            if entry.critical is not None:
                critical = self._ladder(entry.critical, (*at, "critical"))
            if not self._loops(name, at):
                default = self._joined(default, entry.then, "default")
                then = entry.then if entry.critical is None else entry.critical.then
                critical = self._joined(critical, then, "critical")
            out[name] = Escalation(
                name=name, default=default, critical=critical, severities=entry.severities
            )
        return out

    def _ladder(self, entry: Variant, at: Path_) -> Ladder:
        """A chain as written. What is told twice is shown once."""
        steps: list[Step] = []
        wait = longest = 0
        for i, step in enumerate(entry.steps):
            wait += step.wait
            longest = max(longest, wait)
            targets = [self._target(n, (*at, "steps", i, "notify")) for n in step.notify]
            if step.notify:
                steps.append(Step(wait=wait, targets=tuple(t for t in targets if t is not None)))
                wait = 0
        if not steps:
            said, hint = "no step tells anybody", 'Write "- notify: {receiver: ...}".'
            self._problems.at(self._document, (*at, "steps"), Code.MISSING_FIELD, said, hint)
        return Ladder(
            steps=tuple(steps),
            last_wait=wait or longest,
            repeat=entry.repeat,
            ack_timeout=entry.ack_timeout or 0,
        )

    def _target(self, notify: Notify, at: Path_) -> Target | None:
        given = [(kind, getattr(notify, kind)) for kind in TargetKind if getattr(notify, kind)]
        if len(given) != 1:
            said, hint = "a step names one destination", 'Write "notify: {receiver: ...}".'
            self._problems.at(self._document, at, Code.EXCLUSIVE, said, hint)
            return None
        kind, name = given[0]
        if name not in self._known[kind]:
            code = {
                TargetKind.RECEIVER: Code.UNKNOWN_RECEIVER,
                TargetKind.SCHEDULE: Code.UNKNOWN_SCHEDULE,
                TargetKind.OWNER: Code.UNKNOWN_OWNER,
                TargetKind.PERSON: Code.UNKNOWN_PERSON,
            }[kind]
            known = self._known[kind]
            hint = f"{did_you_mean(name, known)}Known: {listed(known) or 'none'}."
            said = f'there is no {kind} "{name}"'
            self._problems.at(self._document, at, code, said, hint)
            return None
        return Target(kind=kind, name=name)

    def _severities(self, entry: EscalationEntry, at: Path_) -> None:
        for severity in entry.severities:
            if severity not in SEVERITIES:
                hint = f"{did_you_mean(severity, SEVERITIES)}The four are {', '.join(SEVERITIES)}."
                said = f'"{severity}" is no severity'
                path = (*at, "severities")
                self._problems.at(self._document, path, Code.INVALID_VALUE, said, hint)

    def _next(self, name: str) -> list[str]:
        entry = self._entries[name]
        found = [entry.then, entry.critical.then if entry.critical is not None else ""]
        return [n for n in found if n]

    def _loops(self, name: str, at: Path_) -> bool:
        """Whether following ``then`` comes back, or leads nowhere."""
        seen: list[str] = []
        waiting = self._next(name)
        while waiting:
            step = waiting.pop()
            if step == name:
                said = f'following "then" from "{name}" leads back to it'
                hint = "End the chain; repeat says how often it begins again."
                self._problems.at(self._document, at, Code.ESCALATION_LOOP, said, hint, key=True)
                return True
            if step not in self._entries:
                hint = f"{did_you_mean(step, self._entries)}Known: {listed(self._entries)}."
                said = f'there is no escalation "{step}"'
                path = (*at, "then")
                self._problems.at(self._document, path, Code.UNKNOWN_ESCALATION, said, hint)
                return True
            if step not in seen:
                seen.append(step)
                waiting += self._next(step)
            elif len(seen) > len(self._entries):
                return True
        return False

    def _joined(self, ladder: Ladder, then: str, variant: str) -> Ladder:
        """A chain with the one after it as further steps."""
        seen: list[str] = []
        while then and then not in seen and then in self._entries:
            seen.append(then)
            entry = self._entries[then]
            part: Variant = entry
            if variant == "critical" and entry.critical is not None:
                part = entry.critical
            more = self._ladder(part, ("escalations", then))
            first, *rest = more.steps or (Step(wait=0, targets=()),)
            first = Step(wait=max(first.wait, ladder.last_wait), targets=first.targets)
            ladder = Ladder(
                steps=(*ladder.steps, first, *rest),
                last_wait=more.last_wait,
                repeat=ladder.repeat,
                ack_timeout=ladder.ack_timeout,
            )
            then = part.then
        return ladder
