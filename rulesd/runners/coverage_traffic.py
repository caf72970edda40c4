"""Blind spots: what recorded traffic holds that no rule reads or watches.

Law: an event type, label or value is watched when a rule matched an event that carries it, or reads it; rules about rulesd itself do not
count. Only labels are shown, never ids, measures or content; the number of values remembered is bounded and what is beyond is counted.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rulesd.config.detect import TABLE
from rulesd.config.files import Files
from rulesd.config.problems import Problems
from rulesd.config.read import SUFFIXES, read
from rulesd.core.labels import label_text
from rulesd.core.plan import Plan
from rulesd.logic import RuleError, reads
from rulesd.model.event import Json, Rejected
from rulesd.privacy.fields import FieldClass, fields_of
from rulesd.runners.backtest_events import Recorded, distinct_events

MOST_VALUES = 200
"Values remembered of one label."

MOST_NAMES = 200
"Names remembered of fields that no event type declares."

OTHER = "(other fields)"

_Place: TypeAlias = tuple[str, str]
"Event type and label."


@dataclass(slots=True)
class BlindSpots:
    """What was seen, and what of it nothing watches."""

    events: int = 0
    watched: int = 0
    "Events that a rule matched."

    refused: int = 0
    "Lines that are no event."

    types: dict[str, tuple[int, int]] = field(default_factory=dict)
    "Type -> events, and how many of them a rule matched."

    unread: dict[_Place, int] = field(default_factory=dict)
    "Labels that no rule for the type reads, and in how many events they were."

    values: dict[str, dict[str, int]] = field(default_factory=dict)
    "Label -> values of which no event matched any rule, and how many events."

    beyond: dict[str, int] = field(default_factory=dict)
    "Label -> events with values beyond those remembered."

    @property
    def unwatched_types(self) -> list[str]:
        """Types of which no event matched a rule."""
        return sorted(t for t, (_, matched) in self.types.items() if not matched)


def blind_spots(recorded: Iterable[Recorded], plan: Plan, files: Files) -> BlindSpots:
    """Look at every event once."""
    own = {i for i, r in enumerate(plan.rules) if not r.id.startswith("rulesd.")}
    read_by_type = _read(files)
    out = BlindSpots()
    types: Counter[str] = Counter()
    matched_types: Counter[str] = Counter()
    labels: Counter[_Place] = Counter()
    seen: dict[str, Counter[str]] = {}
    watched: dict[str, set[str]] = {}
    undeclared: set[str] = set()
    for event, _ in distinct_events(_counted(recorded, out)):
        matched = any(i in own for i in plan.match(event.document)[0])
        out.events += 1
        out.watched += matched
        types[event.type] += 1
        matched_types[event.type] += matched
        for name, value in _labels(event.type, event.document):
            if value is None:
                # A producer's own field: its name is told, its values may be anything.
                if name not in undeclared and len(undeclared) >= MOST_NAMES:
                    out.beyond[OTHER] = out.beyond.get(OTHER, 0) + 1
                    continue
                undeclared.add(name)
            labels[(event.type, name)] += 1
            if value is None:
                continue
            counter = seen.setdefault(name, Counter())
            if value not in counter and len(counter) >= MOST_VALUES:
                out.beyond[name] = out.beyond.get(name, 0) + 1
                continue
            counter[value] += 1
            if matched:
                watched.setdefault(name, set()).add(value)
    out.types = {t: (n, matched_types[t]) for t, n in sorted(types.items())}
    out.unread = {
        place: n
        for place, n in sorted(labels.items())
        if place[1] not in read_by_type.get(place[0], set()) | read_by_type.get("", set())
    }
    for name, counter in sorted(seen.items()):
        missed = {v: n for v, n in sorted(counter.items()) if v not in watched.get(name, ())}
        if missed:
            out.values[name] = missed
    return out


def _counted(recorded: Iterable[Recorded], out: BlindSpots) -> Iterator[Recorded]:
    for item, now in recorded:
        out.refused += isinstance(item, Rejected)
        yield item, now


def _labels(event_type: str, document: Mapping[str, Json]) -> Iterator[tuple[str, str | None]]:
    """The labels of an event, the tenant among them; of a text in a field that is not declared, the name alone."""
    if tenant := label_text(document.get("tenant")):
        yield "tenant", tenant
    data = document.get("data")
    declared = fields_of(event_type)
    for name, value in data.items() if isinstance(data, dict) else ():
        known = declared.get(name)
        if known is FieldClass.LABEL and (text := label_text(value)):
            yield name, text
        elif known is None and isinstance(value, str):
            yield name, None


def _read(files: Files) -> dict[str, set[str]]:
    """By event type (empty: any): the names that rules for it read."""
    out: dict[str, set[str]] = {}
    for name, raw in files.content.items():
        if not name.startswith("rules/") or not name.endswith(SUFFIXES):
            continue
        document = read(name, raw, name, Problems())
        data = document.data if document is not None else None
        if not isinstance(data, dict) or "detect" not in data:
            continue
        names = {_last(n) for n in _names(data)}
        given = data.get("on")
        on = given if isinstance(given, list) else [given] if given else [""]
        for one in on:
            text = str(one).removeprefix("ai.safety.")
            out.setdefault(text.removesuffix(".v1"), set()).update(names)
    return out


def _names(data: Mapping[str, Json]) -> Iterator[str]:
    for word in ("by", "context"):
        yield from _listed(data.get(word))
    yield from _logic(data.get("when"))
    detect = data.get("detect")
    if not isinstance(detect, dict):
        return
    for word, given in detect.items():
        row = TABLE.get(word)
        if row is None or not isinstance(given, dict):
            continue
        for one in row.fields:
            yield from _listed(given.get(one))
        for one in row.logic:
            yield from _logic(given.get(one))
        steps = given.get("steps")
        for step in steps if isinstance(steps, list) else ():
            yield from _logic(step.get("when") if isinstance(step, dict) else None)


def _listed(value: Json) -> list[str]:
    return (
        [str(v) for v in value]
        if isinstance(value, list)
        else [value]
        if isinstance(value, str)
        else []
    )


def _logic(given: Any) -> Iterator[str]:
    if given is None:
        return
    try:
        for path in reads(given):
            yield ".".join(map(str, path))
    except RuleError:
        return


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def body(found: BlindSpots) -> dict[str, Json]:
    """As plain data."""
    return {
        "events": found.events,
        "watched": found.watched,
        "refused": found.refused,
        "types": [
            {"type": t, "events": n, "watched": matched} for t, (n, matched) in found.types.items()
        ],
        "unwatched_types": list(found.unwatched_types),
        "unread_labels": [
            {"type": t, "label": label, "events": n} for (t, label), n in found.unread.items()
        ],
        "unwatched_values": [
            {"label": label, "value": v, "events": n}
            for label, values in found.values.items()
            for v, n in values.items()
        ],
        "values_not_remembered": dict(found.beyond),
    }
