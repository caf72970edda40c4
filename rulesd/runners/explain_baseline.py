"""What an alert was compared with: the baseline its rule has learned of its key, and what has happened to that lately.

Law: pure, over what was read. Rules that learn nothing have no such step.
"""

from collections.abc import Sequence
from dataclasses import replace

import orjson

from rulesd.core.baselines import Baseline, Phase, baseline_of, learners
from rulesd.core.engine import Engine
from rulesd.model.alert import Alert
from rulesd.model.decision import Kind
from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant
from rulesd.model.story import Part, Step, Story
from rulesd.ports.store import DecisionRow
from rulesd.runners.reason_words import in_words

SHOWN = 5
"Changes of the baseline that are told, the latest ones."


def learns(engine: Engine, alert: Alert | None) -> bool:
    """Whether the alert is one of a rule that learns."""
    return alert is not None and alert.foreign is None and _of(engine, alert, 0) is not None


def steps(engine: Engine, alert: Alert, now: Instant, rows: Sequence[DecisionRow]) -> list[Step]:
    """What is expected, and why that has changed."""
    found = _of(engine, alert, now)
    if found is None:
        return []
    changes = [one for one in map(_change, rows) if _about(one, alert)]
    more = [_told(one) for one in changes[-SHOWN:]]
    return [Step(part=Part.DETECTOR, said=_said(found), more=tuple(more))]


def told(story: Story, more: Sequence[Step]) -> Story:
    """The story with these steps after what the detector says."""
    places = [n for n, step in enumerate(story.steps, 1) if step.part is Part.DETECTOR]
    place = places[-1] if places else len(story.steps)
    return replace(story, steps=(*story.steps[:place], *more, *story.steps[place:]))


def _of(engine: Engine, alert: Alert, now: Instant) -> Baseline | None:
    for book in learners(engine.detection):
        if book.id == alert.rule and not alert.could_not_evaluate:
            entry = book.peek(tuple(alert.labels.get(f.label, "") for f in book.rule.by))
            return None if entry is None else baseline_of(book, entry, now)
    return None


def _said(one: Baseline) -> str:
    words = f"baseline: {one.level}" if one.level else "baseline: not known yet"
    if one.events:
        words += f", from {one.events:,.0f} {'windows' if one.detector == 'spike' else 'events'}"
    if one.since and one.phase in (Phase.FIXED, Phase.FOLLOWS):
        words += f" since {one.since}"
    counts = one.phase is Phase.LEARNING and (one.learned or {}).get("pinned")
    words += f"; {_COUNTS if counts else _PHASES[one.phase]}"
    if one.until:
        words += f" until {one.until}"
    return words + (f", after the deploy of {one.deploy}" if one.deploy else "")


_COUNTS = "pinned in the rule, which learns how much traffic there is and says nothing"
_PHASES = {
    Phase.LEARNING: "its own is being learned",
    Phase.FIXED: "fixed",
    Phase.FOLLOWS: "it follows its history",
    Phase.PINNED: "pinned in the rule",
    Phase.WATCH: "less evidence is enough",
    Phase.RELEARNING: "another is being learned",
}


def _change(row: DecisionRow) -> dict[str, Json]:
    if row.kind != Kind.BASELINE:
        return {}
    fields: dict[str, Json] = orjson.loads(row.body)
    return {**fields, "at": format_instant(row.at)}


def _about(change: dict[str, Json], alert: Alert) -> bool:
    """Whether what was said of a baseline concerns the key of an alert."""
    labels = change.get("labels")
    return isinstance(labels, dict) and all(
        alert.labels.get(name) == value for name, value in labels.items()
    )


def _told(change: dict[str, Json]) -> str:
    by = f", by {change['by']}: {change.get('why') or '-'}" if change.get("by") else ""
    detail = f" ({change['detail']})" if change.get("detail") else ""
    return f"{change['at']} {in_words(str(change['reason']))}{detail}{by}"
