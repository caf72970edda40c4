"""The keeper of the running daemon: its second hand.

Law: every second it brings gauges up to date and looks whether rulesd itself is well; every five seconds it asks for a checkpoint when
there is something to save; every minute it lets the store drop what is older than the retention. It never waits: what takes
time (an event about rulesd, the page about a store that cannot commit) goes its own way, because the second hand is also the proof
that the event loop is alive.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping

from rulesd.config.settings import Settings
from rulesd.model.errors import StoreError
from rulesd.model.event import Event
from rulesd.model.instant import MINUTE, SECOND, Instant
from rulesd.ports.intake import Overloaded
from rulesd.runners.emergency import Emergency
from rulesd.runners.housekeeping import Gauges, Lag
from rulesd.runners.local import LocalDaemon, Parts
from rulesd.runners.selfwatch import Probe, SelfWatch

log = logging.getLogger(__name__)

OUTBOX_STUCK = MINUTE
"A page that is undelivered for this long is a reason to tell its owner another way."

SOURCE_SILENT = 5 * MINUTE
"A source that spoke before and is disconnected for this long is silent."

GIVEN_UP = 10 * MINUTE
"A receiver that refused a page for good is a failing one for this long."

CHECKPOINT_EVERY = 5 * SECOND
COMPACT_EVERY = MINUTE
COMPACT_ROWS = 20_000


class Keeper:
    """Does once a second what must not be done once an event."""

    def __init__(self, daemon: LocalDaemon, parts: Parts, settings: Settings) -> None:
        """Nothing done yet."""
        self._daemon, self._parts, self._settings = daemon, parts, settings
        self._gauges = Gauges(parts.meter)
        self._emergency = Emergency(daemon, parts)
        self._checkpointed: Instant = daemon.now()
        self._compacted: Instant = daemon.now()
        self._silent_since: dict[str, Instant] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._watch = SelfWatch(
            [
                Probe("outbox", self._outbox),
                Probe("receiver", self._receivers),
                Probe("source", self._sources),
                Probe("rules", self._rules),
                Probe("rule_set", self._refused),
                Probe("index", parts.shadow.probe),
            ]
        )

    async def tick(self, lag: Lag) -> None:
        """One second has passed."""
        now = self._daemon.now()
        self._gauges.update(self._daemon.engine, lag)
        crank = self._parts.crank
        if crank.unsaved and now - self._checkpointed >= CHECKPOINT_EVERY:
            self._checkpointed = now
            crank.checkpoint()
        if now - self._compacted >= COMPACT_EVERY:
            self._compacted = now
            self._compact(now)
        if self._emergency.look(now):
            self._spawn(self._emergency.tell(now), "page about the store")
        events = self._watch.look(now)
        if events:
            self._spawn(self._submit(events), "events about rulesd")

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: failed", task.get_name(), exc_info=error)

    async def _submit(self, events: list[Event]) -> None:
        try:
            await self._parts.crank.submit("self", events, ())
        except (Overloaded, StoreError) as error:
            self._watch.again(events)
            log.debug("rulesd cannot take an event about itself yet: %s", error)

    def _compact(self, now: Instant) -> None:
        store, dedup = self._parts.store, self._settings.dedup
        before = now - self._settings.retention

        def work() -> int:
            return store.compact(
                journal_before=before, keep_events=dedup.ids, budget_rows=COMPACT_ROWS
            )

        if self._parts.writer.failing is None:
            self._parts.writer.call(work).add_done_callback(_log_failure)

    # ------------------------------------------------------------------ probes

    def _outbox(self) -> Mapping[str, str]:
        stuck = self._parts.courier.oldest_age(self._daemon.now()) > OUTBOX_STUCK
        return {"outbox": "stuck"} if stuck else {}

    def _receivers(self) -> Mapping[str, str]:
        """Those that take nothing now, and those that refused a page for good a short time ago."""
        since = self._daemon.now() - GIVEN_UP
        refused = [place for place, at in self._daemon.given_up.items() if at > since]
        return {
            f"{receiver}/{channel}": "failing"
            for receiver, channel in [*self._parts.courier.failing(), *refused]
        }

    def _sources(self) -> Mapping[str, str]:
        now = self._daemon.now()
        silent: dict[str, str] = {}
        for name, probe in self._parts.sources.items():
            if not probe():
                self._silent_since.pop(name, None)
            elif now - self._silent_since.setdefault(name, now) >= SOURCE_SILENT:
                silent[name] = "silent"
        return silent

    def _rules(self) -> Mapping[str, str]:
        return {"rules": "none_loaded"} if self._daemon.loaded.own_rules == 0 else {}

    def _refused(self) -> Mapping[str, str]:
        return {"rules": "refused"} if self._daemon.refused else {}


def _log_failure(future: object) -> None:
    error = getattr(future, "exception", lambda: None)()
    if isinstance(error, StoreError):
        log.error("compaction failed: %s", error)
