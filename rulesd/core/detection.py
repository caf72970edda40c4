"""Detection: events in, alert transitions out. One machine for all rules, keyed by rule and ``by`` labels.

Law: pure. It knows nothing of receivers, groups or people beyond what an alert carries. Each event costs one call of the
matcher and, for each rule that matched, one call of its detector; nothing else is done per event.

Time: the watermark of a rule is the newest event time it has seen minus its lateness, and at least now - lateness - 60 s, so that quiet
streams move too. An event dated more than five minutes ahead counts as of its arrival and moves nothing (``time_suspect``). A key
that is woken by its own deadline sees the second form only: so a restored engine, which knows no stale wake-ups, decides
the same. Deadlines wait in one heap ordered by (time, rule, key): the same inputs give the same order everywhere.

Errors: an evaluation that raised is an alert of its own for each (rule, source, type). The rule stays in force for every
other event: no event can disable a rule.
"""

from heapq import heapify, heappop, heappush

from rulesd.core import relearning, track
from rulesd.core.book import IDLE, NOT_DUE, UNKNOWN, Book, Entry, Key
from rulesd.core.detectors.deploys import is_deploy
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.core.labels import error_key
from rulesd.core.limit import limit_reached, values_dropped
from rulesd.core.open_episodes import OpenEpisodes
from rulesd.core.plan import Plan
from rulesd.model.alert import OVERFLOW
from rulesd.model.decision import AlertChanged, Decision
from rulesd.model.event import FUTURE_LIMIT_MS, Event
from rulesd.model.instant import Instant
from rulesd.model.reasons import Reason

_observation = tuple.__new__
"Makes an ``Observation`` of its fields: half the price of its own ``__new__``, once for each event."


class Detection:
    """The state of every rule."""

    def __init__(self, plan: Plan) -> None:
        """Start with empty books."""
        self.plan = plan
        self.books = [Book(rule, rule.detector.pool()) for rule in plan.rules]
        self.rule_errors = dict.fromkeys(plan.by_id, 0)
        "Evaluations of each rule that raised."
        self.suspect = 0
        "Matched events dated too far ahead."
        self.late = 0
        "Matched events that came after a rule's watermark had passed their time."
        self._heap: list[tuple[Instant, str, Key]] = []
        self.due: Instant = NOT_DUE
        "The earliest deadline; beyond all time when there is none. An attribute, because every event compares with it."
        self.episodes = OpenEpisodes({book.id: book for book in self.books})
        self._awaits = True
        "Whether keys that are expected may still be unwatched."

    @property
    def rule_matches(self) -> dict[str, int]:
        """Events each rule matched."""
        return {book.id: book.matches for book in self.books}

    def observe(self, event: Event, now: Instant, out: list[Decision]) -> bool:
        """Take one event; append what it decides; say whether any rule matched."""
        if self._awaits:
            self.expect(now)
        matched, raised = self.plan.match(event.document)
        if not matched and not raised:
            return False
        at = moves = event.at  # ``moves``: how far it moves the time of its rules
        if at > now + FUTURE_LIMIT_MS:
            at, moves = now, 0
            self.suspect += 1
        seen = _observation(Observation, (at, now, event.id, event.weight, event.document))
        books, idle, late, deploy = self.books, now - IDLE, False, is_deploy(seen)
        for position in matched:
            book = books[position]
            book.matches += 1
            watermark = book.newest
            if moves > watermark:
                watermark = book.newest = moves
            try:
                if book.arrival:
                    late |= at < idle - book.lateness
                    arrived = seen if at == now else seen._replace(at=now)
                    self._observe(book, event, arrived, now, out)
                    continue
                if watermark < idle:  # noqa: PLR1730 - each event asks for each rule: max() is ten times as dear
                    watermark = idle
                watermark -= book.lateness
                if at < watermark:
                    late = True
                if deploy and book.deploys and book.detector.observe_pool(book.pool, seen):
                    relearning.watch_opened(book, seen, out)
                    continue
                self._observe(book, event, seen, watermark, out)
            except ValueError:
                self._could_not_evaluate(book, event, now, out)
        for position in raised:
            self._could_not_evaluate(books[position], event, now, out)
        self.late += late
        return bool(matched)

    def _observe(
        self, book: Book, event: Event, seen: Observation, watermark: Instant, out: list[Decision]
    ) -> None:
        """One event for one rule."""
        pool = book.pool
        if book.pooled and book.detector.observe_pool(pool, seen):
            relearning.watch_opened(book, seen, out)
            return
        key = book.key(event.document)
        entry = book.young.get(key) or book.get(key)
        if entry is None:
            entry = self._new_entry(book, key, seen.at, watermark, seen.now, out)
        state = entry.state
        if entry.due <= watermark:
            self._advance(book, entry, watermark, seen.now, out)
        if entry.episode is not None:
            self.episodes.settle(book, entry, watermark, seen.now, out)
        found = book.observe(state, pool, seen)
        if found is not None:
            self.episodes.read(book, entry, found, event, seen.now, out)
        elif entry.episode is not None:
            entry.episode.count += event.weight
            entry.episode.add_cause(event.id)
        if book.dropped is not None:
            values_dropped(book, state, seen.now, out)
        book.dirty[entry.key] = None
        due = book.deadline(state, pool)
        if due is None:
            due = NOT_DUE
        # The same deadline as before is waited for already.
        if due != entry.due or entry.episode is not None:
            self._arm(book, entry, due)

    def _advance(
        self, book: Book, entry: Entry, watermark: Instant, now: Instant, out: list[Decision]
    ) -> None:
        """Let a detector settle what is due, and hear what else it has to say."""
        for reading in book.detector.advance(entry.state, book.pool, watermark):
            self.episodes.read(book, entry, reading, None, now, out)
        if book.news is not None:
            relearning.tell(book, entry, now, out)

    def expect(self, now: Instant) -> None:
        """Watch every key that a rule expects from now on (``expected_keys`` of its detector), unless it is watched already."""
        self._awaits = False
        for book in self.books:
            for key in getattr(book.rule.detector, "expected_keys", ()):
                if book.peek(key) is None:
                    entry = Entry(key, book.rule.detector.start(key, now))
                    book.add(entry, self._watermark(book, now), now)
                    book.dirty[key] = None
                    self._ask(book, entry)

    def _new_entry(
        self,
        book: Book,
        key: Key,
        at: Instant,
        watermark: Instant,
        now: Instant,
        out: list[Decision],
    ) -> Entry:
        rule = book.rule
        if book.full(watermark):
            detail = f"{len(book)} keys are live; further ones share one alert labelled {OVERFLOW}"
            limit_reached(book, Reason.KEY_LIMIT, rule.max_keys, detail, now, out)
            key = (OVERFLOW,) * len(key)
            known = book.get(key)
            if known is not None:
                return known
        entry = Entry(key, rule.detector.start(key, at))
        book.add(entry, watermark, now)
        return entry

    def _could_not_evaluate(
        self, book: Book, event: Event, now: Instant, out: list[Decision]
    ) -> None:
        self.rule_errors[book.rule.id] += 1
        watermark = self._watermark(book, now)
        key = error_key(event.source, event.type)
        if book.peek(key) is None and book.full(watermark):
            key = error_key(OVERFLOW, OVERFLOW)
        entry = book.get(key)
        if entry is None:
            entry = Entry(key, book.rule.detector.start(key, now))
            book.add(entry, watermark, now)
        reading = Reading(now, True, float(event.weight), None, until=now)
        self.episodes.read(book, entry, reading, event, now, out)
        self._ask(book, entry)

    def _watermark(self, book: Book, now: Instant) -> Instant:
        if book.arrival:
            return now
        return max(book.newest, now - IDLE) - book.lateness

    # ------------------------------------------------------------------ time

    def next_timer(self) -> Instant | None:
        """The earliest deadline."""
        return self.due if self.due < NOT_DUE else None

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """Run the deadlines due at ``now``."""
        heap, books = self._heap, self.episodes.books
        while heap and heap[0][0] <= now:
            due, rule, key = heappop(heap)
            book = books.get(rule)
            entry = None if book is None else book.peek(key)
            if book is None or entry is None or not entry.woken(due):
                continue
            watermark = now - book.patience
            if entry.due <= watermark:
                self._advance(book, entry, watermark, now, out)
            if entry.episode is not None:
                self.episodes.settle(book, entry, watermark, now, out)
            book.dirty[key] = None
            self._ask(book, entry)
        self._look()

    def _ask(self, book: Book, entry: Entry) -> None:
        """Ask the detector for its deadline, and see to it that the key is woken then."""
        due = book.deadline(entry.state, book.pool)
        self._arm(book, entry, NOT_DUE if due is None else due)

    def _arm(self, book: Book, entry: Entry, due: Instant) -> None:
        """The detector has told its deadline: make sure that the key is woken in time for it, and for all that its episode waits for."""
        entry.due = due
        alone = entry.episode is None
        wake = due + book.patience if alone else track.wake_at(book, entry) or NOT_DUE
        if wake < (entry.wake or NOT_DUE) and entry.wakes(wake):
            heappush(self._heap, (wake, book.id, entry.key))
            self.due = min(self.due, wake)

    # ------------------------------------------------------------------ plans

    def replace(self, plan: Plan, now: Instant, out: list[Decision]) -> list[str]:
        """Take a new plan. Unchanged rules keep everything, changed ones their open episodes while their labels allow it.

        Returns the ids of rules whose stored state is void.
        """
        before = {book.rule.id: book for book in self.books}
        books: list[Book] = []
        void: list[str] = []
        for rule in plan.rules:
            was = before.pop(rule.id, None)
            if was is not None and was.rule.digest == rule.digest:
                was.take(rule)
                books.append(was)
                continue
            book = Book(rule, rule.detector.pool())
            books.append(book)
            if was is not None:
                void.append(rule.id)
                book.matches = was.matches
                relearning.rule_changed(was, book, now, out)
                self._move(was, book, now, out)
        for was in before.values():
            void.append(was.rule.id)
            self.episodes.close(was, now, out)
        self.plan, self.books = plan, books
        self.episodes.books = {book.id: book for book in books}
        self.expect(now)
        self.rule_errors = {id_: self.rule_errors.get(id_, 0) for id_ in plan.by_id}
        for book in books:
            if book.rule.id in void:
                for entry in book.all():
                    self._ask(book, entry)
        return void

    def _move(self, was: Book, book: Book, now: Instant, out: list[Decision]) -> None:
        if [f.label for f in was.rule.by] != [f.label for f in book.rule.by]:
            self.episodes.close(was, now, out)
            return
        book.newest = was.newest
        for entry in was.busy():
            assert entry.episode is not None
            entry.state = book.rule.detector.start(entry.key, now)
            if entry.episode.until is None:
                entry.episode.until = now
            entry.wake, entry.due = 0, UNKNOWN
            book.young[entry.key] = entry
            book.dirty[entry.key] = None

    def rebuild(self) -> None:
        """Make the heap and the index of open episodes from the books (after a restore)."""
        self._heap = []
        self._awaits = True
        self.episodes.rebuild()
        for book in self.books:
            for entry in book.awake():
                wake = track.wake_at(book, entry)
                entry.wake, entry.later = wake or 0, 0
                if wake is not None:
                    self._heap.append((wake, book.rule.id, entry.key))
        heapify(self._heap)
        self._look()

    def _look(self) -> None:
        self.due = self._heap[0][0] if self._heap else NOT_DUE


def transitions(decisions: list[Decision], start: int) -> list[AlertChanged]:
    """The alert transitions among ``decisions`` from position ``start`` on: what Dispatch must hear."""
    return [d for d in decisions[start:] if isinstance(d, AlertChanged)]
