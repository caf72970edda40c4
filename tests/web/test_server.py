"""The listening socket: silent, slow, many and odd clients."""

import asyncio
import logging
import socket
import time

import pytest
from aiohttp import web

from rulesd.model.errors import ConfigurationError
from rulesd.web.server import serve
from rulesd.web.settings import WebLimits
from tests.web.fakes import ADMIN, opened
from tests.web.wire import HEAD, talk


def test_a_silent_client_is_closed() -> None:
    async def story() -> None:
        async with opened(limits=WebLimits(head_s=0.3)) as world:
            started = time.monotonic()
            assert await talk(world) == b""
            assert await talk(world, b"GET /-/healthy HT") == b""
            assert time.monotonic() - started < 12  # the limit unless told otherwise is 15 s

    asyncio.run(story())


def test_slowloris_is_closed() -> None:
    async def story() -> None:
        async with opened(limits=WebLimits(head_s=0.3)) as world:
            reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
            writer.write(b"GET /-/healthy HTTP/1.1\r\n")
            started = time.monotonic()
            try:
                while time.monotonic() - started < 12:
                    writer.write(b"X-a: b\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            except ConnectionError:
                pass
            assert time.monotonic() - started < 12
            assert b"200" not in await _rest(reader)
            writer.close()

    asyncio.run(story())


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""


def test_caps_on_connections_leave_others_alone() -> None:
    async def story() -> None:
        async with opened(limits=WebLimits(connections=4)) as world:
            held = [await asyncio.open_connection("127.0.0.1", world.port) for _ in range(4)]
            await asyncio.sleep(0.05)
            out = await talk(world)
            assert out.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 1" in out
            for _, writer in held:
                writer.close()
                await writer.wait_closed()
            await asyncio.sleep(0.05)
            async with world.admin.get("/-/healthy") as response:
                assert response.status == 200
        async with opened(limits=WebLimits(connections_per_peer=1)) as world:
            _, writer = await asyncio.open_connection("127.0.0.1", world.port)
            await asyncio.sleep(0.05)
            assert (await talk(world)).startswith(b"HTTP/1.1 503 ")
            writer.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01hunter2-secret",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-hunter2-secret\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"hunter2-secret" * 2_000 + b"\r\n\r\n",
        HEAD.encode() + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nhunter2-secret",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: hunter2-secret\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_not_http_gets_400_without_an_echo(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> None:
        async with opened() as world:
            out = await talk(world, sent)
            assert out.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
            assert b"hunter2" not in out

    asyncio.run(story())
    assert "hunter2" not in caplog.text


def test_a_fault_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> None:
        async with opened() as world:
            world.daemon.intake.error = RuntimeError("hunter2-secret in the text")
            async with world.admin.post(
                "/v1/events", data=b'{"id":"1"}\n', headers={"Content-Type": "application/x-ndjson"}
            ) as response:
                text = await response.text()
                assert (response.status, (await response.json())["error"]) == (500, "internal")
            assert "hunter2" not in text
            assert "Traceback" not in text
            assert world.count("rulesd_http_requests_total", endpoint="/v1/events", code="500") == 1

    asyncio.run(story())
    assert "RuntimeError at submit:" in caplog.text
    assert "hunter2" not in caplog.text
    assert ADMIN not in caplog.text


def test_headers_of_every_answer() -> None:
    async def story() -> None:
        async with opened() as world:
            for path in ("/-/healthy", "/metrics", "/nothing", "/v1/events"):
                async with world.nobody.get(path) as response:
                    assert response.headers["X-Content-Type-Options"] == "nosniff"
                    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
                    assert response.headers["Referrer-Policy"] == "no-referrer"
                    assert response.headers["Cache-Control"] == "no-store"
                    assert "aiohttp" not in response.headers.get("Server", "")

    asyncio.run(story())


def test_a_socket_handed_over_is_used() -> None:
    async def story() -> None:
        from aiohttp import web

        from rulesd.web.server import serve

        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        runner = await serve(web.Application(), sock=sock)
        try:
            assert runner.addresses[0][1] == port
        finally:
            await runner.cleanup()

    asyncio.run(story())


def test_an_address_that_is_taken_is_said_in_one_line() -> None:
    async def story() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            with pytest.raises(ConfigurationError) as refused:
                await serve(web.Application(), port=port)
        said = str(refused.value)
        assert said.startswith(
            f"settings:1:1: cannot_listen: nothing can listen on 127.0.0.1:{port}: "
        )
        assert "\n" not in said
        assert "--listen" in said

    asyncio.run(story())
