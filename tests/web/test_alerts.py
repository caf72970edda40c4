"""Alerts over HTTP."""

import asyncio

import pytest

from rulesd.model.alert import Alert
from rulesd.model.reasons import AlertState
from rulesd.ports.intake import Overloaded
from rulesd.web.tokens import Scope
from tests.web.fakes import FakeDaemon, World, alert, opened


def daemon(*alerts: Alert) -> FakeDaemon:
    made = FakeDaemon()
    made.shown = list(alerts)
    return made


async def post(
    world: World, path: str, headers: dict[str, str] | None = None, **body: str
) -> tuple[int, dict[str, str]]:
    async with world.nobody.post(
        path, json=body, headers=headers or dict(world.admin.headers)
    ) as response:
        return response.status, await response.json()


def test_list_and_choose() -> None:
    async def story() -> None:
        two = alert("a2", severity="high", state=AlertState.RESOLVED, labels={"tenant": "other"})
        async with opened(daemon(alert("a1"), two)) as world:

            async def names(query: str) -> list[str]:
                async with world.admin.get(f"/v1/alerts{query}") as response:
                    assert response.status == 200
                    return [one["alert"] for one in (await response.json())["alerts"]]

            assert await names("") == ["a1", "a2"]
            assert await names("?state=firing") == ["a1"]
            assert await names("?severity=high&tenant=other") == ["a2"]
            assert await names("?owner=nobody") == []
            async with world.admin.get("/v1/alerts?state=fireing") as response:
                assert (response.status, (await response.json())["error"]) == (400, "unknown_state")
            assert await names("?rule=tool.scope_violation") == ["a1", "a2"]
            async with world.admin.get("/v1/alerts/a1") as response:
                shown = await response.json()
            assert shown["since"] == "2026-01-05T08:59:00.000Z"
            assert shown["ended_at"] is None
            assert shown["labels"] == {"tenant": "acme", "tool": "shell"}
            assert shown["runbook_url"].startswith("https://rulesd.example.org/runbooks/tool.scope")

    asyncio.run(story())


def test_acts_are_idempotent_and_signed() -> None:
    async def story() -> None:
        async with opened(daemon(alert("a1"))) as world:
            bot = await world.token("slack-bot", Scope.ACK)
            wish = {"by": "jane", "note": "looking"}
            assert await post(world, "/v1/alerts/a1/ack", bot, **wish) == (
                200,
                {"alert": "a1", "result": "done"},
            )
            assert (await post(world, "/v1/alerts/a1/ack", bot))[1]["result"] == "already"
            assert (await post(world, "/v1/alerts/a1/unack", bot))[1]["result"] == "done"
            assert (await post(world, "/v1/alerts/a1/resolve", bot))[1]["result"] == "done"
            assert (await post(world, "/v1/alerts/a1/resolve", bot))[1]["result"] == "already"
            assert world.daemon.acts == [
                ("ack", "a1", "jane (slack-bot)", "looking"),
                ("unack", "a1", "slack-bot"),
                ("resolve", "a1", "slack-bot", ""),
            ]
            status, body = await post(world, "/v1/alerts/a1/ack", bot)
            assert (status, body["error"]) == (409, "not_active")
            status, body = await post(world, "/v1/alerts/a9/ack", bot)
            assert (status, body["error"]) == (404, "unknown_alert")
            assert (await post(world, "/v1/alerts/a1/fly", bot))[0] == 404
            assert (await post(world, "/v1/alerts/a1/ack", bot, note="x" * 1_001))[0] == 400

    asyncio.run(story())


def test_another_tenants_alert_does_not_exist() -> None:
    async def story() -> None:
        async with opened(daemon(alert("a1"), alert("a2", labels={"tenant": "other"}))) as world:
            mine = await world.token("acme", Scope.READ, Scope.ACK, tenant="acme")
            async with world.nobody.get("/v1/alerts", headers=mine) as response:
                assert [one["alert"] for one in (await response.json())["alerts"]] == ["a1"]
            async with world.nobody.get("/v1/alerts/a2", headers=mine) as response:
                theirs = await response.json()
                assert response.status == 404
            async with world.nobody.get("/v1/alerts/a9", headers=mine) as response:
                assert await response.json() == theirs
            for act in ("ack", "unack", "resolve"):
                assert (await post(world, f"/v1/alerts/a2/{act}", mine))[0] == 404
            assert world.daemon.acts == []
            assert (await post(world, "/v1/alerts/a1/ack", mine))[0] == 200

    asyncio.run(story())


@pytest.mark.parametrize(
    ("path", "scope", "wrong"),
    [
        ("/v1/alerts", "read", Scope.INGEST),
        ("/v1/alerts/a1", "read", Scope.ACK),
        ("/v1/rules", "read", Scope.INGEST),
    ],
)
def test_scopes(path: str, scope: str, wrong: Scope) -> None:
    async def story() -> None:
        async with opened(daemon(alert("a1"))) as world:
            headers = await world.token("t", wrong)
            async with world.nobody.get(path, headers=headers) as response:
                assert response.status == 403
                assert scope in (await response.json())["message"]

    asyncio.run(story())


def test_an_act_that_cannot_be_made_durable_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object) -> None:
        raise Overloaded("full", 4)

    async def story() -> None:
        made = daemon(alert("a1"))
        monkeypatch.setattr(made, "acknowledge", full)
        async with opened(made) as world, world.admin.post("/v1/alerts/a1/ack") as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "4")
            assert (await response.json())["error"] == "overloaded"

    asyncio.run(story())
