"""Senders keep what they send until it is confirmed."""

import asyncio
from collections.abc import Sequence

import aiohttp
import orjson
from aiohttp import web

from rulesd.demo import senders
from rulesd.demo.forge import Event
from rulesd.demo.senders import WAITING, HttpSender, MqttSender, Queue
from tests.demo.samples import AT, forge
from tests.mosquitto import free_port


def events(count: int) -> list[Event]:
    made = forge()
    return [made.event("tool.call", AT, {"n": n}, tenant="acme") for n in range(count)]


def test_a_refused_batch_is_posted_again() -> None:
    async def run() -> None:
        bodies: list[list[str]] = []

        async def take(request: web.Request) -> web.Response:
            lines = (await request.read()).splitlines()
            bodies.append([orjson.loads(line)["id"] for line in lines])
            assert request.headers["Authorization"] == "Bearer t"
            assert request.content_type == "application/x-ndjson"
            return web.Response(status=503 if len(bodies) == 1 else 202)

        app = web.Application()
        app.router.add_post("/v1/events", take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            batch = events(3)
            await HttpSender(session, url, "t").send(batch)
            assert bodies == [[e["id"] for e in batch]] * 2
        await runner.cleanup()

    asyncio.run(run())


def test_a_sender_waits_for_its_broker() -> None:
    async def run() -> None:
        sender = MqttSender(free_port(), "acme")
        task = asyncio.create_task(sender.send(events(1)))
        await asyncio.sleep(0.1)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await sender.close()

    asyncio.run(run())


class Slow:
    """A sender that takes a batch when it is let."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.taken: list[int] = []

    async def send(self, events: Sequence[Event]) -> None:
        await self.gate.wait()
        self.taken.append(len(events))


def test_a_queue_batches_what_waits_and_knows_when_it_is_empty() -> None:
    async def run() -> None:
        sender = Slow()
        queue = Queue(sender)
        await queue.emptied()
        task = asyncio.create_task(queue.run(0))
        queue.put(events(1)[0])
        await asyncio.sleep(0.01)
        for event in events(4):
            queue.put(event)
        waiting = asyncio.create_task(queue.emptied())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        assert queue.confirmed == 0
        sender.gate.set()
        await asyncio.wait_for(waiting, 30)
        assert (sender.taken, queue.confirmed) == ([1, 4], 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_a_full_queue_takes_no_more() -> None:
    async def run() -> None:
        queue, (one,) = Queue(Slow()), events(1)
        assert all(queue.put(one) for _ in range(WAITING))
        assert not queue.put(one)

    asyncio.run(run())


def test_large_batches_are_cut() -> None:
    async def run() -> None:
        sizes: list[int] = []

        class Counted(HttpSender):
            async def _post(self, body: bytes) -> bool:
                sizes.append(body.count(b"\n") + 1)
                return True

        async with aiohttp.ClientSession() as session:
            await Counted(session, "http://x.test", "t").send(events(senders.BATCH + 1))
        assert sizes == [senders.BATCH, 1]

    asyncio.run(run())
