"""Reading the daemon's numbers."""

import asyncio

import aiohttp
from aiohttp import web
from prometheus_client import generate_latest

from rulesd.demo.counters import parse, read_counters
from rulesd.ports.meter import Meter


def numbers() -> str:
    meter = Meter()
    meter.events.labels("http", "matched").inc(3)
    meter.events.labels("mqtt", "matched").inc(2)
    meter.events.labels("mqtt", "duplicate").inc()
    meter.notices.labels("late").inc(4)
    meter.in_flight.set(7)
    meter.alerts.labels("firing").set(5)
    return generate_latest(meter.registry).decode()


def test_the_daemons_own_metrics_are_understood() -> None:
    found = parse(numbers())
    assert found.events == 6
    assert found.outcomes == {"matched": 5, "duplicate": 1}
    assert found.sources == {"http": 3, "mqtt": 3}
    assert (found.in_flight, found.firing, found.notices) == (7, 5, {"late": 4})


def test_a_daemon_that_does_not_answer_has_no_numbers() -> None:
    async def run() -> None:
        async def metrics(request: web.Request) -> web.Response:
            return web.Response(text=numbers(), status=status[0])

        status = [200]
        app = web.Application()
        app.router.add_get("/metrics", metrics)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as session:
            found = await read_counters(session, url)
            assert found is not None
            assert found.events == 6
            status[0] = 500
            assert await read_counters(session, url) is None
            await runner.cleanup()
            assert await read_counters(session, url) is None

    asyncio.run(run())
