"""What became of one event: which rules looked at it, which condition failed where, and what the detector still needs.

Law: pure, over what was read. A rule's tree shows labels and numbers, never raw content.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from rulesd.core.book import Book
from rulesd.core.engine import Engine
from rulesd.core.labels import labels_of
from rulesd.core.plan import Maturity
from rulesd.core.probe import probe
from rulesd.core.route import label_set
from rulesd.model.event import Event
from rulesd.model.instant import Instant, format_instant
from rulesd.model.story import Part, Step, Story


class Arrived(NamedTuple):
    """An event of the journal, and when it came."""

    now: Instant
    event: Event


MOST_TREES = 30
"Rules whose tree is shown when none is named."


def story(id_: str, rule: str, rows: Sequence[Arrived], engine: Engine, now: Instant) -> Story:
    """Everything that can be said of the event ``id_``."""
    if not rows:
        return Story(title=f"Nothing is known of an event {id_}.", steps=(_absent(),))
    steps = [_arrival(rows)]
    event = rows[-1].event
    books = {book.rule.id: book for book in engine.detection.books}
    if rule:
        if rule not in books:
            return Story(title=f"There is no rule {rule} in force.", steps=tuple(steps))
        steps += _rule(books[rule], event, engine, now)
        return Story(title=_verdict(event, [rule], engine), steps=tuple(steps))
    about = [b for b in books.values() if event.type in b.rule.on]
    if not about:
        said = f"No rule is about events of type {event.type}."
        steps.append(Step(part=Part.RULE, said=said))
    hits = [
        b for b in about if (told := engine.plan.explain(b.rule.id, event.document)) and told[0]
    ]
    for book in hits[:MOST_TREES]:
        steps += _rule(book, event, engine, now)
    others = [b for b in about if b not in hits]
    for book in others[:MOST_TREES]:
        steps += [_briefly(step) for step in _rule(book, event, engine, now)]
    left = max(0, len(hits) - MOST_TREES) + max(0, len(others) - MOST_TREES)
    if left:
        said = f"{left} more rules are about this type: name one with --rule."
        steps.append(Step(part=Part.RULE, said=said))
    title = _verdict(event, [b.rule.id for b in about], engine)
    return Story(title=title, steps=tuple(steps))


def _absent() -> Step:
    return Step(
        part=Part.EVENT,
        said="The journal has no event of this id.",
        more=(
            "It was never accepted: the producer got another answer than 202, or the broker dropped it (docs/operations.md).",
            "Or it was rejected: rulesd_rejected_total says why, and how often.",
            "Or it is older than the journal is kept.",
        ),
    )


def _arrival(rows: Sequence[Arrived]) -> Step:
    event = rows[-1].event
    labels = f" of tenant {event.tenant}" if event.tenant else ""
    said = f"{event.type} from {event.source}{labels} was accepted"
    more = [f"it is dated {format_instant(event.at)}"]
    late = rows[-1].now - event.at
    if late > 60_000:
        more.append(f"it came {late // 1000} s after its date")
    elif late < -60_000:
        more.append(f"it is dated {-late // 1000} s ahead of its arrival")
    if len(rows) > 1:
        more.append(f"{len(rows)} events of this id with different bodies were taken (id_conflict)")
    return Step(part=Part.EVENT, said=said, at=format_instant(rows[-1].now), more=tuple(more))


def _rule(book: Book, event: Event, engine: Engine, now: Instant) -> list[Step]:
    rule = book.rule
    if event.type not in rule.on:
        said = f"{rule.id} is about {', '.join(rule.on)}, and not about {event.type}"
        return [Step(part=Part.RULE, said=said)]
    told = engine.plan.explain(rule.id, event.document)
    if told is None:
        return [Step(part=Part.RULE, said=f"{rule.id} cannot be explained")]
    truth, tree = told
    words = {True: "matches", False: "does not match", None: "could not be evaluated"}[truth]
    steps = [Step(part=Part.RULE, said=f"{rule.id} {words}", more=tuple(tree.splitlines()))]
    if truth:
        steps.append(_detector(book, event, now))
        if rule.maturity is Maturity.SHADOW:
            said = "it is a shadow rule: it decides, and pages nobody"
            steps.append(Step(part=Part.HELD_BACK, said=said))
    return steps


def _briefly(step: Step) -> Step:
    """Of a condition that does not hold, only the parts that say so and have no parts themselves."""
    lines = step.more
    depth = [len(line) - len(line.lstrip()) for line in lines]
    leaves = [
        line.strip()
        for i, line in enumerate(lines)
        if not line.lstrip().startswith("yes:")
        and (i + 1 == len(lines) or depth[i + 1] <= depth[i])
    ]
    return replace(step, more=tuple(leaves))


def _detector(book: Book, event: Event, now: Instant) -> Step:
    rule = book.rule
    found = probe(book, event, now)
    where = label_set(labels_of(rule.by, found.key))
    name = f"{rule.id} ({rule.detector.name}) for {where}"
    if found.alert:
        return Step(part=Part.DETECTOR, said=f"{name}: alert {found.alert} is open; ask why it")
    if found.reading is None:
        said = "more events just like it would not make it fire: it looks at how they differ, or how many do not match"
        return Step(part=Part.DETECTOR, said=f"{name}: {said}")
    more = "one more like it" if found.needed == 1 else f"{found.needed} more like it"
    said = f"{more}, happening now, would make it fire"
    if found.reading.threshold is not None:
        said += (
            f" ({_number(found.reading.value)} where {_number(found.reading.threshold)} is needed)"
        )
    return Step(part=Part.DETECTOR, said=f"{name}: {said}")


def _number(value: float) -> str:
    return f"{value:.4g}"


def _verdict(event: Event, rules: Sequence[str], engine: Engine) -> str:
    matched = [r for r in rules if (told := engine.plan.explain(r, event.document)) and told[0]]
    open_ = [a for a in engine.alerts() if event.id in a.causes]
    if open_:
        names = ", ".join(f"{a.rule} ({a.alert})" for a in open_[:5])
        return f"Event {event.id} is evidence of {names}: ask why about the alert."
    if not matched:
        return f"Event {event.id} was taken, and no rule matches it."
    return f"Event {event.id} matches {', '.join(matched[:5])}, and no alert came of it alone."
