"""Who is calling: headers, cookies, and requests that other sites made."""

import asyncio
import base64
from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request

from rulesd.web.guard import near
from tests.web.browsing import log_in, press
from tests.web.fakes import ADMIN, FakeDaemon, alert, opened


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {ADMIN}", 200),
        (f"bearer  {ADMIN} ", 200),
        (basic("anybody", ADMIN), 200),
        (basic(ADMIN, ""), 401),
        (f"Bearer {ADMIN}x", 401),
        (f"Token {ADMIN}", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Basic ====", 401),
        ("Basic /////w==", 401),
        ("", 401),
    ],
)
def test_headers(header: str, status: int) -> None:
    async def story() -> None:
        async with opened() as world:
            async with world.nobody.get(
                "/v1/alerts", headers={"Authorization": header}
            ) as response:
                assert response.status == status
                if status == 401:
                    assert response.headers["WWW-Authenticate"].startswith("Bearer")
            async with world.nobody.get(f"/v1/alerts?access_token={ADMIN}") as response:
                assert response.status == 401  # a token in an address ends up in logs

    asyncio.run(story())


def test_a_cookie_alone_changes_nothing() -> None:
    async def story() -> None:
        daemon = FakeDaemon()
        daemon.shown = [alert("a1")]
        async with opened(daemon, external_url="http://rulesd.example.org") as world:
            await log_in(world)
            for headers in (
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"},
                {"Origin": "https://evil.example"},
                {"Origin": "null"},
                {"X-Nothing": "at all"},
            ):
                for path in ("/v1/alerts/a1/ack", "/console/alerts/a1/ack", "/-/reload"):
                    assert (await press(world, path, **headers))[0] == 403, headers
            assert daemon.acts == []
            for origin in (world.url, "http://rulesd.example.org"):
                status, _ = await press(world, "/v1/alerts/a1/ack", Origin=origin)
                assert status in (200, 415, 400), origin

    asyncio.run(story())


@pytest.mark.parametrize(
    ("peer", "near_us"),
    [
        (("127.0.0.1", 1), True),
        (("127.8.8.8", 1), True),
        (("::1", 1, 0, 0), True),
        (("::ffff:127.0.0.1", 1, 0, 0), True),
        (("fe80::1%eth0", 1, 0, 0), False),
        (("::ffff:192.0.2.1", 1, 0, 0), False),
        (("192.0.2.1", 1), False),
        ("", True),
    ],
)
def test_near(peer: object, near_us: bool) -> None:
    transport = Mock()
    transport.get_extra_info.return_value = peer
    assert near(make_mocked_request("GET", "/", transport=transport)) is near_us


def test_a_bearer_token_needs_no_origin() -> None:
    async def story() -> None:
        daemon = FakeDaemon()
        daemon.shown = [alert("a1")]
        async with opened(daemon) as world:
            headers = {"Sec-Fetch-Site": "cross-site"}
            async with world.admin.post("/v1/alerts/a1/ack", headers=headers) as response:
                assert response.status == 200

    asyncio.run(story())
