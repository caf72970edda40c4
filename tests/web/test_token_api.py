"""Tokens over HTTP."""

import asyncio
from typing import Any

import pytest

from rulesd.web.tokens import Scope
from tests.web.fakes import opened


def test_make_use_list_and_take_back() -> None:
    async def story() -> None:
        async with opened() as world:
            wish = {"name": "grafana", "scopes": ["read"], "tenant": "acme"}
            async with world.admin.post("/v1/tokens", json=wish) as response:
                made = await response.json()
                assert response.status == 201
                assert (made["name"], made["scopes"], made["tenant"]) == (
                    "grafana",
                    ["read"],
                    "acme",
                )
            headers = {"Authorization": f"Bearer {made['token']}"}
            async with world.nobody.get("/v1/alerts", headers=headers) as response:
                assert response.status == 200
            async with world.admin.get("/v1/tokens") as response:
                listed = await response.text()
                assert "grafana" in listed
                assert made["token"] not in listed
                assert "sha256" not in listed
            async with world.admin.post("/v1/tokens", json=wish) as response:
                assert (response.status, (await response.json())["error"]) == (409, "name_taken")
            async with world.admin.delete("/v1/tokens/grafana") as response:
                assert response.status == 200
            async with world.nobody.get("/v1/alerts", headers=headers) as response:
                assert response.status == 401
            async with world.admin.delete("/v1/tokens/grafana") as response:
                assert response.status == 404

    asyncio.run(story())


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"name": "x"},
        {"name": "X y", "scopes": ["read"]},
        {"name": "../x", "scopes": ["read"]},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": "read"},
        {"name": "x", "scopes": ["fly"]},
        {"name": "x", "scopes": [1]},
        {"name": "x", "scopes": ["read"], "tenant": "a b"},
        {"name": "x", "scopes": ["admin"], "tenant": "acme"},
        {"name": 3, "scopes": ["read"]},
    ],
)
def test_bad_wishes(wish: dict[str, Any]) -> None:
    async def story() -> None:
        async with opened() as world:
            async with world.admin.post("/v1/tokens", json=wish) as response:
                assert response.status == 400
            assert world.tokens.all() == []

    asyncio.run(story())


def test_only_administrators() -> None:
    async def story() -> None:
        async with opened() as world:
            other = await world.token("other", Scope.READ, Scope.ACK, Scope.INGEST)
            for method, path in [
                ("get", "/v1/tokens"),
                ("post", "/v1/tokens"),
                ("delete", "/v1/tokens/other"),
            ]:
                async with world.nobody.request(method, path, headers=other) as response:
                    assert response.status == 403
                async with world.nobody.request(method, path) as response:
                    assert response.status == 401

    asyncio.run(story())
