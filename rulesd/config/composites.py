"""Rules about alerts: that what they name exists, and that none waits for itself.

Law: every mistake with its place in the file. A circle would never fire, or never stop.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.core.detectors.composite import Composite
from rulesd.core.plan import Maturity, Rule

ALERTS = "alert.state"
"The type of the events that alerts become."


class HasRule(Protocol):
    """A compiled rule and its file."""

    @property
    def rule(self) -> Rule:
        """The rule."""
        ...

    @property
    def document(self) -> Document:
        """Its file."""
        ...


def composites(compiled: Sequence[HasRule], problems: Problems) -> None:
    """Check every composite against all rules."""
    found: list[tuple[HasRule, Composite]] = []
    for one in compiled:
        detector: object = one.rule.detector
        if isinstance(detector, Composite):
            found.append((one, detector))
    reads = {one.rule.id: detector.named for one, detector in found}
    known = {one.rule.id for one in compiled}
    rules = {one.rule.id: one.rule for one in compiled}
    for one, detector in found:
        before = len(problems.errors)
        _check(one, detector, known, reads, problems)
        if len(problems.errors) == before:
            _in_vain(one, detector, rules, problems)


def _check(
    one: HasRule,
    detector: Composite,
    known: set[str],
    reads: Mapping[str, tuple[str, ...]],
    problems: Problems,
) -> None:
    document, rule = one.document, one.rule
    if rule.on != (ALERTS,):
        said = "a composite reads alerts, not other events"
        problems.at(document, ("on",), Code.INVALID_VALUE, said, f"Write on: [{ALERTS}].")
    if not detector.all and not detector.any:
        said = 'a composite needs "all" or "any"'
        problems.at(document, _base(), Code.MISSING_FIELD, said, 'Add "all: [rule ids]".')
    for word, names in (
        ("all", detector.all),
        ("any", detector.any),
        ("not", detector.not_),
    ):
        for i, name in enumerate(names):
            at = (*_base(), word, i)
            if name not in known:
                said = f'there is no rule "{name[:80]}"'
                hint = f"{did_you_mean(name, known)}Known: {listed(known, 10)}."
                problems.at(document, at, Code.INVALID_VALUE, said, hint)
            elif circle := _circle(rule.id, name, reads):
                said = f"the rule waits for itself: {' -> '.join([rule.id, *circle])}"
                hint = "Name rules that read events, or take one of them out of the circle."
                problems.at(document, at, Code.INVALID_VALUE, said, hint)


def _in_vain(
    one: HasRule, detector: Composite, rules: Mapping[str, Rule], problems: Problems
) -> None:
    """What would keep it from ever firing."""
    document = one.document
    for word, names in (("all", detector.all), ("any", detector.any)):
        for i, name in enumerate(names):
            at = (*_base(), word, i)
            if name in detector.not_:
                said = f'"{name}" stands under "{word}" and under "not", where it keeps this rule from firing'
                problems.at(document, at, Code.EXCLUSIVE, said, "Take it out of one of them.")
            elif rules[name].maturity is Maturity.DEPRECATED:
                said = f'"{name}" is deprecated: it does not run, so it never counts here'
                hint = "Name a rule that runs."
                problems.at(document, at, Code.INVALID_VALUE, said, hint, warning=True)
    named = [rules[name] for name in (*detector.all, *detector.any)]
    theirs = {f.label for rule in named for f in (*rule.by, *rule.context)}
    for i, label in enumerate(f.label for f in one.rule.by):
        if label not in theirs | _OF_ALL:
            said = f'no rule under "all" or "any" has the label "{label}", so this rule never fires'
            hint = f"Use labels of theirs: {listed(theirs, 10) or 'they have none'}."
            at = ("by", i) if document.node(("by", i)) is not None else ("by",)
            problems.at(document, at, Code.UNKNOWN_LABEL, said, hint, warning=True)


_OF_ALL = frozenset(("rule", "state", "severity", "owner", "id", "source", "type", "time"))
"What every alert's event carries."


def _base() -> Path_:
    return ("detect", "composite")


def _circle(start: str, name: str, reads: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The way from ``name`` back to ``start``, or nothing."""
    way: list[str] = []
    seen: set[str] = set()

    def walk(here: str) -> bool:
        way.append(here)
        if here == start:
            return True
        seen.add(here)
        if any(walk(n) for n in reads.get(here, ()) if n not in seen):
            return True
        way.pop()
        return False

    return way if walk(name) else []
