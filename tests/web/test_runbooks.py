"""Runbooks: with a signed link, with a token, or a page that says what to do."""

import asyncio

from rulesd.model.instant import DAY
from rulesd.web.links import Links
from rulesd.web.tokens import Scope
from tests.web.browsing import get, log_in
from tests.web.fakes import LINK_KEY, NOW, FakeDaemon, alert, opened
from tests.web.plans import plan

LINKS = Links(key=LINK_KEY)


def daemon() -> FakeDaemon:
    made = FakeDaemon()
    made.plan = plan()
    made.shown = [alert("a1"), alert("a2", labels={"tenant": "other"})]
    return made


def test_a_signed_link_opens_this_runbook_and_shows_no_alert() -> None:
    async def story() -> None:
        async with opened(daemon()) as world:
            path = LINKS.runbook_path("tool.scope_violation", NOW)
            status, html = await get(world, path)
            assert status == 200
            assert "<h1>Scope violation</h1>" in html
            assert "#safety-oncall" in html
            assert html.index("First five minutes") < html.index("Why it matters")
            assert "<script>alert" not in html
            assert "a1" not in html
            assert "acme" not in html
            other = path.replace("scope_violation", "elsewhere")
            assert (await get(world, other))[0] == 401
            assert (await get(world, path.replace("sig=", "sig=0")))[0] == 401
            assert (await get(world, "/?" + path.split("?")[1]))[0] == 401

    asyncio.run(story())


def test_an_expired_link_says_what_to_do() -> None:
    async def story() -> None:
        async with opened(daemon()) as world:
            path = LINKS.runbook_path("tool.scope_violation", NOW)
            world.daemon.clock += 7 * DAY
            status, html = await get(world, path)
            assert status == 410
            assert "expired" in html
            assert "/login?then=" in html
            assert "Scope violation" not in html

    asyncio.run(story())


def test_with_a_token_the_open_alerts_stand_there() -> None:
    async def story() -> None:
        async with opened(daemon()) as world:
            async with world.admin.get("/runbooks/tool.scope_violation") as response:
                html = await response.text()
                assert response.status == 200
            assert 'id="alert-a1"' in html
            assert 'id="alert-a2"' in html
            mine = await world.token("acme", Scope.READ, tenant="acme")
            async with world.nobody.get("/runbooks/tool.scope_violation", headers=mine) as response:
                html = await response.text()
                assert 'id="alert-a1"' in html
                assert 'id="alert-a2"' not in html
            ingest = await world.token("app", Scope.INGEST)
            async with world.nobody.get(
                "/runbooks/tool.scope_violation", headers=ingest
            ) as response:
                assert response.status == 401

    asyncio.run(story())


def test_runbooks_elsewhere_and_rules_that_are_gone() -> None:
    async def story() -> None:
        async with opened(daemon()) as world:
            await log_in(world)
            status, html = await get(world, "/runbooks/tool.elsewhere")
            assert status == 200
            assert (
                'href="https:&#x2f;&#x2f;wiki.example.org' in html
                or 'href="https://wiki.example.org' in html
            )
            status, html = await get(world, "/runbooks/tool.gone")
            assert status == 404
            assert "first five minutes in text" in html

    asyncio.run(story())


def test_without_links_only_a_token_opens() -> None:
    async def story() -> None:
        async with opened(daemon(), links=None) as world:
            path = LINKS.runbook_path("tool.scope_violation", NOW)
            assert (await get(world, path))[0] == 401

    asyncio.run(story())
