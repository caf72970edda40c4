"""The console's part about acting: what it shows, what its buttons do, and who may press them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from rulesd.model.inputs import SwitchSet
from rulesd.model.switch import Approvals, Until
from rulesd.web.tokens import Scope
from tests.core.plans import event
from tests.web.acting import CAP, LOCK, HandCrank, acting_daemon
from tests.web.browsing import get, log_in, press
from tests.web.fakes import NOW, World, opened

WIDE = replace(LOCK, approvals=Approvals.ALWAYS)
HELD = replace(LOCK, name="held", key="held.{tool}", until=Until.REVIEW)


def wish(id_: str, switch: str, **fields: object) -> SwitchSet:
    values: dict[str, object] = {
        "id": id_, "switch": switch, "by": "rule tool.x", "reason": "a burst", "labels": {"tool": "shell", "tenant": "acme"},
    }  # fmt: skip
    return SwitchSet(**{**values, **fields})  # type: ignore[arg-type]


def story(tell: Callable[[World, HandCrank], Awaitable[None]]) -> None:
    async def run() -> None:
        daemon, crank = acting_daemon(WIDE, HELD, CAP)
        async with opened(daemon) as world:
            await log_in(world)
            await tell(world, crank)

    asyncio.run(run())


async def said(world: World, path: str, **form: str) -> str:
    """Press, follow, and read the sentence."""
    status, where = await press(world, path, form)
    assert (status, where) == (303, "/"), where
    _, html = await get(world, "/")
    return html.partition('<p class="said">')[2].partition("</p>")[0]


def test_it_shows_what_is_contained_what_waits_and_what_is_watched() -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        _, html = await get(world, "/")
        assert "Contained now" not in html
        await crank.act(wish("w1", "lock_tool"), wish("w2", "held"), wish("w3", "cap"))
        crank.engine.receive(
            event("d", NOW, type_="deploy.change", tenant="", change_id="c1", kind="model", to_version="m8"), NOW
        )  # fmt: skip
        _, html = await get(world, "/")
        for words in (
            "Contained now",
            "tool.shell.enabled is false for tenant=acme",
            "waits for approval",
            "cap.usd_per_hour is 1.5 for everybody",
            "ends in 4 h",
            "until a review",
            "Waiting for a verdict",
            "holds a lock",
            "switch:held",
            "due in 24 h",
            "Releases under watch",
            "model m8",
            "the watch is not over",
        ):
            assert words in html.replace("&gt;", ">"), words
        assert "/console/settings/w1/approve" in html.replace("&#x2f;", "/")
        assert "/console/settings/w3/approve" not in html.replace("&#x2f;", "/")

    story(tell)


def test_its_buttons_say_what_came_of_them_once() -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        await crank.act(wish("w1", "lock_tool"), wish("w2", "held"), wish("w3", "cap", by="admin"))
        first = await said(world, "/console/settings/w1/approve")
        assert first.startswith("Contained: tool.shell.enabled = false for tenant=acme")
        assert 'class="said"' not in (await get(world, "/"))[1]
        assert crank.engine.switches.open["w1"].approved_by == "admin"
        again = await said(world, "/console/settings/w1/approve")
        assert again == "lock_tool was not changed: it is not waiting for approval."
        over = await said(world, "/console/settings/w3/revert", reason="fixed")
        assert over == "Lifted: cap.usd_per_hour for everybody."
        assert crank.engine.switches.ended[-1].ended_why == "fixed"
        assert "not set" in await said(world, "/console/settings/w9/revert")
        (review,) = crank.engine.reviews.open
        path = f"/console/reviews/{review}"
        assert (await said(world, path, verdict="harm")).startswith("Nothing was done")
        kept = await said(world, path, verdict="harm", next="patch <it>")
        assert kept == "Completed as harm: what it held stays locked."
        assert "patch &lt;it&gt;" in (await get(world, "/"))[1]
        done = await said(world, path, verdict="fixed")
        assert done == "Completed as fixed: what it held is released."
        assert "w2" not in crank.engine.switches.open
        assert await said(world, path, verdict="fixed") == "Somebody has completed it already."
        assert (
            await said(world, "/console/reviews/no", verdict="fixed") == "There is no such review."
        )

    story(tell)


def test_who_may_press() -> None:
    async def run() -> None:
        daemon, crank = acting_daemon(WIDE, HELD)
        async with opened(daemon) as world:
            await crank.act(
                wish("w1", "lock_tool"),
                wish("w2", "held", labels={"tool": "x", "tenant": "globex"}),
            )
            assert (await press(world, "/console/settings/w1/revert"))[0] == 403
            reader = await world.token("reader", Scope.READ)
            await log_in(world, reader["Authorization"].removeprefix("Bearer "))
            _, html = await get(world, "/")
            assert "Contained now" in html
            assert "/revert" not in html.replace("&#x2f;", "/")
            assert (await press(world, "/console/reviews/r", {"verdict": "fixed"}))[0] == 403
            await press(world, "/logout")
            acme = await world.token("acme", Scope.READ, Scope.SWITCH, tenant="acme")
            await log_in(world, acme["Authorization"].removeprefix("Bearer "))
            _, html = await get(world, "/")
            assert "tool.shell.enabled" in html
            assert "globex" not in html
            assert (await press(world, "/console/settings/w1/approve"))[0] == 403
            assert await said(world, "/console/settings/w2/revert") == (
                "That is not set, and has not been lately."
            )
            assert "w2" in crank.engine.switches.open
            (review,) = crank.engine.reviews.open
            assert await said(world, f"/console/reviews/{review}", verdict="fixed") == (
                "There is no such review."
            )
            assert (await press(world, "/console/reviews/r", {"verdict": "maybe"}))[0] == 400
            assert (await press(world, "/console/settings/w1/fly"))[0] == 404

    asyncio.run(run())


def test_another_site_cannot_press() -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        await crank.act(wish("w3", "cap"))
        foreign = {"Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
        status, _ = await press(world, "/console/settings/w3/revert", {}, **foreign)
        assert status == 403
        assert "w3" in crank.engine.switches.open

    story(tell)


def test_a_sentence_that_nobody_of_ours_wrote() -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        _, html = await get(world, "/", Cookie="rulesd_said=zz")
        assert 'class="said"' not in html

    story(tell)
