"""Talking to the door byte by byte, as no well-behaved client does."""

import asyncio

from tests.web.fakes import ADMIN, World

HEAD = (
    "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
    f"Authorization: Bearer {ADMIN}\r\n"
)


async def talk(world: World, *parts: bytes | float, until: bytes | None = None) -> bytes:
    """Send parts (numbers are pauses) and read until the other side closes, or until some bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    out = b""
    try:
        for part in parts:
            if isinstance(part, bytes):
                writer.write(part)
                await writer.drain()
            else:
                await asyncio.sleep(part)
    except ConnectionError:
        pass
    try:
        async with asyncio.timeout(30):
            while more := await reader.read(65536):
                out += more
                if until is not None and until in out:
                    break
    except ConnectionResetError:
        pass
    writer.close()
    return out
