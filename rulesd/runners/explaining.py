"""Why an alert paged, why an event did not, and where labels would lead: the whole line, looked up step by step.

Law: asking changes nothing. What is told is what the journal, the decision log, the outbox and the engine hold at this moment; what they no
longer hold is said to be gone, never guessed.
"""

import asyncio
from collections.abc import Sequence

from rulesd.model.alert import Alert
from rulesd.model.story import Story
from rulesd.ports.store import DecisionRow, Store
from rulesd.runners import codec, explain_alert, explain_baseline, explain_event, explain_route
from rulesd.runners.crank import Crank

LATELY = 20_000
"Decisions among which the latest changes of a baseline are looked for."


class Explaining:
    """The answers of one daemon."""

    def __init__(self, crank: Crank, store: Store) -> None:
        """``store`` is only read."""
        self._crank, self._store = crank, store

    async def why(self, alert: str) -> Story | None:
        """Why an alert is what it is; ``None`` when nothing is known of it."""
        engine = self._crank.engine
        now = max(engine.now, self._crank.clock.now())
        found: Alert | None = engine.alert(alert) or self._crank.resolved.get(alert)
        decisions = await asyncio.to_thread(self._store.read_decisions, alert=alert)
        if found is None and not decisions:
            return None
        pages = await asyncio.to_thread(self._pages, alert)
        causes = found.causes if found is not None else explain_alert.causes_of(decisions)
        events = await asyncio.to_thread(self._events, causes[-1:])
        story = explain_alert.story(alert, found, engine, now, decisions, pages, events)
        if found is None or not explain_baseline.learns(engine, found):
            return story
        rows = await asyncio.to_thread(self._lately, found.rule)
        return explain_baseline.told(story, explain_baseline.steps(engine, found, now, rows))

    async def why_not(self, event: str, rule: str) -> Story:
        """What became of an event, for all rules or for one."""
        engine = self._crank.engine
        now = max(engine.now, self._crank.clock.now())
        rows = await asyncio.to_thread(self._events, (event,))
        return explain_event.story(event, rule, rows, engine, now)

    def route(self, labels: dict[str, str]) -> Story:
        """Where an alert with these labels would go now."""
        engine = self._crank.engine
        return explain_route.story(labels, engine, max(engine.now, self._crank.clock.now()))

    def _lately(self, rule: str) -> Sequence[DecisionRow]:
        """What was decided about a rule lately."""
        after = max(0, self._crank.ledger.seq - LATELY)
        return self._store.read_decisions(rule=rule, after_seq=after)

    def _events(self, ids: tuple[str, ...]) -> list[explain_event.Arrived]:
        out: list[explain_event.Arrived] = []
        for id_ in ids:
            for _, row in self._store.read_event(id_):
                item = codec.read_input(row)
                out.append(explain_event.Arrived(row.now, item))  # type: ignore[arg-type]
        return out

    def _pages(self, alert: str) -> list[explain_alert.Page]:
        out: list[explain_alert.Page] = []
        for row, done in reversed(self._store.read_outbox(alert=alert, limit=200)):
            attempts = [
                a
                for a in self._store.read_attempts(row.id)
                if (a.receiver, a.channel) == (row.receiver, row.channel)
            ]
            out.append(explain_alert.Page(row, done, attempts))
        return out
