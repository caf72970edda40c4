"""The console."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson

from rulesd.model.reasons import AlertState
from rulesd.model.switch import Switch
from rulesd.ports.daemon import Health
from rulesd.ports.store import OutboxDone, OutboxRow
from rulesd.web.tokens import Scope
from tests.core.crew import crew, shifts
from tests.core.plans import T0, event, field, rule
from tests.core.plans import plan as core_plan
from tests.runners.room import Room, in_room
from tests.web.browsing import get, log_in, press
from tests.web.fakes import NOW, FakeDaemon, World, alert, opened
from tests.web.plans import plan


def outbox(state: str, detail: str = "", **body: Any) -> tuple[OutboxRow, OutboxDone | None]:
    row = OutboxRow(
        id="n1",
        receiver="platform-safety",
        channel="slack[0]",
        incident="i1",
        priority=0,
        created=NOW - 60_000,
        body=orjson.dumps(body),
    )
    if state == "pending":
        return row, None
    done = OutboxDone(
        id="n1",
        receiver="platform-safety",
        channel="slack[0]",
        state=state,
        attempts=3,
        next_at=0,
        detail=detail,
        at=NOW,
    )
    return row, done


def daemon() -> FakeDaemon:
    made = FakeDaemon()
    made.plan = plan()
    made.shown = [
        alert("low1", severity="low", rule="gone.rule"),
        alert("a1"),
        alert("a2", labels={"tenant": "other", "x": "<script>alert(1)</script>"}),
        alert("r1", state=AlertState.RESOLVED, ended_at=NOW - 120_000),
    ]
    return made


def test_what_it_shows() -> None:
    async def story() -> None:
        made = daemon()
        made.facts = {
            "version": "9.9",
            "events": {"matched": 1_234_567, "share": 0.25, "nested": {"no": 1}},
            "sources": [{"name": "mqtt", "up": False, "topics": "safety/+"}, "odd"],
        }
        made.store.outbox = [
            outbox(
                "failed",
                "400 invalid_blocks",
                status="firing",
                alerts=[{"summary": "It happened"}, {}],
            ),
            outbox("pending", test=True, alerts=[{"title": "Only a test"}]),
        ]
        made.well = Health(live=True, ready=True, degraded=["no broker for 12 s"])
        async with opened(made) as world:
            await log_in(world)
            status, html = await get(world, "/")
            assert status == 200
            for words in (
                "An assistant used a tool",
                "#safety-oncall",
                "nobody has taken it",
                "must never happen",
                "for 1 min",
                "resolved 2 min ago",
                "/runbooks/tool.scope_violation",
                "no broker for 12 s",
                "Working, with problems",
                "It happened",
                "400 invalid_blocks",
                "and 1 more",
                "failed after 3 attempts",
                "1\u202f234\u202f567",
                "safety",
                "(3) rulesd",
            ):
                assert words in html.replace("&#x2f;", "/"), words
            assert "<script>alert" not in html
            assert html.index("alert-a1") < html.index("alert-low1") < html.index("alert-r1")

    asyncio.run(story())


def test_buttons() -> None:
    async def story() -> None:
        async with opened(daemon()) as world:
            await log_in(world)
            assert await press(world, "/console/alerts/a1/ack", {"note": "mine"}) == (303, "/")
            assert world.daemon.acts == [("ack", "a1", "admin", "mine")]
            _, html = await get(world, "/")
            assert "taken by" in html
            assert "Give back" in html
            assert await press(world, "/console/alerts/a1/ack") == (303, "/?said=already")
            assert await press(world, "/console/alerts/zz/ack") == (303, "/?said=unknown_alert")
            assert "no longer there" in (await get(world, "/?said=unknown_alert"))[1]
            assert "<b>" not in (await get(world, "/?said=<b>"))[1].split("said")[0][-50:]
            assert (await press(world, "/console/alerts/a1/fly"))[0] == 404

    asyncio.run(story())


LOCK = Switch(
    name="lock_tool", key="tool.{tool}.enabled", type="boolean", safe=False, default=True, scope=("tenant",), may_set=("people",)
)  # fmt: skip


def contains(tell: Callable[[Room, World], Awaitable[None]], *switches: Switch) -> None:
    """A room with one open alert whose rule names these switches."""
    names = tuple(s.name for s in switches)
    made = core_plan(rule("tool.scope", by=(field("tenant"), field("tool")), actions=names))

    async def run(room: Room) -> None:
        async with opened(room.daemon) as world:  # type: ignore[arg-type]
            await room.send(event("x", T0, tool="shell"))
            await tell(room, world)

    in_room(run, made=replace(made, switches={s.name: s for s in switches}))


async def said_after(world: World, path: str) -> str:
    assert await press(world, path) == (303, "/")
    _, html = await get(world, "/")
    return html.partition('<p class="said">')[2].partition("</p>")[0]


def test_contain_sets_what_it_says() -> None:
    async def tell(room: Room, world: World) -> None:
        (name,) = [a.alert for a in room.daemon.alerts()]
        path = f"/console/alerts/{name}/contain"
        assert (await press(world, path))[0] == 403
        taker = await world.token("taker", Scope.READ, Scope.ACK)
        await log_in(world, taker["Authorization"].removeprefix("Bearer "))
        assert "Contain" not in (await get(world, "/"))[1]
        assert (await press(world, path))[0] == 403
        await log_in(world)
        _, html = await get(world, "/")
        assert f'action="{path}"' in html
        assert "tool.shell.enabled = false for tenant=acme, for 4h" in html
        foreign = {"Sec-Fetch-Site": "cross-site"}
        assert (await press(world, path, {}, **foreign))[0] == 403
        assert not room.daemon.acting.settings()
        said = await said_after(world, path)
        assert said.startswith("Contained: tool.shell.enabled = false for tenant=acme")
        (setting,) = room.daemon.acting.settings()
        assert (setting.by, setting.alert) == ("admin", name)
        _, html = await get(world, "/")
        assert "Contain ..." not in html
        assert '<span class="chip good">contained</span>' in html
        assert (await said_after(world, path)).startswith("It is so already")
        await press(world, f"/console/alerts/{name}/resolve")
        resolved = "Nothing was contained: the alert has resolved meanwhile."
        assert await said_after(world, path) == resolved
        gone = "That alert is no longer there."
        assert await said_after(world, "/console/alerts/zz/contain") == gone

    contains(tell, LOCK)


def test_one_of_a_tenant_contains_nobody_else() -> None:
    async def tell(room: Room, world: World) -> None:
        (name,) = [a.alert for a in room.daemon.alerts()]
        acme = await world.token("acme", Scope.READ, Scope.SWITCH, tenant="acme")
        await log_in(world, acme["Authorization"].removeprefix("Bearer "))
        assert "Contain ..." not in (await get(world, "/"))[1]
        said = await said_after(world, f"/console/alerts/{name}/contain")
        assert said == "Nothing was contained: there is nothing here that you may set."
        assert not room.daemon.acting.settings()

    contains(tell, LOCK, replace(LOCK, name="all", key="all.enabled", scope=()))


def test_who_is_on_call_stands_beside_the_owner_and_is_not_a_tenants_business() -> None:
    async def run(room: Room) -> None:
        async with opened(room.daemon) as world:  # type: ignore[arg-type]
            await room.send(event("x", T0, scope="out"))
            await log_in(world)
            assert "on call <b>anna</b>" in (await get(world, "/"))[1]
            wish = {"schedule": "main", "person": "ben", "for": "1h", "reason": "anna is ill"}
            async with world.admin.post("/v1/oncall/overrides", json=wish) as response:
                assert response.status == 200
            assert "on call <b>ben</b>" in (await get(world, "/"))[1]
            room.clock.at += 12 * 3_600_000
            assert "on call <b>nobody</b>" in (await get(world, "/"))[1]
            acme = await world.token("acme", Scope.READ, tenant="acme")
            await log_in(world, acme["Authorization"].removeprefix("Bearer "))
            _, html = await get(world, "/")
            assert "title of tool.scope" in html
            assert "on call" not in html

    schedules = {"main": shifts("anna", "")}
    in_room(run, made=crew(rule("tool.scope"), schedule="main", schedules=schedules))


def test_rights() -> None:
    async def story() -> None:
        async with opened(daemon()) as world:
            secret = (await world.token("acme", Scope.READ, tenant="acme"))[
                "Authorization"
            ].split()[1]
            await log_in(world, secret)
            status, html = await get(world, "/")
            assert status == 200
            assert "alert-a1" in html
            assert "alert-a2" not in html
            assert "Last pages" not in html
            assert "Acknowledge" not in html
            assert (await press(world, "/console/alerts/a1/ack"))[0] == 403
            await world.tokens.delete(world.daemon, "acme")
            assert (await get(world, "/"))[0] == 401

    asyncio.run(story())


def test_sources_as_the_daemon_tells_them() -> None:
    async def story() -> None:
        made = daemon()
        made.facts = {"plan": "ab" * 32, "sources": {"http": "ok", "mqtt": "no broker for 12 s"}}
        async with opened(made) as world:
            await log_in(world)
            _, html = await get(world, "/")
            assert "no broker for 12 s" in html
            assert html.count('class="dot delivered"') == 1
            assert html.count('class="dot failed"') == 1
            assert "abababababab<" in html

    asyncio.run(story())


def test_quiet_and_not_ready() -> None:
    async def story() -> None:
        made = FakeDaemon()
        made.plan = plan()
        made.well = Health(live=True, ready=False, degraded=["the disk is full"] + ["x"] * 9)
        made.store.outbox = [outbox("delivered")]
        async with opened(made) as world:
            await log_in(world)
            _, html = await get(world, "/")
            assert "Nothing is firing" in html
            assert "Not taking events" in html
            assert "the disk is full" in html
            assert "and 4 more" in html

    asyncio.run(story())
