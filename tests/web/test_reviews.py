"""Reviews over HTTP: what waits, and verdicts."""

import asyncio
from typing import Any

from rulesd.model.decision import ReviewOpened
from rulesd.model.reasons import Reason
from rulesd.web.tokens import Scope
from tests.model.test_alert import alert
from tests.web.acting import HandCrank, acting_daemon
from tests.web.fakes import NOW, World, opened


def sampled(crank: HandCrank, id_: str, **fields: Any) -> None:
    made = ReviewOpened(at=NOW, reason=Reason.SAMPLED, review=id_, alert=alert(**fields))
    crank.engine.reviews.follow(made, NOW, [])


async def call(world: World, method: str, path: str, headers: Any = None, **body: Any) -> Any:
    sent = dict(headers or world.admin.headers)
    async with world.nobody.request(
        method, path, json=body if method == "POST" else None, headers=sent
    ) as response:
        return response.status, await response.json()


def test_a_queue_and_its_verdicts() -> None:
    async def story() -> None:
        daemon, crank = acting_daemon()
        sampled(crank, "r1", severity="low")
        sampled(crank, "r2", severity="critical", alert="a2")
        async with opened(daemon) as world:

            async def ids(query: str = "") -> list[str]:
                return [
                    r["review"]
                    for r in (await call(world, "GET", f"/v1/reviews{query}"))[1]["reviews"]
                ]

            assert await ids() == ["r2", "r1"]
            path = "/v1/reviews/r2/complete"
            assert (await call(world, "POST", path, verdict="maybe"))[1]["error"] == "invalid_value"
            assert (await call(world, "POST", path))[1]["error"] == "missing_field"
            assert (
                "what must happen"
                in (await call(world, "POST", path, verdict="harm"))[1]["message"]
            )
            done = await call(world, "POST", path, verdict="harm", next="patch", by="rev")
            assert done == (200, {"review": "r2", "result": "done"})
            assert crank.engine.reviews.open["r2"].by == "rev (admin)"
            assert (await call(world, "POST", path, verdict="fixed"))[1]["result"] == "done"
            assert (await call(world, "POST", path, verdict="fixed"))[1]["result"] == "already"
            late, said = await call(world, "POST", path, verdict="harm", next="patch")
            assert (late, said["error"]) == (409, "already_completed")
            assert "completed as fixed by admin" in said["message"]
            assert (await ids(), await ids("?state=closed")) == (["r1"], ["r2"])
            assert await ids("?state=all") == ["r1", "r2"]
            missing = await call(world, "POST", "/v1/reviews/r9/complete", verdict="fixed")
            assert (missing[0], missing[1]["error"]) == (404, "unknown_review")

    asyncio.run(story())


def test_a_tenants_token_sees_its_own_only() -> None:
    async def story() -> None:
        daemon, crank = acting_daemon()
        sampled(crank, "r1", labels={"tenant": "acme"})
        sampled(crank, "r2", labels={"tenant": "other"}, alert="a2")
        async with opened(daemon) as world:
            acme = await world.token("acme-rev", Scope.READ, Scope.SWITCH, tenant="acme")
            seen = (await call(world, "GET", "/v1/reviews", acme))[1]["reviews"]
            assert [r["review"] for r in seen] == ["r1"]
            path = "/v1/reviews/r2/complete"
            assert (await call(world, "POST", path, acme, verdict="fixed"))[0] == 404

    asyncio.run(story())
