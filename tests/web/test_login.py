"""Logging in and out."""

import asyncio
from html import unescape

import pytest

from rulesd.web.tokens import Scope
from tests.web.browsing import get, log_in, press
from tests.web.fakes import ADMIN, opened


def test_in_and_out() -> None:
    async def story() -> None:
        async with opened() as world:
            status, html = await get(world, "/")
            assert status == 401
            assert 'action="/login"' in html
            status, _, headers = await log_in(world, then="/runbooks/a.b")
            assert (status, headers["Location"]) == (303, "/runbooks/a.b")
            cookie = headers["Set-Cookie"]
            assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/"))
            assert "Secure" not in cookie
            assert ADMIN not in cookie
            assert (await get(world, "/"))[0] == 200
            assert (await press(world, "/logout")) == (303, "/login")
            assert (await get(world, "/"))[0] == 401

    asyncio.run(story())


def test_tokens_that_do_not_open() -> None:
    async def story() -> None:
        async with opened() as world:
            status, html, headers = await log_in(world, "rk_wrong_hunter2secret")
            assert status == 401
            assert "not known here" in html
            assert "hunter2" not in html
            assert "Set-Cookie" not in headers
            ingest = (await world.token("app", Scope.INGEST))["Authorization"].split()[1]
            status, html, headers = await log_in(world, ingest)
            assert status == 403
            assert "lacks the scope read" in html
            assert "Set-Cookie" not in headers

    asyncio.run(story())


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_login_begun_elsewhere_is_refused(site: str) -> None:
    async def story() -> None:
        async with opened() as world:
            status, _, headers = await log_in(world, **{"Sec-Fetch-Site": site})
            assert status == 403
            assert "Set-Cookie" not in headers

    asyncio.run(story())


@pytest.mark.parametrize(
    "then",
    ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\r\nX: y", "\\\\evil"],
)
def test_only_ever_back_to_us(then: str) -> None:
    async def story() -> None:
        async with opened() as world:
            _, _, headers = await log_in(world, then=then)
            assert headers["Location"] == "/"

    asyncio.run(story())


def test_over_https_the_cookie_is_bound_to_the_host() -> None:
    async def story() -> None:
        async with opened(external_url="https://rulesd.example.org") as world:
            _, _, headers = await log_in(world)
            assert headers["Set-Cookie"].startswith("__Host-rulesd=")
            assert "Secure" in headers["Set-Cookie"]

    asyncio.run(story())


def test_a_click_elsewhere_comes_back_with_the_cookie() -> None:
    async def story() -> None:
        async with opened() as world:
            _, html = await get(world, "/runbooks/a.b", **{"Sec-Fetch-Site": "cross-site"})
            assert 'content="0;url=/runbooks/a.b"' in unescape(html)
            _, html = await get(world, "/runbooks/a.b")
            assert "http-equiv" not in html  # once, not for ever

    asyncio.run(story())


def test_odd_forms() -> None:
    async def story() -> None:
        async with opened() as world:
            same = {"Sec-Fetch-Site": "same-origin"}
            async with world.nobody.post("/login", json={"token": ADMIN}, headers=same) as response:
                assert response.status == 415
            form = {**same, "Content-Type": "application/x-www-form-urlencoded"}
            for data in (b"\xff=1", b"&".join(b"a=1" for _ in range(50))):
                async with world.nobody.post("/login", data=data, headers=form) as response:
                    assert response.status == 400
            async with world.nobody.post("/login", data=b"x" * 70_000, headers=form) as response:
                assert response.status == 413

    asyncio.run(story())
