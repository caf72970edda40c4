"""Once a second: how late the loop is, and gauges that follow the engine."""

import asyncio
from dataclasses import replace

import pytest

from rulesd.core.engine import Engine
from rulesd.ports.meter import Meter
from rulesd.runners import housekeeping
from rulesd.runners.housekeeping import LAG_WINDOW, Gauges, Lag, tick_forever
from tests.core.plans import T0, event, plan, rule
from tests.runners.room import BOTH, denied, out_of_scope


def test_the_worst_lag_of_the_last_ticks_is_shown_and_then_forgotten() -> None:
    lag = Lag()
    assert lag.worst == 0.0
    lag.record(0.5, 1.0)
    lag.record(-0.1, 2.0)
    assert lag.worst == 0.5
    assert lag.tick_at == 2.0
    for n in range(LAG_WINDOW):
        lag.record(0.01, 3.0 + n)
    assert lag.worst == 0.01


def test_ticks_keep_their_pace_and_measure_a_loop_that_is_held_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(housekeeping, "TICK_S", 0.02)
    lag = Lag()
    ticks: list[float] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()

        async def work() -> None:
            ticks.append(loop.time())

        task = loop.create_task(tick_forever(lag, work))
        while len(ticks) < 3:
            await asyncio.sleep(0.005)
        import time

        time.sleep(0.15)
        while len(ticks) < 5:
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert lag.worst >= 0.1


def value(metric: object, *labels: str) -> float:
    child = metric.labels(*labels) if labels else metric
    return float(child._value.get())


def test_gauges_follow_the_engine_and_counters_count_what_is_new() -> None:
    meter, engine = Meter(), Engine(BOTH)
    gauges = Gauges(meter)
    engine.receive(denied(1), T0)
    engine.receive(out_of_scope(2), T0)
    engine.receive(out_of_scope(3), T0)
    gauges.update(engine, Lag())
    gauges.update(engine, Lag())
    assert value(meter.rule_matches, "tool.scope") == 2
    assert value(meter.rule_matches, "tool.denied") == 1
    assert value(meter.alerts, "firing") == 1
    assert value(meter.alerts, "pending") == 0
    assert value(meter.keys, "tool.scope") == 1
    assert value(meter.rules) == 2
    engine.receive(out_of_scope(4), T0)
    gauges.update(engine, Lag())
    assert value(meter.rule_matches, "tool.scope") == 3


def test_a_rule_that_is_gone_and_comes_back_does_not_count_backwards() -> None:
    meter, engine = Meter(), Engine(BOTH)
    gauges = Gauges(meter)
    engine.receive(out_of_scope(1), T0)
    gauges.update(engine, Lag())
    engine.replace(plan(rule("tool.denied")), T0)
    gauges.update(engine, Lag())
    engine.replace(BOTH, T0)
    engine.receive(out_of_scope(2), T0)
    gauges.update(engine, Lag())
    gauges.update(engine, Lag())
    assert value(meter.rule_matches, "tool.scope") in (1, 2)


def test_what_is_worth_knowing_about_events_is_counted() -> None:
    meter, engine = Meter(), Engine(BOTH)
    gauges = Gauges(meter)
    engine.receive(out_of_scope(1), T0)
    engine.receive(event(1, scope="out", other=1), T0)  # the id again with another body
    engine.receive(out_of_scope(3, T0 + 3_600_000), T0)  # from an hour ahead
    engine.receive(out_of_scope(4), T0 - 1)
    engine.receive(out_of_scope(5, T0 - 3_600_000), T0)  # of an hour ago
    gauges.update(engine, Lag())
    gauges.update(engine, Lag())
    for notice in ("id_conflict", "time_suspect", "late", "arrival_clamped"):
        assert value(meter.notices, notice) == 1, notice


def test_errors_of_rules_are_counted() -> None:
    made = plan(rule("tool.raises"), when={"tool.raises": lambda d: d["data"]["n"] > 1})
    meter, engine = Meter(), Engine(replace(made))
    engine.receive(event(1, n="text"), T0)
    gauges = Gauges(meter)
    gauges.update(engine, Lag())
    gauges.update(engine, Lag())
    assert value(meter.rule_errors, "tool.raises") == 1
