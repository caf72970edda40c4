import asyncio
import socket
import threading
import time
from typing import Any

import pytest

from rulesd.notify.resolve import PatientResolver

GOOD = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]


def test_addresses_come_as_aiohttp_wants_them() -> None:
    found = asyncio.run(PatientResolver(lambda *_, **__: GOOD).resolve("host", 443))
    assert [(r["host"], r["port"], r["hostname"]) for r in found] == [("10.0.0.1", 443, "host")]


def test_the_last_good_answer_outlives_the_name_server() -> None:
    answers: list[Any] = [GOOD, OSError("name server gone")]

    def lookup(*_: object, **__: object) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    async def run() -> None:
        resolver = PatientResolver(lookup)
        first = await resolver.resolve("host", 443)
        assert await resolver.resolve("host", 443) == first

    asyncio.run(run())


@pytest.mark.parametrize("answer", [[], [(socket.AF_UNIX, 0, 0, "", ("x",))]])
def test_no_address_is_an_error_the_first_time(answer: Any) -> None:
    with pytest.raises(OSError, match="no address for host"):
        asyncio.run(PatientResolver(lambda *_, **__: answer).resolve("host", 443))


def test_hosts_that_get_no_answer_delay_no_other() -> None:
    release = threading.Event()

    def lookup(host: str, *_: object, **__: object) -> Any:
        if host.startswith("dead"):
            release.wait(10)
        return GOOD

    async def run() -> float:
        resolver = PatientResolver(lookup)
        hung = [asyncio.ensure_future(resolver.resolve(f"dead{i}")) for i in range(40)]
        same = [asyncio.ensure_future(resolver.resolve("dead0")) for _ in range(40)]
        await asyncio.sleep(0.01)
        before = threading.active_count()
        began = time.perf_counter()
        await resolver.resolve("alive")
        took = time.perf_counter() - began
        assert before <= 60  # one thread for each host, not for each question
        release.set()
        await asyncio.gather(*hung, *same)
        return took

    assert asyncio.run(run()) < 0.25
