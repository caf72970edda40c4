"""The inbox page: complete without a script, alive with one, from this machine only."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import orjson
import pytest
from aiohttp import web

from rulesd.demo.children import Child
from rulesd.demo.daemon import Daemon
from rulesd.demo.show import Show
from rulesd.demo.site import LIVE_S, Site
from rulesd.notify.fakes import Fakes
from tests.demo.samples import duty_event, slack_page, trace, webhook


@asynccontextmanager
async def site() -> AsyncIterator[tuple[Site, Show, aiohttp.ClientSession]]:
    async with Fakes() as fakes, aiohttp.ClientSession() as session:
        show = Show(fakes=fakes, traces=[trace()], daemon_url="http://127.0.0.1:1")
        async with Site(show, session) as opened:
            yield opened, show, session


async def deliver(show: Show, session: aiohttp.ClientSession) -> None:
    fakes = show.fakes
    for url, body in (
        (f"{fakes.slack_api}chat.postMessage", slack_page()),
        (fakes.pagerduty, duty_event()),
        (fakes.webhook("tickets"), webhook()),
    ):
        async with session.post(url, json=body) as answer:
            assert answer.status in (200, 202)


def test_the_page_shows_everything_without_a_script() -> None:
    async def run() -> None:
        async with site() as (_, show, session):
            await deliver(show, session)
            async with session.get(show.inbox_url) as answer:
                text = html.unescape(await answer.text())
            for words in (
                "A support assistant exports the CRM",
                "A tool was used outside its scope",
                "First five minutes",
                "critical: a tool",
                "Emergency access",
                'href="/console#a1"',
                'href="/runbooks/tool.scope_violation"',
            ):
                assert words in text, words
            assert 'class="planted good"' in text

    asyncio.run(run())


def test_it_loads_nothing_from_elsewhere() -> None:
    async def run() -> None:
        async with site() as (_, show, session):
            async with session.get(show.inbox_url) as answer:
                text = html.unescape(await answer.text())
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            loaded = re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', text)
            assert loaded
            assert all(one.startswith("/static/") for one in loaded)
            assert not re.search(r"<script>|<style>|\sstyle=|\son\w+=", text)
            for one in loaded:
                async with session.get(show.inbox_url.rstrip("/") + one) as answer:
                    assert answer.status == 200
                    assert b"http" not in (await answer.read()).replace(
                        b"http://www.w3.org/2000/svg", b""
                    )
            async with session.get(show.inbox_url + "static/no.css") as answer:
                assert answer.status == 404

    asyncio.run(run())


def test_what_arrives_is_pushed() -> None:
    async def run() -> None:
        async with site() as (_, show, session), session.get(show.inbox_url + "live") as live:
            assert live.content_type == "text/event-stream"

            async def said() -> dict[str, object]:
                line = await asyncio.wait_for(live.content.readline(), 30)
                await live.content.readline()
                found: dict[str, object] = orjson.loads(line.removeprefix(b"data: "))
                return found

            before = await said()
            assert before["messages"] == []
            await deliver(show, session)
            after = await said()
            while not after["tickets"]:
                after = await said()
            assert len(after["messages"]) == len(after["incidents"]) == 1  # type: ignore[arg-type]
            assert "planted good" in str(after["planted"])

    asyncio.run(run())


def test_an_open_page_does_not_hold_up_the_end() -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            async with asyncio.timeout(30), Fakes() as fakes:
                show = Show(fakes=fakes, traces=[])
                async with Site(show, session):
                    live = await session.get(show.inbox_url + "live")
                    await live.content.readline()
            live.close()

    asyncio.run(run())


def test_a_visitor_who_leaves_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with site() as (_, show, session):
            live = await session.get(show.inbox_url + "live")
            await live.content.readline()
            live.close()
            for _ in range(3):
                await deliver(show, session)
                await asyncio.sleep(LIVE_S)

    asyncio.run(run())
    assert [r.getMessage() for r in caplog.records] == []


def test_the_way_to_the_console_logs_in() -> None:
    async def run() -> None:
        async def login(request: web.Request) -> web.Response:
            form = await request.post()
            assert form["token"] == "secret"
            assert request.headers["Origin"] == f"http://{request.host}"
            answer = web.Response(status=303, headers={"Location": "/"})
            answer.set_cookie("rulesd", "session")
            return answer

        app = web.Application()
        app.router.add_post("/login", login)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with site() as (opened, show, session):
            console = show.inbox_url + "console"
            async with session.get(console, allow_redirects=False) as answer:
                assert answer.status == 503
            child: Child = None  # type: ignore[assignment]
            opened.daemon = Daemon(url=url, token="secret", child=child)
            for path, to in (("console", "/"), ("runbooks/tool.loop", "/runbooks/tool.loop")):
                asked = session.get(show.inbox_url + path, allow_redirects=False)
                async with asked as answer:
                    assert (answer.status, answer.headers["Location"]) == (303, url + to)
                    assert answer.cookies["rulesd"].value == "session"
        await runner.cleanup()

    asyncio.run(run())
