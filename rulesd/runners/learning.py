"""What the rules of the running daemon have learned, page by page; and telling them to learn afresh.

Law: asking changes nothing, and a wish is answered when it is durable. The engine lives on the event loop, and so does this: between parts of a long search the loop has its turn, and whatever is
gone by then is left out.
"""

import asyncio
from collections.abc import Mapping, Sequence

from rulesd.core.baselines import Baseline, Search, baseline_of, learners
from rulesd.core.book import Book
from rulesd.core.labels import Key
from rulesd.core.relearning import learns
from rulesd.model.baseline import BaselineChanged
from rulesd.model.inputs import BaselinesRelearned
from rulesd.model.reasons import Reason
from rulesd.ports.learning import Baselines, Place, Relearned
from rulesd.runners.crank import Crank

SLICE = 2_000
"Keys that are looked through before the event loop has its turn."

ROWS = 50
"Baselines that are read before it has its turn; each takes some ten microseconds."


MOST = 20_000
"Keys with given labels that may be told to learn afresh at once; a whole rule may have more."

PART = 500
"... and so many in one input."


class LocalLearning:
    """Baselines, as the daemon's doors see them."""

    def __init__(self, crank: Crank) -> None:
        """``crank`` turns the engine that holds them."""
        self._crank = crank

    def _books(self) -> list[Book]:
        return learners(self._crank.engine.detection)

    def rules(self) -> Sequence[str]:
        """The rules that learn."""
        return [book.id for book in self._books()]

    def labels(self, rule: str) -> Sequence[str]:
        """What tells a rule's keys apart."""
        return next(
            ([f.label for f in book.rule.by] for book in self._books() if book.id == rule), []
        )

    async def page(
        self, rule: str, labels: Mapping[str, str], after: Place | None, most: int
    ) -> Baselines:
        """One page of baselines."""
        now = max(self._crank.engine.now, self._crank.clock.now())
        rows: list[Baseline] = []
        last: Place | None = None
        waiting = after
        for book in self._books():
            if rule not in ("", book.id) or (waiting is not None and waiting.rule != book.id):
                continue
            key = None if waiting is None else waiting.key
            waiting = None
            # One key more than there is room for says whether there are more.
            for found in await find(book, labels, key, most - len(rows) + 1):
                if len(rows) == most:
                    return Baselines(rows, last)
                entry = book.peek(found)
                if entry is None:
                    continue
                rows.append(baseline_of(book, entry, now))
                last = Place(book.id, found)
                if len(rows) % ROWS == 0:
                    await asyncio.sleep(0)
        return Baselines(rows, None)

    async def relearn(
        self, rule: str, labels: Mapping[str, str], by: str, reason: str
    ) -> Relearned:
        """Keys of a rule learn afresh."""
        book = next((book for book in self._books() if book.id == rule), None)
        if book is None:
            return Relearned(0, "unknown_rule")
        if not learns(book.detector):
            return Relearned(0, "pinned")
        parts: list[tuple[Key, ...]] = [()]
        if labels:
            keys = await find(book, labels)
            if len(keys) > MOST:
                return Relearned(0, "too_many_keys")
            parts = [tuple(keys[n : n + PART]) for n in range(0, len(keys), PART)]
        done = 0
        for part in parts:
            item = BaselinesRelearned(
                rule=rule, labels=dict(labels), keys=part, by=by, reason=reason
            )
            for said in await self._crank.act(item):
                if isinstance(said, BaselineChanged) and said.reason is Reason.RELEARN_ASKED:
                    done += said.keys
        return Relearned(done, "" if done else "unknown_keys")


async def find(
    book: Book, labels: Mapping[str, str], after: Key | None = None, most: int = 0
) -> list[Key]:
    """The first keys of a rule that fit, by key; the loop has its turn between parts."""
    search = Search(book, labels, after, most)
    if not search.fits:
        return []
    keys = book.keys()
    for start in range(0, len(keys), SLICE):
        if start:
            await asyncio.sleep(0)
        search.look(keys[start : start + SLICE])
    return search.found if most else sorted(search.found)
