"""What a service reads: from the settings that are active to one value for one flag key and one context.

Law: pure look-up. Of the settings whose scope the context agrees with, the highest priority wins; among equals the narrowest scope,
then the latest. Without one the switch's default holds. The same table answers OFREP, MQTT and ``GET /v1/switches``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rulesd.model.event import Json
from rulesd.model.switch import Setting, SettingState, Switch, key_part, pattern, places

KNOWN_KEYS = 10_000
"Keys whose switch is remembered; further ones are looked up again."


class Verdict(NamedTuple):
    """The value of one key in one context."""

    value: Json
    setting: Setting | None
    "The one that decides; ``None``: the default."

    switch: Switch


class SwitchTable:
    """All keys with their active settings, the winning one first."""

    def __init__(self, switches: Mapping[str, Switch], settings: Iterable[Setting] = ()) -> None:
        """Of ``settings`` only the active ones count; later ones win over earlier ones."""
        self.switches = switches
        self.by_key: dict[str, tuple[Setting, ...]] = {}
        self._known: dict[str, Switch | None] = {}
        self.answers: dict[tuple[str, str], bytes] = {}
        "By key and setting: what a door has made of it, for as long as this table holds."
        found: dict[str, list[Setting]] = {}
        for setting in settings:
            if setting.state is SettingState.ACTIVE:
                found.setdefault(setting.key, []).append(setting)
        for key, rows in found.items():
            rows.reverse()
            rows.sort(key=lambda s: (-s.priority, -len(s.scope), -s.set_at))
            self.by_key[key] = tuple(rows)

    def switch_of(self, key: str) -> Switch | None:
        """The switch a key belongs to, ``None`` when nobody declares it."""
        if key in self._known:
            return self._known[key]
        found = next((s for s in self.switches.values() if pattern(s.key).fullmatch(key)), None)
        if len(self._known) < KNOWN_KEYS:
            self._known[key] = found
        return found

    def verdict(self, key: str, context: Mapping[str, str]) -> Verdict | None:
        """The value of a key for a context; ``None`` for an unknown key."""
        switch = self.switch_of(key)
        if switch is None:
            return None
        for setting in self.by_key.get(key, ()):
            if all(context.get(name) == value for name, value in setting.scope.items()):
                return Verdict(setting.value, setting, switch)
        return Verdict(switch.default, None, switch)

    def current_keys(self) -> list[str]:
        """Every key that has a value of its own now: those with a setting, and those without a label in them."""
        fixed = (s.key for s in self.switches.values() if not places(s.key))
        return sorted({*self.by_key, *fixed})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What was in force at one moment: it does not change when the machine goes on."""

    version: int
    table: SwitchTable
    settings: tuple[Setting, ...]
    humans_only: bool


def scope_of(switch: Switch, labels: Mapping[str, str]) -> dict[str, str]:
    """The part of ``labels`` that narrows a setting: the switch's scope labels that are known."""
    return {name: labels[name] for name in switch.scope if known(labels.get(name, ""))}


def known(value: str) -> bool:
    """Whether a label's value names one thing: not empty, and not a word for many."""
    return bool(value) and not value.startswith("(")


def fits(switch: Switch, value: Json) -> bool:
    """Whether a value has the switch's type."""
    match switch.type:
        case "boolean":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case _:
            return isinstance(value, dict)


def same_key(switch: Switch, labels: Mapping[str, str]) -> bool:
    """Whether every label of the switch's key names one thing, so that the key stands for it alone."""
    return all(known(labels.get(n, "")) and key_part(labels[n]) for n in places(switch.key))
