"""OFREP: what the SDKs need, and what a wrong request is told."""

import asyncio
from typing import Any

import pytest

from rulesd.web.tokens import Scope
from tests.web.acting import CAP, LOCK, acting_daemon, names
from tests.web.fakes import World, opened

ONE = "/ofrep/v1/evaluate/flags/"
ALL = "/ofrep/v1/evaluate/flags"


async def ask(world: World, path: str, context: object = None, **headers: str) -> tuple[int, Any]:
    body = {} if context is None else {"context": context}
    async with world.admin.post(path, json=body, headers=headers) as response:
        return response.status, await response.json() if response.status != 304 else None


async def lock(world: World, **fields: Any) -> None:
    body = {"reason": "exercise", "labels": {"tenant": "acme"}, **fields}
    async with world.admin.put("/v1/switches/tool.shell.enabled", json=body) as response:
        assert response.status == 200, await response.text()


def test_a_flag_in_its_context() -> None:
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            await lock(world)
            status, said = await ask(
                world, ONE + "tool.shell.enabled", {"tenant": "acme", "n": None}
            )
            assert status == 200
            assert (said["value"], said["variant"], said["reason"]) == (
                False,
                "contained",
                "TARGETING_MATCH",
            )
            assert said["metadata"]["set_by"] == "admin"
            assert said["metadata"]["expires_at"].endswith("Z")
            status, said = await ask(world, ONE + "tool.shell.enabled", {"tenant": "other"})
            assert (said["value"], said["variant"], said["reason"]) == (True, "default", "STATIC")

    asyncio.run(story())


def test_numbers_are_floats_throughout_and_a_switch_without_a_default_leaves_it_to_the_service() -> (
    None
):
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            assert str((await ask(world, ONE + "cap.usd_per_hour"))[1]["value"]) == "10.0"
            said = (await ask(world, ONE + "route.model", {}))[1]
            assert "value" not in said
            assert said["variant"] == "default"

    asyncio.run(story())


def test_all_flags_and_nothing_when_nothing_changed() -> None:
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            async with world.admin.post(ALL, json={"context": {"tenant": "acme"}}) as response:
                tag = response.headers["ETag"]
                assert names((await response.json())["flags"]) == [
                    "cap.usd_per_hour",
                    "route.model",
                ]
            context = {"tenant": "acme"}
            assert (await ask(world, ALL, context, **{"If-None-Match": tag}))[0] == 304
            assert (await ask(world, ALL, {"tenant": "b"}, **{"If-None-Match": tag}))[0] == 200
            await lock(world)
            status, said = await ask(world, ALL, context, **{"If-None-Match": f'"x", {tag}'})
            assert status == 200
            assert names(said["flags"])[-1] == "tool.shell.enabled"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b"[]", "INVALID_CONTEXT"),
        (b'{"context": []}', "INVALID_CONTEXT"),
        (b'"' + b"x" * 70_000 + b'"', "PARSE_ERROR"),
    ],
)
def test_a_wrong_request_is_told_in_ofreps_words(body: bytes, code: str) -> None:
    async def story() -> None:
        headers = {"Content-Type": "application/json"}
        async with opened(acting_daemon()[0]) as world:
            for path in (ONE + "cap.usd_per_hour", ALL):
                async with world.admin.post(path, data=body, headers=headers) as response:
                    assert response.status == 400
                    assert (await response.json())["errorCode"] == code

    asyncio.run(story())


def test_an_empty_body_is_an_empty_context_and_an_unknown_key_is_said() -> None:
    async def story() -> None:
        async with opened(acting_daemon(LOCK, CAP)[0]) as world:
            async with world.admin.post(ONE + "cap.usd_per_hour") as response:
                assert response.status == 200
            status, said = await ask(world, ONE + "nothing")
            assert (status, said["errorCode"]) == (404, "FLAG_NOT_FOUND")

    asyncio.run(story())


def test_a_service_token_reads_flags_with_an_api_key_and_for_its_own_tenant() -> None:
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            await lock(world)
            made = await world.token("svc", Scope.FLAGS, tenant="acme")
            key = made["Authorization"].removeprefix("Bearer ")
            path, context = (
                ONE + "tool.shell.enabled",
                {"context": {"tenant": "other", "x": True, "y": 2}},
            )
            headers = {"X-API-Key": key}
            async with world.nobody.post(path, json=context, headers=headers) as response:
                assert (await response.json())["value"] is False
            async with world.nobody.post(path, json=context) as response:
                assert response.status == 401
            async with world.nobody.get("/v1/alerts", headers=headers) as response:
                assert response.status == 403

    asyncio.run(story())


def test_a_tenant_does_not_learn_the_names_of_others_tools() -> None:
    async def story() -> None:
        async with opened(acting_daemon()[0]) as world:
            await lock(world)
            assert "tool.shell.enabled" in names((await ask(world, ALL, {}))[1]["flags"])
            for tenant, seen in (("acme", True), ("globex", False)):
                key = await world.token(tenant, Scope.FLAGS, tenant=tenant)
                async with world.nobody.post(ALL, json={"context": {}}, headers=key) as response:
                    rows = names((await response.json())["flags"])
                assert ("tool.shell.enabled" in rows) is seen
                async with world.nobody.get("/v1/switches", headers=key) as response:
                    assert ("tool.shell.enabled" in names((await response.json())["flags"])) is seen

    asyncio.run(story())
