"""What every request passes."""

import asyncio

from tests.web.fakes import opened


def test_a_fault_in_a_page_is_a_page_without_details() -> None:
    async def story() -> None:
        async with opened() as world:
            world.daemon.crash = ValueError("hunter2")
            async with world.admin.get("/v1/alerts") as response:
                assert (response.status, (await response.json())["error"]) == (500, "internal")
                assert response.headers["Connection"] == "close"
            async with world.admin.get("/", headers={"Accept": "text/html"}) as response:
                assert response.status == 500
                assert "hunter2" not in await response.text()
            assert world.count("rulesd_http_requests_total", endpoint="/v1/alerts", code="500") == 1

    asyncio.run(story())


def test_unknown_addresses_and_methods() -> None:
    async def story() -> None:
        async with opened() as world:
            async with world.nobody.get("/nothing/here") as response:
                assert (response.status, (await response.json())["error"]) == (404, "not_found")
            async with world.nobody.put("/v1/events") as response:
                assert (response.status, (await response.json())["error"]) == (
                    405,
                    "method_not_allowed",
                )
                assert response.headers["Allow"] == "OPTIONS,POST"

    asyncio.run(story())
