"""Learning anew: when a person asks for it, and the word about it when it happens by itself.

Law: no baseline is forgotten or replaced silently. A key that is told to learn afresh is as if it had never been seen; the alert it has open is over, because
what it was compared with is gone. A whole rule that is told so is as if it were new, and what its keys share is forgotten, too.
"""

from collections.abc import Callable
from typing import Any

from rulesd.core.book import UNKNOWN, Book, Entry
from rulesd.core.detectors.deploys import WATCH, is_deploy
from rulesd.core.detectors.protocol import Observation
from rulesd.core.labels import is_error, labels_of
from rulesd.model.baseline import BaselineChanged
from rulesd.model.decision import Decision
from rulesd.model.inputs import BaselinesRelearned
from rulesd.model.instant import Instant
from rulesd.model.reasons import Reason

Over = Callable[[Book, Entry, str, Instant, list[Decision]], None]
"Ends an entry's open alert in a person's name."

_NOT_WATCHED = frozenset({"rollout"})
"It is about releases; the watch over them is its own."


def learns(detector: Any) -> bool:
    """Whether a detector has baselines that it learned."""
    pinned = getattr(detector, "pinned", ())
    return hasattr(detector, "learned") and (callable(pinned) or not pinned)


def is_pinned(book: Book, entry: Entry) -> bool:
    """Whether people wrote down what is expected of a key."""
    told = getattr(book.detector, "pinned", None)
    return callable(told) and told(entry.key) is not None


# ---------------------------------------------------------------------- by itself


def tell(book: Book, entry: Entry, now: Instant, out: list[Decision]) -> None:
    """Say what a detector that has news says."""
    assert book.news is not None
    for reason, detail in book.news(entry.state):
        out.append(_about(book, entry, reason, detail, now))


def watch_opened(book: Book, seen: Observation, out: list[Decision]) -> None:
    """A deploy reached a rule that learns."""
    detector = book.detector
    if not is_deploy(seen) or not learns(detector) or detector.name in _NOT_WATCHED:
        return
    out.append(
        BaselineChanged(
            at=seen.now,
            reason=Reason.DEPLOY_WATCH,
            rule=book.id,
            labels={},
            keys=len(book),
            until=seen.at + WATCH,
            detail="less evidence is enough, at the cost of as many false pages as two weeks bring without a deploy",
        )
    )


def after_resolve(
    book: Book, entry: Entry, alert: str, by: str, now: Instant, out: list[Decision]
) -> None:
    """A person resolved the alert of a key that learns: it has begun afresh."""
    if learns(book.detector) and not is_error(entry.key) and not is_pinned(book, entry):
        said = "the alert was resolved: the key learns afresh"
        out.append(_about(book, entry, Reason.RELEARN_RESOLVED, said, now, by=by, alert=alert))


def rule_changed(was: Book, book: Book, now: Instant, out: list[Decision]) -> None:
    """A reload changed a rule that had learned something."""
    if learns(was.detector) and learns(book.detector) and len(was):
        out.append(
            BaselineChanged(
                at=now,
                reason=Reason.RELEARN_RULE,
                rule=book.id,
                labels={},
                keys=len(was),
                detail="the rule is another one: what it had learned is gone",
            )
        )


def _about(
    book: Book,
    entry: Entry,
    reason: Reason,
    detail: str,
    now: Instant,
    by: str = "",
    alert: str = "",
) -> BaselineChanged:
    labels = labels_of(book.rule.by, entry.key)
    return BaselineChanged(
        at=now,
        reason=reason,
        rule=book.id,
        labels=labels,
        keys=1,
        detail=detail,
        by=by,
        alert=alert,
    )


# ---------------------------------------------------------------------- when asked


def relearn(
    book: Book, item: BaselinesRelearned, over: Over, now: Instant, out: list[Decision]
) -> bool:
    """Do as a person asked; ``True`` when all that the rule had stored is void."""
    if not learns(book.detector):
        return False
    whole = not item.labels
    if whole:
        count = len(book)
        detail = "the whole rule learns afresh, with what its keys share"
    else:
        known = [e for k in item.keys if (e := book.peek(k)) is not None and not is_error(k)]
        entries = [e for e in known if not is_pinned(book, e)]
        count = len(entries)
        detail = "these keys learn afresh"
    if not count:
        return False
    out.append(
        BaselineChanged(
            at=now,
            reason=Reason.RELEARN_ASKED,
            rule=book.id,
            labels=dict(item.labels),
            keys=count,
            detail=detail,
            by=item.by,
            note=item.reason,
        )
    )
    if whole:
        _whole(book, item.by, over, now, out)
        return True
    afresh = getattr(book.detector, "unlearned", book.detector.start)
    for entry in entries:
        if entry.episode is not None:
            over(book, entry, item.by, now, out)
        entry.state, entry.due = afresh(entry.key, now), UNKNOWN
        book.dirty[entry.key] = None
    return False


def _whole(book: Book, by: str, over: Over, now: Instant, out: list[Decision]) -> None:
    """Begin as a new rule does; alerts about events it could not evaluate are no baselines, and stay."""
    busy = book.busy()
    stay = [entry for entry in busy if is_error(entry.key)]
    for entry in busy:
        if not is_error(entry.key):
            over(book, entry, by, now, out)
    book.pool = book.detector.pool()
    book.young, book.old, book.asleep = {entry.key: entry for entry in stay}, {}, {}
    book.dirty = dict.fromkeys(book.young)
