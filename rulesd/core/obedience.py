"""Whether services obey: a switch is set, they have had their time, and an event shows that one goes on all the same.

Law: pure, and it accuses nobody without proof. The setting that decides is looked for as a service would; an event that lacks a label of it
shows nothing, nor does one from before it had to be obeyed. What is shown becomes a ``containment.changed`` event of the stage ``violated``,
for rules to match; it names the event that shows it.

Two kinds of proof. Any ``feature_flag.evaluation`` event says what a service has read of a flag (``data.key``, ``data.value``): another value
than the one set is a service that reads something else. And a switch may say in ``violated_by`` which events cannot happen while it is obeyed:
one of them, or for a cap more of them than it allows.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rulesd.core.labels import label_text
from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Plan
from rulesd.core.proof import Proof
from rulesd.core.state_event import violation_event
from rulesd.core.switch_table import SwitchTable, fits
from rulesd.model.alert import Alert
from rulesd.model.decision import Decision, SwitchChanged
from rulesd.model.event import Document, Event, Json
from rulesd.model.inputs import Input
from rulesd.model.instant import Instant
from rulesd.model.switch import SETTLED, Setting, SettingState, fill

EVALUATION = "feature_flag.evaluation"
"Services report under this type what they have read of a flag."

PARTS = 60
"Into so many parts a window is cut; what a part holds counts only while all of it is within."

MOST_METERS = 10_000
"Settings whose amounts are counted; of more the oldest begins again."


class Shown(NamedTuple):
    """One event that shows that a setting is not obeyed."""

    setting: Setting
    event: Event
    seen: Json
    "What the service has read, or how much there was; ``None`` where the event alone says it."


class Obedience:
    """What services do while switches are set."""

    name = "obedience"

    def __init__(self, plan: Plan) -> None:
        """Nothing was seen."""
        self.plan = plan
        self.due: Instant = NOT_DUE
        self._meters: dict[str, dict[int, float]] = {}
        "By setting: amounts by part of the window."

    def observe(self, event: Event, table: SwitchTable, now: Instant) -> list[Event]:
        """What an event shows, as events for rules. Ask only while something is set."""
        found = (
            self._read(event, table, now)
            if event.type == EVALUATION
            else self._done(event, table, now)
        )
        return [violation_event(one.setting, one.event, one.seen, now) for one in found]

    # ------------------------------------------------------------------ proofs

    def _read(self, event: Event, table: SwitchTable, now: Instant) -> Iterator[Shown]:
        """What a service has read of a flag."""
        data = event.document.get("data")
        if not isinstance(data, dict):
            return
        setting = deciding(table.by_key.get(str(data.get("key", "")), ()), _labels(event))
        switch = None if setting is None else table.switches.get(setting.switch)
        value = data.get("value")
        if setting is None or switch is None or not _due(setting, event, now):
            return
        if fits(switch, value) and value != setting.value:
            yield Shown(setting, event, value)

    def _done(self, event: Event, table: SwitchTable, now: Instant) -> Iterator[Shown]:
        """What a service has done."""
        document = event.document
        for proof in self.plan.proofs.get(event.type, ()):
            labels = {f.label: label_text(f.get(document)) for f in proof.labels}
            labels["tenant"] = event.tenant
            key = (
                fill(table.switches[proof.switch].key, labels)
                if proof.switch in table.switches
                else None
            )
            if key is None:
                continue
            setting = deciding(table.by_key.get(key, ()), labels)
            if setting is None or setting.switch != proof.switch or not _due(setting, event, now):
                continue
            if any(label_text(value) != labels.get(name) for name, value in setting.labels.items()):
                continue
            if not _holds(proof, document, setting, table.switches[proof.switch].default):
                continue
            if not proof.within:
                yield Shown(setting, event, None)
            elif (total := self._count(proof, setting, event)) is not None:
                yield Shown(setting, event, total)

    def _count(self, proof: Proof, setting: Setting, event: Event) -> float | None:
        """The amount of the window that ends now, once it is more than the setting allows."""
        amount = 1.0 if proof.amount is None else _number(proof.amount(event.document))
        limit = _number(setting.value)
        if amount is None or limit is None:
            return None
        meter = self._meters.setdefault(setting.id, {})
        if len(self._meters) > MOST_METERS:
            del self._meters[next(iter(self._meters))]
        size = max(proof.within // PARTS, 1)
        part = event.at // size
        meter[part] = meter.get(part, 0.0) + amount * event.weight
        newest = max(meter)
        for old in [p for p in meter if p <= newest - PARTS]:
            del meter[old]
        total = sum(meter.values())
        return total if total > limit else None

    # ------------------------------------------------------------------ a machine like the others

    def take(self, item: Input, now: Instant, out: list[Decision]) -> bool:
        """No input is meant for this one."""
        del item, now, out
        return False

    def follow(self, decision: Decision, now: Instant, out: list[Decision]) -> None:
        """A setting that is over is counted no more."""
        del now, out
        if isinstance(decision, SwitchChanged) and decision.setting.state is SettingState.ENDED:
            self._meters.pop(decision.setting.id, None)

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """Nothing is due here."""
        del now, out

    def replace(self, plan: Plan, now: Instant, out: list[Decision]) -> None:
        """Take a new plan."""
        del now, out
        self.plan = plan

    def alerts(self) -> list[Alert]:
        """None live here."""
        return []

    def dump(self) -> Json:
        """Plain data."""
        return {
            id_: [[part, amount] for part, amount in meter.items()]
            for id_, meter in self._meters.items()
        }

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        for id_, rows in data.items():
            assert isinstance(rows, list)
            meter = self._meters[id_] = {}
            for row in rows:
                assert isinstance(row, list)
                part, amount = row
                meter[int(str(part))] = float(str(amount))


def deciding(settings: Sequence[Setting], labels: Mapping[str, str]) -> Setting | None:
    """The setting a service reads with these labels; ``None`` where there is none, or where a missing label leaves it open."""
    for setting in settings:
        if any(not labels.get(name) for name in setting.scope):
            return None
        if all(labels[name] == value for name, value in setting.scope.items()):
            return setting
    return None


def _due(setting: Setting, event: Event, now: Instant) -> bool:
    """Whether the event is from a time at which the setting had to be obeyed; a clock that is ahead proves nothing."""
    return min(event.at, now) >= setting.set_at + SETTLED


def _holds(proof: Proof, document: Document, setting: Setting, default: Json) -> bool:
    beside: dict[str, Json] = {"key": setting.key, "value": setting.value, "default": default}
    try:
        return proof.when({**document, "switch": beside})
    except ValueError:
        return False  # What cannot be evaluated proves nothing.


def _labels(event: Event) -> dict[str, str]:
    """Every plain field of an event as a label; an attribute wins over a field of ``data``."""
    data = event.document.get("data")
    out = {n: label_text(v) for n, v in data.items()} if isinstance(data, dict) else {}
    out |= {n: v for n, v in event.document.items() if isinstance(v, str)}
    out["tenant"] = event.tenant
    return out


def _number(value: Json) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(str(value)) if plain else None
