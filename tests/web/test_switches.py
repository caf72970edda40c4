"""Switches over HTTP: set, approve, revert, watch."""

import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import pytest

from rulesd.model.switch import Approvals
from rulesd.web.tokens import Scope
from tests.web.acting import CAP, LOCK, acting_daemon
from tests.web.fakes import World, opened

SHELL = "/v1/switches/tool.shell.enabled"


async def put(world: World, path: str, **body: Any) -> tuple[int, Any]:
    headers = body.pop("headers", None) or dict(world.admin.headers)
    async with world.nobody.put(path, json={"reason": "r", **body}, headers=headers) as response:
        return response.status, await response.json()


async def post(world: World, path: str, **body: Any) -> tuple[int, Any]:
    headers = body.pop("headers", None) or dict(world.admin.headers)
    async with world.nobody.post(path, json=body, headers=headers) as response:
        return response.status, await response.json()


async def get(world: World, path: str, headers: dict[str, str] | None = None) -> Any:
    async with world.nobody.get(path, headers=headers or dict(world.admin.headers)) as response:
        assert response.status == 200
        return await response.json()


def test_set_see_and_revert_by_key_or_by_name() -> None:
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            status, said = await put(world, SHELL, labels={"tenant": "acme"}, ttl="10m", by="ana")
            assert (status, said["result"]) == (200, "switch_set")
            assert said["setting"]["key"] == "tool.shell.enabled"
            assert said["setting"]["by"] == "ana (admin)"
            labels = {"tool": "shell", "tenant": "acme"}
            status, again = await put(world, "/v1/switches/lock_tool", labels=labels, ttl="10m")
            assert (status, again["setting"]["id"]) == (200, said["setting"]["id"])
            seen = await get(world, "/v1/switches")
            assert [s["id"] for s in seen["settings"]] == [said["setting"]["id"]]
            assert "tool.shell.enabled = false for tenant=acme" in seen["settings"][0]["text"]
            assert {s["name"] for s in seen["switches"]} == {"lock_tool", "cap", "safer_model"}
            status, over = await put(world, SHELL, labels={"tenant": "acme"}, revert=True)
            assert (over["result"], len(over["settings"])) == ("reverted", 1)
            status, over = await put(world, SHELL, labels={"tenant": "acme"}, revert=True)
            assert over["result"] == "already"
            past = await get(world, "/v1/switches/history?switch=lock_tool")
            assert [s["state"] for s in past["settings"]] == ["ended"]
            assert (await get(world, "/v1/switches/history?switch=cap"))["settings"] == []

    asyncio.run(story())


def test_a_value_of_ones_own_and_a_trial() -> None:
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            status, said = await put(world, "/v1/switches/cap", value=2)
            assert (status, said["setting"]["value"]) == (200, 2)
            status, said = await put(world, SHELL, labels={"tenant": "a"}, dry_run=True)
            assert (status, said["result"]) == (200, "dry_run")

    asyncio.run(story())


def test_a_webhook_that_is_sent_twice_sets_once() -> None:
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            first = await put(world, SHELL, labels={"tenant": "a"}, id="call-7")
            again = await put(world, SHELL, labels={"tenant": "a"}, id="call-7")
            assert first[1]["setting"]["id"] == again[1]["setting"]["id"] == "call-7"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("/v1/switches/nothing", {}, 404, "unknown_switch"),
        (SHELL, {"reason": ""}, 400, "missing_field"),
        (SHELL, {"ttl": "soon"}, 400, "invalid_duration"),
        (SHELL, {"ttl": "90d"}, 400, "out_of_range"),
        (SHELL, {"ttl": []}, 400, "invalid_duration"),
        (SHELL, {"labels": []}, 400, "wrong_type"),
        (SHELL, {"labels": {"a": 1}}, 400, "wrong_type"),
        (SHELL, {"value": "no", "labels": {"tenant": "a"}}, 409, "refused_value"),
        ("/v1/switches/lock_tool", {"labels": {}}, 409, "refused_scope"),
    ],
)
def test_what_is_wrong_is_said(path: str, body: dict[str, Any], status: int, error: str) -> None:
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            got = await put(world, path, **body)
            assert (got[0], got[1]["error"]) == (status, error)
            assert got[1]["message"]

    asyncio.run(story())


def test_a_wide_setting_waits_for_somebody_else() -> None:
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            status, said = await put(world, SHELL)
            assert (status, said["result"]) == (202, "approval_needed")
            path = f"/v1/switches/settings/{said['setting']['id']}"
            status, refused = await post(world, f"{path}/approve")
            assert (status, refused["error"]) == (409, "refused_approver")
            second = await world.token("bo", Scope.SWITCH)
            status, done = await post(world, f"{path}/approve", headers=second)
            assert (status, done["setting"]["approved_by"]) == (200, "bo")
            status, twice = await post(world, f"{path}/approve", headers=second)
            assert (status, twice["error"]) == (409, "unchanged")
            assert (await post(world, f"{path}/revert"))[0] == 200
            again = (await post(world, f"{path}/revert"))[1]["message"]
            assert again.startswith("it has ended already: reverted at ")
            assert (await post(world, "/v1/switches/settings/no/revert"))[0] == 404

    asyncio.run(story())


def test_only_people() -> None:
    async def story() -> None:
        daemon, crank = acting_daemon()
        async with opened(daemon) as world:
            assert (await put(world, "/v1/switches/humans-only", on=True))[1] == {
                "humans_only": True
            }
            assert crank.engine.switches.humans_only
            assert (await put(world, "/v1/switches/humans-only", on="yes"))[0] == 400

    asyncio.run(story())


def test_a_tenants_token_sees_and_sets_its_own_only() -> None:
    async def story() -> None:
        lock = replace(LOCK, approvals=Approvals.NEVER)
        async with opened(acting_daemon(lock, CAP)[0]) as world:
            acme = await world.token("acme-ops", Scope.SWITCH, Scope.READ, tenant="acme")
            other = (await put(world, SHELL, labels={"tenant": "other"}))[1]["setting"]["id"]
            status, said = await put(world, SHELL, headers=acme)
            assert (status, said["setting"]["scope"]) == (200, {"tenant": "acme"})
            assert (await put(world, SHELL, headers=acme, labels={"tenant": "other"}))[0] == 403
            assert len((await get(world, "/v1/switches", acme))["settings"]) == 1
            path = f"/v1/switches/settings/{other}/revert"
            assert (await post(world, path, headers=acme))[0] == 404
            mine = f"/v1/switches/settings/{said['setting']['id']}/approve"
            assert (await post(world, mine, headers=acme))[0] == 403
            assert (await put(world, "/v1/switches/humans-only", on=True, headers=acme))[0] == 400
            none = await world.token("reader", Scope.READ)
            assert (await put(world, SHELL, headers=none))[0] == 403

    asyncio.run(story())


def test_a_tenant_sets_nothing_that_is_everybodys_and_learns_of_no_others() -> None:
    async def story() -> None:
        lock = replace(LOCK, approvals=Approvals.NEVER)
        async with opened(acting_daemon(lock, CAP)[0]) as world:
            acme = await world.token("acme-ops", Scope.SWITCH, Scope.READ, tenant="acme")
            status, said = await put(world, "/v1/switches/cap", headers=acme)
            assert (status, "not set per tenant" in said["message"]) == (403, True)
            labels = {"tenant": "other"}
            await put(world, SHELL, labels=labels, id="call-7", reason="theirs")
            status, mine = await put(world, SHELL, headers=acme, id="call-7", reason="mine")
            assert (status, mine["setting"]["reason"]) == (200, "mine")
            assert mine["setting"]["scope"] == {"tenant": "acme"}

    asyncio.run(story())


def test_reverting_one_key_leaves_the_others() -> None:
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            for tool in ("shell", "sql"):
                await put(world, f"/v1/switches/tool.{tool}.enabled", labels={"tenant": "acme"})
            for by_key, labels in (("tool.shell.enabled", {}), ("lock_tool", {"tool": "other"})):
                await put(world, f"/v1/switches/{by_key}", labels=labels, revert=True)
            left = (await get(world, "/v1/switches"))["settings"]
            assert [s["key"] for s in left] == ["tool.sql.enabled"]
            await put(world, "/v1/switches/lock_tool", labels={"tool": "SQL"}, revert=True)
            assert (await get(world, "/v1/switches"))["settings"] == []

    asyncio.run(story())


def test_what_is_set_for_everybody_is_not_one_tenants_to_lift() -> None:
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            wide = (await put(world, SHELL))[1]["setting"]
            await put(world, SHELL, scope={"tenant": "acme"})
            status, over = await put(world, SHELL, labels={"tenant": "acme"}, revert=True)
            assert (status, over["result"]) == (200, "reverted")
            assert [s["scope"] for s in over["settings"]] == [{"tenant": "acme"}]
            assert [s["id"] for s in over["wider"]] == [wide["id"]]
            status, over = await put(world, SHELL, labels={"tenant": "acme"}, revert=True)
            assert (over["result"], len(over["wider"])) == ("already", 1)
            status, over = await put(world, SHELL, revert=True)
            assert [s["id"] for s in over["settings"]] == [wide["id"]]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"labls": {"tenant": "acme"}}, "unknown_field"),
        ({"labels": {"tenent": "acme"}}, "unknown_label"),
        ({"labels": {"tenant": "acme"}, "scope": {"tenant": "acme"}}, "wrong_type"),
    ],
)
def test_a_slip_contains_nobody(body: dict[str, Any], word: str) -> None:
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            status, said = await put(world, SHELL, **body)
            assert (status, said["error"]) == (400, word)
            assert (await get(world, "/v1/switches"))["settings"] == []
            more = {"tenant": "acme", "route": "chat"}
            assert (await put(world, SHELL, labels=more))[0] == 200

    asyncio.run(story())


def test_a_stream_tells_every_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesd.web.switches.HEARTBEAT_S", 0.05)

    async def event(response: Any) -> dict[str, Any]:
        while True:
            line = await asyncio.wait_for(response.content.readline(), 5)
            if line.startswith(b"data: "):
                return dict(orjson.loads(line[6:]))

    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            headers = {"Accept": "text/event-stream"}
            async with world.admin.get("/v1/switches", headers=headers) as response:
                assert response.content_type == "text/event-stream"
                assert (await event(response))["settings"] == []
                while True:
                    line = await asyncio.wait_for(response.content.readline(), 5)
                    if line.startswith(b": still"):
                        break
                await put(world, SHELL, labels={"tenant": "acme"})
                said = await event(response)
                assert [s["switch"] for s in said["settings"]] == ["lock_tool"]

    asyncio.run(story())


def test_a_stream_ends_with_the_door_and_with_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    async def begun(world: World, secret: str) -> aiohttp.ClientResponse:
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {secret}"}
        response = await world.nobody.get("/v1/switches", headers=headers)
        assert (await response.content.readline()).startswith(b"event:")
        return response

    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            _, secret = await world.tokens.create(world.daemon, "svc", [Scope.FLAGS], "")
            response = await begun(world, secret)
            await world.app.shutdown()  # what the runner does before it waits for handlers
            await asyncio.wait_for(response.content.read(), 2)
            monkeypatch.setattr("rulesd.web.switches.HEARTBEAT_S", 0.05)
            response = await begun(world, secret)
            await world.tokens.delete(world.daemon, "svc")
            await asyncio.wait_for(response.content.read(), 2)

    asyncio.run(story())
