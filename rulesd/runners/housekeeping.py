"""What the daemon does once a second, so that nothing has to be done for each event.

Law: nothing here decides anything about alerts. Gauges are brought up to date, checkpoints and compaction are asked for, the
event loop's lag is measured, and the self-watch looks around.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from operator import attrgetter

from rulesd.core.engine import Engine
from rulesd.model.reasons import AlertState
from rulesd.ports.meter import Meter

TICK_S = 1.0
LAG_WINDOW = 10
"Ticks over which the worst lag is shown."


_STATE = attrgetter("state")


class Lag:
    """How late the event loop wakes."""

    def __init__(self) -> None:
        """No lag seen."""
        self._seen: deque[float] = deque([0.0], maxlen=LAG_WINDOW)
        self.tick_at = 0.0
        "Loop time of the last tick."

    def record(self, late: float, at: float) -> None:
        """Keep one measurement."""
        self._seen.append(max(0.0, late))
        self.tick_at = at

    @property
    def worst(self) -> float:
        """The worst of the last ten seconds."""
        return max(self._seen)


async def tick_forever(lag: Lag, work: Callable[[], Awaitable[None]]) -> None:
    """Do ``work`` every second and measure how late each second is."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due = max(due + TICK_S, loop.time())
        await asyncio.sleep(due - loop.time())
        lag.record(loop.time() - due, loop.time())
        await work()


class Gauges:
    """Brings metrics that follow the engine's state up to date."""

    def __init__(self, meter: Meter) -> None:
        """Nothing counted yet."""
        self._meter = meter
        self._matches: dict[str, int] = {}
        self._errors: dict[str, int] = {}
        self._conflicts = 0
        self._suspect = 0
        self._late = 0
        self._clamped = 0

    def update(self, engine: Engine, lag: Lag) -> None:
        """Show what the engine holds now."""
        meter, detection = self._meter, engine.detection
        for rule, total in detection.rule_matches.items():
            new = total - self._matches.get(rule, 0)
            if new > 0:
                meter.rule_matches.labels(rule).inc(new)
            self._matches[rule] = total
        for rule, total in detection.rule_errors.items():
            new = total - self._errors.get(rule, 0)
            if new > 0:
                meter.rule_errors.labels(rule).inc(new)
            self._errors[rule] = total
        # There may be a hundred thousand, every second: not one line of Python for each (an enum's hash is several), and in no order.
        states = list(map(_STATE, engine.foreign.known.values()))
        states += map(_STATE, detection.episodes.alerts(engine.now))
        for state in (AlertState.PENDING, AlertState.FIRING):
            meter.alerts.labels(state).set(states.count(state))
        for book in detection.books:
            meter.keys.labels(book.rule.id).set(len(book))
        meter.rules.set(len(engine.plan.rules))
        meter.loop_lag.set(lag.worst)
        self._notices(engine)

    def _notices(self, engine: Engine) -> None:
        for name, total, known in (
            ("id_conflict", engine.conflicts, self._conflicts),
            ("time_suspect", engine.detection.suspect, self._suspect),
            ("late", engine.detection.late, self._late),
            ("arrival_clamped", engine.clamped, self._clamped),
        ):
            if total > known:
                self._meter.notices.labels(name).inc(total - known)
        self._conflicts = engine.conflicts
        self._suspect = engine.detection.suspect
        self._late = engine.detection.late
        self._clamped = engine.clamped
