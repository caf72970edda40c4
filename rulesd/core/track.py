"""Tracking: from what a detector reads to what is said about an alert.

Law: one entry (rule, key) at a time; the only state is the entry's episode. Transitions come from ``rulesd.core.lifecycle``;
here is when a signal applies, and how seldom an open episode speaks.
"""

from rulesd.core import pending
from rulesd.core.book import NOT_DUE, Book, Entry
from rulesd.core.detectors.protocol import Reading
from rulesd.core.episode import Episode
from rulesd.core.labels import error_labels, is_error, label_text, labels_of
from rulesd.core.lifecycle import Signal, step
from rulesd.model.alert import Alert, severity_rank
from rulesd.model.decision import AlertChanged, Decision, Kind
from rulesd.model.event import Event, Json
from rulesd.model.fingerprint import episode_id, fingerprint
from rulesd.model.instant import HOUR, MINUTE, SECOND, Instant, Milliseconds
from rulesd.model.reasons import AlertState, Reason

PUBLISH_EVERY: Milliseconds = SECOND
"An open must-never-happen episode publishes what it gathered at most this often."

LATE_HOLD: Milliseconds = 5 * MINUTE
"What late evidence shows stays at least so long."

ERROR_HOLD: Milliseconds = HOUR
'A "could not evaluate" alert of an ordinary rule resolves after an hour without another.'


_OVER = frozenset((Signal.CLEARED, Signal.HOLD_ELAPSED))
"Ends of an alert that are its condition's."


def labels(book: Book, entry: Entry) -> dict[str, str]:
    """The identity labels of an entry."""
    if is_error(entry.key):
        return error_labels(entry.key)
    return labels_of(book.rule.by, entry.key)


def alert_of(book: Book, entry: Entry, now: Instant) -> Alert:
    """An entry's open episode as a value."""
    episode = entry.episode
    assert episode is not None
    names = labels(book, entry)
    return episode.alert(
        book.rule,
        names,
        fingerprint({"alertname": book.rule.id, **names}),
        ended_at=now if episode.state is AlertState.RESOLVED else None,
        could_not_evaluate=is_error(entry.key),
    )


def read(
    book: Book,
    entry: Entry,
    reading: Reading,
    event: Event | None,
    now: Instant,
    out: list[Decision],
) -> None:
    """Take what the detector says and decide what it means for the alert."""
    episode = entry.episode
    late = _late(book, reading, event, now)
    if episode is None:
        if not reading.active or (late and _told(book, entry, reading)):
            return
        episode = entry.episode = _open(book, entry, reading, event, now)
    _gather(book, entry, episode, reading, event)
    if reading.active and late and not is_error(entry.key):
        # It stays as long as if it had ended now, or it would be resolved before it is told.
        episode.shown = now + max(keep(book, entry), LATE_HOLD)
    elif not reading.active and event is not None:
        episode.shown = 0  # what was missed has come after all: nothing to tell
    if episode.state is AlertState.INACTIVE:
        must_last = book.rule.pending_for > 0 and not is_error(entry.key)
        if must_last:
            pending.hold(episode.spans, reading.at, reading.until)
        apply(book, entry, Signal.MET_MUST_LAST if must_last else Signal.MET, now, out)
    elif episode.state is AlertState.PENDING:
        if reading.active:
            pending.hold(episode.spans, reading.at, reading.until)
        else:
            pending.stop(episode.spans, reading.at)
        _pending(book, entry, episode, reading.at, now, out)
    elif reading.active:
        _publish(book, entry, episode, now, out)
    elif keep(book, entry) == 0 and now >= episode.shown:
        apply(book, entry, Signal.CLEARED, now, out)


def settle(book: Book, entry: Entry, watermark: Instant, now: Instant, out: list[Decision]) -> None:
    """Let time pass for an open episode: pending that lasted, holds that ended, news that is due."""
    episode = entry.episode
    assert episode is not None
    if is_error(entry.key):
        watermark = now
    if episode.state is AlertState.PENDING:
        if not pending.lasted(episode.spans, book.rule.pending_for, watermark):
            pending.drop(episode.spans, watermark)
        _pending(book, entry, episode, watermark, now, out)
        if entry.episode is None or episode.state is AlertState.PENDING:
            return
    end = _end(book, entry, episode)
    if end <= watermark and now >= episode.shown:
        measure = getattr(book.rule.detector, "current", None)
        if measure is not None and not is_error(entry.key):
            episode.value = measure(entry.state, end)
        held = keep(book, entry) > 0
        apply(book, entry, Signal.HOLD_ELAPSED if held else Signal.CLEARED, now, out)
    elif _owes(book, entry, episode) <= now:
        emit(book, entry, Kind.UPDATED, Reason.SEEN_AGAIN, now, out)


def apply(book: Book, entry: Entry, signal: Signal, now: Instant, out: list[Decision]) -> None:
    """Apply a signal to an entry's alert and say so."""
    episode = entry.episode
    to = None if episode is None else step(episode.state, signal)
    if episode is None or to is None:
        return
    if signal in _OVER and episode.state is AlertState.FIRING and episode.until is not None:
        book.told[entry.key] = episode.since, episode.until + keep(book, entry)
    episode.state = to.state
    reason = to.reason
    if to.state is not AlertState.RESOLVED:
        episode.severity, episode.severe_at = _severity(book, entry, episode), now
        if is_error(entry.key):
            reason = Reason.COULD_NOT_EVALUATE
    emit(book, entry, to.kind, reason, now, out)
    if to.state is AlertState.RESOLVED:
        entry.episode = None
        if is_error(entry.key):
            book.forget(entry.key)


def emit(
    book: Book, entry: Entry, kind: Kind, reason: Reason, now: Instant, out: list[Decision]
) -> None:
    """Publish an entry's episode as it stands."""
    episode = entry.episode
    assert episode is not None
    episode.published = now
    episode.published_count = episode.count
    book.dirty[entry.key] = None
    out.append(AlertChanged(kind=kind, at=now, reason=reason, alert=alert_of(book, entry, now)))


def keep(book: Book, entry: Entry) -> Milliseconds:
    """How long the alert stays after its condition was last true."""
    if is_error(entry.key) and not book.rule.never:
        return ERROR_HOLD
    own = book.rule.keep_firing_for
    return book.rule.detector.hold if own is None else own


def wake_at(book: Book, entry: Entry) -> Instant | None:
    """The processing time at which this entry has something to settle, ``None`` for never."""
    rule = book.rule
    patience = book.patience
    due = entry.due + patience
    episode = entry.episode
    if episode is not None:
        if is_error(entry.key):
            patience = 0
        if episode.state is AlertState.PENDING:
            due = min(due, pending.next_look(episode.spans, rule.pending_for) + patience)
        end = max(_end(book, entry, episode) + patience, episode.shown)
        due = min(due, end, _owes(book, entry, episode))
    return due if due < NOT_DUE else None


def _open(book: Book, entry: Entry, reading: Reading, event: Event | None, now: Instant) -> Episode:
    opening = event.id if event is not None else "".join(reading.causes[:1])
    since = reading.at if reading.since is None else reading.since
    if event is not None and book.rule.never:
        since = min(event.at, now)
    id_ = episode_id(book.rule.id, entry.key, opening, now)
    episode = Episode(episode=id_, at=since, since=since, now=now)
    examples = getattr(book.detector, "examples", None)
    if examples is not None and not is_error(entry.key):
        episode.causes += examples(entry.state)
    if event is not None and book.rule.detector.counts and not is_error(entry.key):
        episode.count = max(0, round(reading.value) - event.weight)
    return episode


def _gather(
    book: Book, entry: Entry, episode: Episode, reading: Reading, event: Event | None
) -> None:
    """Bring an episode up to date with what was just read."""
    if reading.until is not None:
        known = episode.until
        episode.until = reading.until if known is None else max(known, reading.until)
    else:
        episode.until = None if reading.active else reading.at
    episode.active = reading.active
    for cause in reading.causes:
        episode.add_cause(cause)
    if event is None:
        episode.event_time = max(episode.event_time, reading.at)
    else:
        episode.count += event.weight
        latest = min(event.at, reading.at) if book.arrival else reading.at
        episode.event_time = max(episode.event_time, latest)
        episode.add_cause(event.id)
        for f in book.rule.context:
            text = label_text(f.get(event.document))
            if text:
                episode.context[f.label] = text
    episode.threshold = reading.threshold
    counted = book.rule.never or is_error(entry.key)
    episode.value = float(episode.count) if counted else reading.value
    if reading.detail:
        episode.detail = dict(reading.detail)


def _late(book: Book, reading: Reading, event: Event | None, now: Instant) -> bool:
    """Whether what is said was over before anybody could know."""
    slack = book.patience if event is None or book.arrival else book.rule.lateness
    return max(reading.at, reading.until or 0) + slack < now


def _told(book: Book, entry: Entry, reading: Reading) -> bool:
    """Whether it belongs to an alert that has been told and is over: no news."""
    told = book.told.get(entry.key)
    return told is not None and told[0] - keep(book, entry) <= reading.at <= told[1]


def _severity(book: Book, entry: Entry, episode: Episode) -> str:
    rule = book.rule
    if is_error(entry.key):
        return rule.worst_severity if rule.never else "medium"
    names: dict[str, Json] = dict(labels(book, entry))
    context: dict[str, Json] = dict(episode.context)
    facts: dict[str, Json] = {
        "value": episode.value,
        "threshold": episode.threshold,
        "count": episode.count,
        "labels": names,
        "context": context,
    }
    return rule.severity({"alert": facts})


def _held(book: Book, entry: Entry, episode: Episode, now: Instant) -> str:
    """The severity a firing episode is said to have: it rises at once, and falls when it has been lower for the rule's hold.

    Each rise wakes people: a value that swings about a bound of the severity map would wake them at every swing.
    """
    severity = _severity(book, entry, episode)
    if severity_rank(severity) <= severity_rank(episode.severity):
        episode.severe_at = now
    elif now - episode.severe_at < keep(book, entry):
        return episode.severity
    return severity


def _pending(
    book: Book, entry: Entry, episode: Episode, at: Instant, now: Instant, out: list[Decision]
) -> None:
    if pending.lasted(episode.spans, book.rule.pending_for, at):
        episode.spans = []
        apply(book, entry, Signal.LASTED, now, out)
    elif not episode.active or not episode.spans:
        apply(book, entry, Signal.CLEARED, now, out)


def _publish(book: Book, entry: Entry, episode: Episode, now: Instant, out: list[Decision]) -> None:
    """Say what changed in a firing episode, as seldom as people need it."""
    severity = _held(book, entry, episode, now)
    if severity != episode.severity:
        episode.severity = severity
        emit(book, entry, Kind.UPDATED, Reason.SEVERITY_CHANGED, now, out)
    elif book.rule.never or is_error(entry.key):
        if episode.acknowledged_by:
            episode.acknowledged_by = ""
            emit(book, entry, Kind.UPDATED, Reason.REOPENED, now, out)
        elif now - episode.published >= PUBLISH_EVERY:
            emit(book, entry, Kind.UPDATED, Reason.SEEN_AGAIN, now, out)
    elif episode.count >= 2 * max(1, episode.published_count):
        emit(book, entry, Kind.UPDATED, Reason.COUNT_GREW, now, out)


def _owes(book: Book, entry: Entry, episode: Episode) -> Instant:
    """When a must-never-happen episode must publish what it has gathered since."""
    counted = book.rule.never or is_error(entry.key)
    if counted and episode.count > episode.published_count and episode.state is AlertState.FIRING:
        return episode.published + PUBLISH_EVERY
    return NOT_DUE


def _end(book: Book, entry: Entry, episode: Episode) -> Instant:
    """The detector time at which a firing episode resolves."""
    if episode.until is None or episode.state is not AlertState.FIRING:
        return NOT_DUE
    return episode.until + keep(book, entry)
