import asyncio

from rulesd.ports.meter import Meter
from rulesd.runners.housekeeping import Gauges, Lag, tick_forever
from tests.core.plans import burst, event, plan, rule
from tests.core.world import World


def value(meter: Meter, name: str, **labels: str) -> float | None:
    return meter.registry.get_sample_value(name, labels)


def test_gauges_follow_the_engine_and_counters_only_go_up() -> None:
    meter = Meter()
    gauges = Gauges(meter)
    r = rule()
    w = World(plan(r, rule("t.burst", detector=burst(9)))).send(0).send(1).send(2, late=-(10**6))
    lag = Lag()
    for _ in range(2):
        gauges.update(w.engine, lag)
    assert value(meter, "rulesd_rule_matches_total", rule=r.id) == 3
    assert value(meter, "rulesd_alerts", state="firing") == 1
    assert value(meter, "rulesd_keys", rule=r.id) == 1
    assert value(meter, "rulesd_rules") == 2
    assert value(meter, "rulesd_event_notices_total", notice="time_suspect") == 1
    w.give(event("e1", 5, other=True))  # an id used before
    gauges.update(w.engine, lag)
    assert value(meter, "rulesd_event_notices_total", notice="id_conflict") == 1


def test_the_worst_lag_is_kept_for_ten_ticks() -> None:
    lag = Lag()
    lag.record(2.0, 1.0)
    for n in range(9):
        lag.record(-1.0, 2.0 + n)
    assert lag.worst == 2.0
    lag.record(0.1, 20.0)
    assert lag.worst == 0.1
    assert lag.tick_at == 20.0


def test_work_is_done_again_and_again_until_it_is_stopped() -> None:
    async def go() -> int:
        done = asyncio.Event()
        count = 0

        async def work() -> None:
            nonlocal count
            count += 1
            done.set()

        task = asyncio.create_task(tick_forever(Lag(), work))
        await asyncio.wait_for(done.wait(), 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return count

    assert asyncio.run(go()) >= 1
