"""The whole daemon in this process: it opens its doors last, closes them first, and one failing part ends it all."""

import asyncio
import json
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from rulesd.app import App, Surroundings
from rulesd.config.settings import Settings
from rulesd.model.errors import ConfigurationError
from tests.cli.files import RULE, make

TOKEN = "admin-token-of-this-test"
Story = Callable[[App, str], Awaitable[None]]


def settings(folder: Path, rule: str = RULE) -> Settings:
    rules, notifiers = make(folder, rule)
    return Settings(
        rules=str(rules),
        notifiers=str(notifiers),
        state=str(folder / "state"),
        listen="127.0.0.1:0",
    )


def play(folder: Path, story: Story, **environ: str) -> list[str]:
    """Run a daemon, tell the story at its address, stop it; the addresses it announced."""
    announced: list[str] = []

    async def run() -> None:
        there: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def announce(address: str) -> None:
            announced.append(address)
            there.set_result(address)

        around = Surroundings(
            environ={"RULESD_ADMIN_TOKEN": TOKEN, **environ}, pid=os.getpid(), announce=announce
        )
        app = App(settings(folder), around)
        running = asyncio.create_task(app.run())
        async with asyncio.timeout(60):
            await asyncio.wait([running, there], return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                await story(app, there.result())
                app.stop()
            await running

    asyncio.run(run())
    return announced


def ask(url: str, body: bytes | None = None, token: str = TOKEN) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=body)
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Content-Type", "application/cloudevents-batch+json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def test_it_announces_itself_takes_events_and_leaves_them_committed(tmp_path: Path) -> None:
    events = [
        {"specversion": "1.0", "id": "e1", "source": "/s", "type": "tool.call",
         "data": {"tool": "shell", "scope": "out"}}
    ]  # fmt: skip

    async def first(app: App, address: str) -> None:
        assert (tmp_path / "state" / "address").read_text() == address + "\n"
        code, body = await asyncio.to_thread(
            ask, address + "/v1/events", json.dumps(events).encode()
        )
        assert (code, json.loads(body)["accepted"]) == (202, 1)
        code, _ = await asyncio.to_thread(ask, address + "/v1/events", b"[]", "another")
        assert code == 401

    async def again(app: App, address: str) -> None:
        code, body = await asyncio.to_thread(
            ask, address + "/v1/events", json.dumps(events).encode()
        )
        assert (code, json.loads(body)["duplicates"]) == (202, 1)
        code, body = await asyncio.to_thread(ask, address + "/v1/alerts")
        assert code == 200
        assert b"tool.scope" in body

    (address,) = play(tmp_path, first)
    with pytest.raises(urllib.error.URLError):
        ask(address + "/-/healthy")  # the door is closed
    (tmp_path / "again").mkdir()
    (tmp_path / "state").rename(tmp_path / "again" / "state")
    play(tmp_path / "again", again)


def test_a_set_with_an_error_opens_nothing(tmp_path: Path) -> None:
    broken = settings(tmp_path, RULE.replace("owner: safety", "owner: nobody"))
    app = App(broken, Surroundings(environ={}, pid=os.getpid()))
    with pytest.raises(ConfigurationError, match="nobody"):
        asyncio.run(app.run())
    assert not (tmp_path / "state").exists()


def test_a_part_that_fails_ends_the_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(app: App, address: str) -> None:
        async def fail() -> None:
            raise ZeroDivisionError

        app._spawn(fail(), "the part")
        async with asyncio.timeout(20):
            await app._stop.wait()

    play(tmp_path, story)
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.CRITICAL] == [
        "the part failed: ZeroDivisionError"
    ]


def test_a_saved_file_is_taken_and_a_broken_one_refused(tmp_path: Path) -> None:
    async def story(app: App, address: str) -> None:
        url = address + "/-/reload"
        rule = tmp_path / "rules" / "tool" / "scope.yaml"
        rule.write_text(RULE.replace("title: Out of scope", "title: Far out of scope"))
        assert (await asyncio.to_thread(ask, url, b""))[0] == 200
        rule.write_text(RULE.replace("detect: never", "detect: nver"))
        code, said = await asyncio.to_thread(ask, url, b"")
        assert code >= 400
        assert b"never" in said
        assert b"Far out of scope" in (await asyncio.to_thread(ask, address + "/v1/rules"))[1]

    play(tmp_path, story)
