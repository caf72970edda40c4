"""Inhibition: while a source alert fires, its targets page nobody.

Law: pure; Alertmanager's rule, to the letter. A target is held back while there is an unresolved source whose ``equal`` labels are
the same (a missing label is the empty one). An alert that matches both sides is not held back by one that does, too. A source that
is over stops at once.

Sources are filed by rule and by the values of its ``equal`` labels, so that asking costs one look-up for each rule an alert is a target
of, however many alerts fire. Which rules those are depends on labels alone and is worked out once (``Aim``).
"""

from collections.abc import Mapping
from typing import NamedTuple

from rulesd.core.plan import InhibitRule, Matcher
from rulesd.model.alert import Alert
from rulesd.model.reasons import AlertState

Values = tuple[str, ...]


MOST_SHARED = 10_000
"Different aims that are worth sharing; more of them have little in common."


class Aim(NamedTuple):
    """A rule under which an alert is a target."""

    rule: int
    values: Values
    "Of the ``equal`` labels."

    is_source: bool
    "It matches the source side, too: then only sources that are no targets hold it back."


class _Filed(NamedTuple):
    """Where a source stands."""

    rule: int
    values: Values
    is_target: bool


_Sources = dict[Values, tuple[dict[str, None], dict[str, None]]]
"By values: keys of sources that are no targets, and of those that are."


_NOBODY: tuple[dict[str, None], dict[str, None]] = ({}, {})


class Inhibitor:
    """All sources that fire."""

    def __init__(self, rules: tuple[InhibitRule, ...]) -> None:
        """Start with no source."""
        self._rules = rules
        self._sources: list[_Sources] = [{} for _ in rules]
        self._filed: dict[str, tuple[_Filed, ...]] = {}
        self._shared: dict[tuple[Aim, ...], tuple[Aim, ...]] = {}
        "One object for alerts that are targets of the same."
        self._firsts: dict[Aim, str] = {}
        "What was found for an aim since the sources last changed."

    def see(self, alert: Alert) -> None:
        """Take an alert as it now stands."""
        if not self._rules:
            return
        name = alert.key
        if alert.state is not AlertState.FIRING:
            self._forget(name)
            return
        if alert.foreign is not None and name in self._filed:
            return
        labels = alert.labels if alert.foreign is not None else alert.all_labels()
        filed = tuple(
            _Filed(number, _values(rule, labels), _match(rule.target, labels))
            for number, rule in enumerate(self._rules)
            if _match(rule.source, labels)
        )
        if filed == self._filed.get(name, ()):
            return
        self._forget(name)
        self._firsts.clear()
        for number, values, is_target in filed:
            self._sources[number].setdefault(values, ({}, {}))[is_target][name] = None
        if filed:
            self._filed[name] = filed

    def _forget(self, key: str) -> None:
        filed = self._filed.pop(key, ())
        if filed:
            self._firsts.clear()
        for number, values, is_target in filed:
            places = self._sources[number][values]
            del places[is_target][key]
            if not places[0] and not places[1]:
                del self._sources[number][values]

    def aims(self, alert: Alert) -> tuple[Aim, ...]:
        """Under which rules an alert is a target; right as long as its labels stay the same."""
        if not self._rules:
            return ()
        labels = alert.labels if alert.foreign is not None else alert.all_labels()
        aims = tuple(
            Aim(number, _values(rule, labels), _match(rule.source, labels))
            for number, rule in enumerate(self._rules)
            if _match(rule.target, labels)
        )
        if aims and len(self._shared) < MOST_SHARED:
            return self._shared.setdefault(aims, aims)
        return self._shared.get(aims, aims)

    @property
    def has_sources(self) -> bool:
        """Whether any source fires."""
        return bool(self._filed)

    def inhibiting(self, aims: tuple[Aim, ...]) -> tuple[str, ...]:
        """Fingerprints of the sources that hold an alert back: the first of each rule, in order of fingerprint."""
        found = (self._first(aim) for aim in aims)
        return tuple(dict.fromkeys(key.removeprefix("!") for key in found if key))

    def still(self, aims: tuple[Aim, ...], names: tuple[str, ...]) -> bool:
        """Whether all of these sources still hold it back."""
        return bool(names) and all(any(self._holds(aim, name) for aim in aims) for name in names)

    def _first(self, aim: Aim) -> str:
        found = self._firsts.get(aim)
        if found is None:
            places = self._sources[aim.rule].get(aim.values, _NOBODY)
            alone = aim.is_source or bool(places[0])
            found = self._firsts[aim] = min(places[0] if alone else places[1], default="")
        return found

    def _holds(self, aim: Aim, name: str) -> bool:
        places = self._sources[aim.rule].get(aim.values, _NOBODY)
        keys = (name, f"!{name}")
        return any(k in places[0] or (k in places[1] and not aim.is_source) for k in keys)


def _match(matchers: tuple[Matcher, ...], labels: Mapping[str, str]) -> bool:
    return all(m.test(labels.get(m.name, "")) for m in matchers)


def _values(rule: InhibitRule, labels: Mapping[str, str]) -> Values:
    return tuple(labels.get(name, "") for name in rule.equal)
