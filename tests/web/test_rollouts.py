"""Rollouts over HTTP: the verdict, signing off, ending a watch."""

import asyncio
from typing import Any

from rulesd.web.tokens import Scope
from tests.core.plans import event
from tests.web.acting import HandCrank, acting_daemon
from tests.web.fakes import NOW, World, opened


def deploy(crank: HandCrank, id_: str, tenant: str = "") -> None:
    made = event(id_, NOW, type_="deploy.change", tenant=tenant, change_id=id_, to_version="m2")
    crank.engine.receive(made, NOW)


async def call(world: World, method: str, path: str, headers: Any = None, **body: Any) -> Any:
    sent = dict(headers or world.admin.headers)
    async with world.nobody.request(
        method, path, json=body if method == "POST" else None, headers=sent
    ) as response:
        return response.status, await response.json()


def test_a_watch_and_its_verdict() -> None:
    async def story() -> None:
        daemon, crank = acting_daemon()
        deploy(crank, "c1")
        crank.engine.receive(event("t", NOW, model="m2", tenant="acme"), NOW)
        async with opened(daemon) as world:
            status, found = await call(world, "GET", "/v1/rollouts/c1")
            assert (status, found["verdict"], found["events"]) == (200, "fail", 1)
            assert found["alerts"][0]["tied"] == "it names m2"
            status, signed = await call(
                world, "POST", "/v1/rollouts/c1/signoff", by="ml", note="ok"
            )
            assert (status, signed["signed_by"], signed["note"]) == (200, "ml (admin)", "ok")
            status, over = await call(world, "POST", "/v1/rollouts/c1/finish")
            assert (status, over["over"]) == (200, True)
            rows = (await call(world, "GET", "/v1/rollouts"))[1]["rollouts"]
            assert [r["change"] for r in rows] == ["c1"]
            status, said = await call(world, "GET", "/v1/rollouts/c9")
            assert (status, said["error"]) == (404, "unknown_change")

    asyncio.run(story())


def test_a_tenants_token_sees_its_own_only() -> None:
    async def story() -> None:
        daemon, crank = acting_daemon()
        deploy(crank, "c1")
        deploy(crank, "c2", tenant="acme")
        async with opened(daemon) as world:
            acme = await world.token("acme-ci", Scope.READ, Scope.SWITCH, tenant="acme")
            rows = (await call(world, "GET", "/v1/rollouts", acme))[1]["rollouts"]
            assert [r["change"] for r in rows] == ["c2"]
            assert (await call(world, "POST", "/v1/rollouts/c1/finish", acme))[0] == 404

    asyncio.run(story())
