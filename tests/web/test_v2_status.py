"""What amtool asks before each command."""

import asyncio

import orjson

from rulesd.config.plain_routing import plain_routing
from tests.web.v2_world import ask, v2


def test_status_has_all_that_clients_require() -> None:
    async def story() -> None:
        async with v2() as (world, daemon):
            daemon.facts = {"started_at": "2026-01-05T08:00:00.000Z"}
            status, text = await ask(world, "GET", "/api/v2/status")
            assert status == 200
            said = orjson.loads(text)
            assert said["cluster"] == {"status": "disabled", "peers": []}
            assert set(said["versionInfo"]) == {
                "version", "revision", "branch", "buildUser", "buildDate", "goVersion",
            }  # fmt: skip
            assert said["versionInfo"]["revision"] == "rulesd-0.1.0"
            assert said["uptime"] == "2026-01-05T08:00:00.000Z"
            assert said["config"] == {"original": plain_routing(daemon.plan)}
            assert said["config"]["original"].startswith("route:\n  receiver: pager\n")

    asyncio.run(story())


def test_receivers() -> None:
    async def story() -> None:
        async with v2() as (world, daemon):
            status, text = await ask(world, "GET", "/api/v2/receivers")
            assert (status, orjson.loads(text)) == (
                200,
                [{"name": n} for n in daemon.plan.receivers],
            )
            assert daemon.plan.receivers

    asyncio.run(story())
