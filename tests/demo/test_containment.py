"""The stand-in service and reviewer against a scripted daemon."""

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from rulesd.demo import containment
from rulesd.demo.containment import FLAG, Containment


class Daemon:
    """Open, locked after some reads, open again after the verdict; it stumbles now and then."""

    def __init__(self) -> None:
        self.reads = 0
        self.locked = False
        self.verdicts: list[Any] = []

    async def flag(self, request: web.Request) -> web.Response:
        self.reads += 1
        assert (await request.json())["context"]["tenant"] == "globex"
        if self.reads == 1:
            return web.Response(status=503)
        if self.reads == 2:
            return web.Response(text="no JSON")
        if self.reads == 4:
            self.locked = True
        return web.json_response({"key": FLAG, "value": not self.locked})

    async def reviews(self, request: web.Request) -> web.Response:
        rows = [
            {"review": "r0", "locked": False, "rule": "tool.denied_burst"},
            {"review": "r1", "locked": True, "rule": "tool.denied_burst"},
        ]
        return web.json_response({"reviews": rows})

    async def complete(self, request: web.Request) -> web.Response:
        self.verdicts.append((request.match_info["id"], (await request.json())["verdict"]))
        self.locked = False
        return web.json_response({})


def test_it_sees_the_lock_and_releases_it_by_a_review(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containment, "POLL_S", 0.001)
    monkeypatch.setattr(containment, "LOOK_S", 0.001)

    async def story() -> None:
        made, app = Daemon(), web.Application()
        app.router.add_post(f"/ofrep/v1/evaluate/flags/{FLAG}", made.flag)
        app.router.add_get("/v1/reviews", made.reviews)
        app.router.add_post("/v1/reviews/{id}/complete", made.complete)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        seen = Containment()
        assert (seen.state, seen.said) == ("open", "")
        async with aiohttp.ClientSession() as session, asyncio.timeout(10):
            await seen.run(session, f"http://127.0.0.1:{port}", "token")
        assert made.verdicts == [("r1", "fixed")]
        assert seen.state == "released"
        assert "a review released it" in seen.said
        await runner.cleanup()

    asyncio.run(story())


def test_words_while_it_is_locked() -> None:
    seen = Containment(locked_at=1.0)
    assert seen.as_json() == {"flag": FLAG, "tenant": "globex", "state": "locked"}
    assert seen.said.endswith("until a review")


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with aiohttp.ClientSession() as session:
            assert await containment._flag(session, "http://127.0.0.1:1", {}) is None
            await containment._review(session, "http://127.0.0.1:1", {})

    asyncio.run(story())
