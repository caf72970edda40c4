"""Starting the daemon: it is up when it says so, or the demo says why it is not."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from rulesd.demo import daemon as module
from rulesd.demo.children import Children, DemoError
from rulesd.demo.daemon import _ask, free_port, start_daemon
from rulesd.demo.folder import Secrets


def test_a_configuration_it_refuses_is_told_with_its_words(tmp_path: Path) -> None:
    # The folder has no rules: the daemon says so and ends.
    async def run() -> None:
        async with Children(tmp_path) as children, aiohttp.ClientSession() as session:
            broker = f"mqtt://127.0.0.1:{free_port()}"
            with pytest.raises(DemoError, match=r"the daemon cannot start: it ended with code 2"):
                await start_daemon(children, session, tmp_path, broker, Secrets.fresh())

    asyncio.run(run())


def test_a_port_taken_meanwhile_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def in_use(*_: object) -> str:
        return "it ended with code 1"

    ports = iter((1111, 2222, 3333))
    monkeypatch.setattr(module, "free_port", lambda: next(ports))
    monkeypatch.setattr(module, "_ready", in_use)
    monkeypatch.setattr(module.sys, "executable", "/bin/echo")
    monkeypatch.setattr(module.Child, "tail", lambda _: "address already in use")

    async def run() -> None:
        async with Children(tmp_path) as children, aiohttp.ClientSession() as session:
            with pytest.raises(DemoError, match="address already in use"):
                await start_daemon(children, session, tmp_path, "mqtt://x:1", Secrets.fresh())

    monkeypatch.setattr("rulesd.demo.children._guard", lambda: None)
    asyncio.run(run())
    assert list(ports) == []
    assert "3333" in (tmp_path / "rulesd.yaml").read_text()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, {"ready": True, "reasons": []}, ""),
        (200, {"ready": True, "reasons": ["mqtt: not connected"]}, "mqtt: not connected"),
        (503, {"ready": False, "reasons": []}, "waits"),
    ],
)
def test_it_is_up_once_it_has_no_complaint(status: int, body: object, said: str) -> None:
    async def run() -> str:
        async def ready(_: web.Request) -> web.Response:
            return web.json_response(body, status=status)

        app = web.Application()
        app.router.add_get("/-/ready", ready)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession() as session:
            found = await _ask(session, f"http://127.0.0.1:{runner.addresses[0][1]}")
        await runner.cleanup()
        return found

    assert asyncio.run(run()) == said


def test_nobody_listens() -> None:
    async def run() -> str:
        async with aiohttp.ClientSession() as session:
            return await _ask(session, f"http://127.0.0.1:{free_port()}")

    assert asyncio.run(run())
