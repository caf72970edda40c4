"""The whole chain of one alert: evidence, rule, detector, its life, where it went, what held it back, every attempt to tell somebody.

Law: pure, over what was read; the order is that of the line.
"""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from rulesd.core.engine import Engine
from rulesd.core.route import label_set
from rulesd.model.alert import Alert
from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant
from rulesd.model.reasons import AlertState
from rulesd.model.story import Part, Step, Story
from rulesd.ports.store import AttemptRow, DecisionRow, OutboxDone, OutboxRow
from rulesd.runners.explain_event import Arrived
from rulesd.runners.explain_route import held_back, people_of, route_steps
from rulesd.runners.reason_words import in_words

SHOWN = 60
"Decisions that are told one by one; of more, the first and the last ones."


class Page(NamedTuple):
    """One outbox row, what became of it, and every attempt."""

    row: OutboxRow
    done: OutboxDone | None
    attempts: Sequence[AttemptRow]


def causes_of(decisions: Sequence[DecisionRow]) -> tuple[str, ...]:
    """The evidence as the log has it."""
    for row in reversed(decisions):
        cause = orjson.loads(row.body).get("cause")
        if cause:
            return tuple(str(c) for c in cause)
    return ()


def story(
    id_: str,
    alert: Alert | None,
    engine: Engine,
    now: Instant,
    decisions: Sequence[DecisionRow],
    pages: Sequence[Page],
    events: Sequence[Arrived],
) -> Story:
    """Everything that can be said of an alert."""
    rule = alert.rule if alert is not None else decisions[-1].rule
    steps = [_evidence(alert, events)]
    if events:
        steps += _rule(rule, events[-1], engine)
    if alert is not None:
        steps.append(_detector(alert, engine))
    steps += _life(decisions)
    if alert is not None and alert.state is not AlertState.RESOLVED:
        steps += route_steps(alert, engine.plan)
        steps += people_of(alert, engine.plan, now)
        steps += held_back(alert, engine, now)
    steps += [_page(page) for page in pages]
    steps += _acting(id_, engine)
    delivered: Json = sum(p.done is not None and p.done.state == "delivered" for p in pages)
    facts: dict[str, Json] = {
        "alert": id_,
        "rule": rule,
        "state": str(alert.state) if alert is not None else "resolved",
        "pages": len(pages),
        "delivered": delivered,
    }
    return Story(title=_title(id_, rule, alert, pages), steps=tuple(steps), facts=facts)


def _title(id_: str, rule: str, alert: Alert | None, pages: Sequence[Page]) -> str:
    state = str(alert.state) if alert is not None else "over"
    where = f" for {label_set(alert.labels)}" if alert is not None and alert.labels else ""
    told = [p for p in pages if p.done is not None and p.done.state == "delivered"]
    names = list(dict.fromkeys(p.row.receiver for p in told))
    said = f"{', '.join(names)} told" if names else "nobody has been told"
    return f"{rule}{where} is {state}; {said}."


def _evidence(alert: Alert | None, events: Sequence[Arrived]) -> Step:
    if alert is not None and alert.foreign is not None:
        more = [f"{k}: {v}" for k, v in sorted(alert.foreign.annotations.items())]
        said = "another system posted it (API v2)"
        at = format_instant(alert.foreign.starts_at)
        return Step(part=Part.EVENT, said=said, at=at, more=tuple(more))
    if not events:
        return Step(part=Part.EVENT, said="its evidence is no longer in the journal")
    arrived = events[-1]
    event = arrived.event
    count = "" if alert is None else f", the latest of {alert.count}"
    causes = () if alert is None else (f"evidence: {', '.join(alert.causes)}",)
    said = f"event {event.id} ({event.type} from {event.source}){count}"
    return Step(part=Part.EVENT, said=said, at=format_instant(arrived.now), more=causes)


def _rule(rule: str, arrived: Arrived, engine: Engine) -> list[Step]:
    told = engine.plan.explain(rule, arrived.event.document)
    if told is None:
        return [Step(part=Part.RULE, said=f"{rule} is not in force any more")]
    on = engine.plan.rules[engine.plan.by_id[rule]].on
    if on and arrived.event.type not in on:
        # Rules about what rulesd does (a switch that is not obeyed) match what it makes of an event.
        said = f"{rule} matches what rulesd made of it: {', '.join(on)}"
        return [Step(part=Part.RULE, said=said)]
    truth, tree = told
    words = {True: "matches it", False: "does not match it as it stands now", None: "raises on it"}
    return [Step(part=Part.RULE, said=f"{rule} {words[truth]}", more=tuple(tree.splitlines()))]


def _detector(alert: Alert, engine: Engine) -> Step:
    position = engine.plan.by_id.get(alert.rule) if alert.foreign is None else None
    name = engine.plan.rules[position].detector.name if position is not None else "alert"
    said = f"{name}: {alert.value:.4g}"
    if alert.threshold is not None:
        said += f" where {alert.threshold:.4g} is needed"
    since = f"since {format_instant(alert.since)}, {alert.count} events"
    return Step(part=Part.DETECTOR, said=said, more=(since, f"severity {alert.severity}"))


def _life(decisions: Sequence[DecisionRow]) -> list[Step]:
    rows = list(decisions)
    out: list[Step] = []
    gone = len(rows) - SHOWN
    if gone > 0:
        rows = [*rows[: SHOWN // 2], *rows[-SHOWN // 2 :]]
    for i, row in enumerate(rows):
        out.append(_decided(row))
        if gone > 0 and i == SHOWN // 2 - 1:
            out.append(Step(part=Part.ALERT, said=f"{gone} more decisions between"))
    return out


def _decided(row: DecisionRow) -> Step:
    fields = orjson.loads(row.body)
    words = in_words(str(fields.get("reason", "")))
    part, kind = Part.ALERT, row.kind.removeprefix("alert.")
    if row.kind.startswith("action"):
        part, kind = Part.ACTION, f"action {fields.get('action')}"
    elif row.kind.startswith("switch"):
        scope = label_set(fields.get("scope") or {})
        part, kind = Part.ACTION, f"{fields.get('key')} for {scope} = {_value(fields.get('value'))}"
    elif row.kind.startswith("review"):
        part, kind = Part.REVIEW, f"review {fields.get('review')} {fields.get('verdict', 'opened')}"
    by = f", by {fields['by']}" if fields.get("by") else ""
    return Step(part=part, said=f"{kind}: {words}{by}", at=format_instant(row.at))


def _value(value: Json) -> str:
    """A flag's value as services see it."""
    return orjson.dumps(value).decode()


def _page(page: Page) -> Step:
    row, done = page.row, page.done
    state = "waits" if done is None or done.state == "pending" else done.state
    more = [
        f"attempt {a.number} at {format_instant(a.at)}: {a.state}, {a.detail}"
        for a in page.attempts[-10:]
    ]
    at = format_instant(done.at if done is not None and done.state != "pending" else row.created)
    said = f"{row.receiver} {row.channel}: {state}"
    return Step(part=Part.PAGE, said=said, at=at, more=tuple(more))


def _acting(id_: str, engine: Engine) -> list[Step]:
    """Switches that another alert set and this one keeps; its own stand among the decisions."""
    out: list[Step] = []
    for setting in engine.switches.open.values():
        if id_ in setting.holders and setting.alert != id_:
            said = f"keeps {setting.key} = {_value(setting.value)}, set for alert {setting.alert}"
            at = format_instant(setting.set_at)
            out.append(Step(part=Part.ACTION, said=said, at=at))
    for review in engine.reviews.open.values():
        if review.alert.alert == id_ and review.next:
            said = f"review {review.id} is open. What must happen: {review.next}"
            at = format_instant(review.opened_at)
            out.append(Step(part=Part.REVIEW, said=said, at=at))
    return out
