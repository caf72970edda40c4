"""The real engine with the shipped rules on a virtual clock: what would fire on a list of events."""

from collections import Counter
from collections.abc import Iterable
from functools import cache

import orjson

from rulesd.cli.decoding import recorded_decoder
from rulesd.config import load
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.demo.folder import bundled
from rulesd.demo.forge import Event
from rulesd.runners.replay import replay_lines


@cache
def shipped_plan() -> Plan:
    loaded = load(bundled("rules"), bundled("notifiers"))
    assert loaded.plan is not None, loaded.errors
    return loaded.plan


def fired(events: Iterable[Event], clock: Iterable[str] | None = None) -> Counter[tuple[str, str]]:
    """How often each (rule, tenant) fired; ``clock``: when each event arrived (default: its own time)."""
    log: list[bytes] = []
    arrivals = iter(clock) if clock is not None else None
    lines = [orjson.dumps({**e, "arrivaltime": next(arrivals)} if arrivals else e) for e in events]
    replay_lines(lines, Engine(shipped_plan()), recorded_decoder(), log.append, until=None)
    decisions = [orjson.loads(row) for block in log for row in block.splitlines()]
    return Counter(
        (d["rule"], d["labels"].get("tenant", "")) for d in decisions if d["kind"] == "alert.firing"
    )
