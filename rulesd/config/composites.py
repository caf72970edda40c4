"""Rules about alerts: that what they name exists, and that none waits for itself.

Law: every mistake with its place in the file. A circle would never fire, or never stop.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.core.detectors.composite import Composite
from rulesd.core.plan import Rule

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
    for one, detector in found:
        _check(one, detector, known, reads, problems)


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
