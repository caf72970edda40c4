"""Bodies that are too large, too slow, or not what they say."""

import asyncio
import gzip
import io
import os

from rulesd.web.settings import MIB, WebLimits
from tests.web.fakes import ADMIN, opened
from tests.web.wire import HEAD, talk


def test_a_65_mb_body_is_refused_before_it_is_read() -> None:
    async def story() -> None:
        async with opened(limits=WebLimits(linger_s=0.5)) as world:
            body = io.BytesIO(b"x" * (65 * MIB))
            async with world.admin.post(
                "/v1/events", data=body, headers={"Content-Type": "application/x-ndjson"}
            ) as response:
                answer = await response.json()
                assert (response.status, answer["error"]) == (413, "too_large")
                assert "16 MiB" in answer["message"]
            assert world.daemon.intake.batches == []

    asyncio.run(story())


def test_a_chunked_body_is_cut_off_at_the_cap() -> None:
    async def story() -> None:
        limits = WebLimits(linger_s=0.1, body_bytes=100_000)
        async with opened(limits=limits) as world:
            chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
            head = HEAD.encode() + b"Transfer-Encoding: chunked\r\n\r\n"
            out = await talk(world, head, chunk * 50)
            assert out.startswith(b"HTTP/1.1 413 ")
            assert world.room_used() == 0

    asyncio.run(story())


def test_a_gzip_bomb_is_refused() -> None:
    async def story() -> None:
        async with opened() as world:
            bomb = gzip.compress(b"\n" * (65 * MIB), compresslevel=9)
            assert len(bomb) < 100_000
            headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
            async with world.admin.post("/v1/events", data=bomb, headers=headers) as response:
                answer = await response.json()
                assert (response.status, answer["error"]) == (413, "too_large")
                assert "64 MiB" in answer["message"]
            assert world.daemon.intake.batches == []

    asyncio.run(story())


def test_many_packed_bodies_at_once_all_get_their_turn() -> None:
    async def story() -> None:
        async with opened() as world:
            text = b"".join(
                b'{"specversion":"1.0","source":"s","type":"t","id":"%d-%s"}\n'
                % (n, os.urandom(40).hex().encode())
                for n in range(200)
            )
            packed = gzip.compress(text)
            assert len(packed) > 4_096
            headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}

            async def post() -> int:
                async with world.admin.post("/v1/events", data=packed, headers=headers) as response:
                    return response.status

            assert set(await asyncio.gather(*(post() for _ in range(20)))) == {202}
            assert world.room_used() == 0

    asyncio.run(story())


def test_a_half_sent_body_is_not_waited_for() -> None:
    async def story() -> None:
        async with opened(limits=WebLimits(linger_s=0.1, body_s=0.3)) as world:
            out = await talk(world, HEAD.encode() + b"Content-Length: 100\r\n\r\n{}\n")
            assert out.startswith(b"HTTP/1.1 408 ")
            assert b'"accepted":0' in out
            assert world.room_used() == 0

    asyncio.run(story())


def test_a_body_that_never_begins_is_not_waited_for() -> None:
    async def story() -> None:
        async with opened(limits=WebLimits(linger_s=0.1, body_s=0.3)) as world:
            out = await talk(world, HEAD.encode() + b"Content-Length: 100\r\n\r\n")
            assert out.startswith(b"HTTP/1.1 408 ")

    asyncio.run(story())


def test_a_dribbled_body_is_not_waited_for() -> None:
    async def story() -> None:
        async with opened(limits=WebLimits(linger_s=0.1, body_s=0.3, body_rate=1_000_000)) as world:
            parts: list[bytes | float] = [b"x", 0.05] * 7
            out = await talk(world, HEAD.encode() + b"Content-Length: 100\r\n\r\n", *parts)
            assert out.startswith(b"HTTP/1.1 408 ")

    asyncio.run(story())


def test_a_slow_but_steady_body_is_taken() -> None:
    async def story() -> None:
        async with opened(limits=WebLimits(linger_s=0.1, body_s=0.2, body_rate=10)) as world:
            line = b'{"specversion":"1.0","id":"1","type":"t","source":"s"}\n'
            head = HEAD.encode() + f"Content-Length: {len(line)}\r\n\r\n".encode()
            out = await talk(world, head, line[:20], 0.5, line[20:], until=b"}")
            assert out.startswith(b"HTTP/1.1 202 ")

    asyncio.run(story())


def test_a_body_that_breaks_off_takes_nothing() -> None:
    async def story() -> None:
        async with opened() as world:
            _reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
            writer.write(HEAD.encode() + b"Content-Length: 100\r\n\r\n" + b'{"id":"1"}\n')
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(0.05)
            assert world.daemon.intake.batches == []
            assert world.room_used() == 0

    asyncio.run(story())


def test_room_for_bodies_is_shared() -> None:
    async def story() -> None:
        limits = WebLimits(linger_s=0.1, bodies_in_memory=1_000_000, body_s=0.5)
        async with opened(limits=limits) as world:
            first = HEAD.encode() + b"Content-Length: 900000\r\n\r\nx"
            slow = asyncio.create_task(talk(world, first))
            while not world.room_used():
                await asyncio.sleep(0.01)
            headers = {"Content-Type": "application/x-ndjson"}
            async with world.admin.post("/v1/events", data=b"x" * 200_000, headers=headers) as two:
                assert (two.status, two.headers["Retry-After"]) == (503, "2")
                assert (await two.json())["accepted"] == 0
            assert (await slow).startswith(b"HTTP/1.1 408 ")
            assert world.room_used() == 0

    asyncio.run(story())


def test_continue_is_said_only_to_a_body_that_is_wanted() -> None:
    async def story() -> None:
        async with opened() as world:
            ask = HEAD.encode() + b"Expect: 100-continue\r\nContent-Length: "
            line = b'{"id":"1"}\n'
            out = await talk(world, ask + b"11\r\n\r\n", 0.1, line, until=b"accepted")
            assert out.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 ")
            out = await talk(world, ask + b"99999999\r\n\r\n", until=b"\r\n\r\n")
            assert out.startswith(b"HTTP/1.1 413 ")
            nobody = ask.replace(ADMIN.encode(), b"nobody")
            out = await talk(world, nobody + b"11\r\n\r\n", until=b"\r\n\r\n")
            assert out.startswith(b"HTTP/1.1 401 ")
            odd = ask.replace(b"100-continue", b"magic")
            out = await talk(world, odd + b"11\r\n\r\n", until=b"\r\n\r\n")
            assert out.startswith(b"HTTP/1.1 417 ")

    asyncio.run(story())
