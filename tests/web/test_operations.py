"""Health, readiness, metrics, reload."""

import asyncio

import pytest

from rulesd.model.errors import Located
from rulesd.ports.daemon import Health
from rulesd.web import operations
from rulesd.web.tokens import Scope
from tests.web.fakes import opened


def test_health_and_readiness() -> None:
    async def story() -> None:
        async with opened() as world:

            async def status(path: str) -> tuple[int, str]:
                async with world.nobody.get(path) as response:
                    return response.status, await response.text()

            assert await status("/-/healthy") == (200, "OK")
            assert await status("/-/ready") == (200, "OK")
            async with world.nobody.get(
                "/-/ready", headers={"Accept": "application/json"}
            ) as response:
                assert (await response.json())["status"] == "ready"
            world.daemon.well = Health(live=True, ready=True, degraded=["no broker for 12 s"])
            code, text = await status("/-/ready")
            assert code == 200
            assert '"status":"degraded"' in text
            assert "no broker for 12 s" in text
            world.daemon.well = Health(live=True, ready=False, degraded=["the disk is full"])
            code, text = await status("/-/ready")
            assert code == 503
            assert "the disk is full" in text
            assert (await status("/-/healthy"))[0] == 200
            world.daemon.well = Health(live=False, ready=False, degraded=[])
            assert (await status("/-/healthy"))[0] == 503
            async with world.nobody.head("/-/healthy") as response:
                assert response.status == 503

    asyncio.run(story())


def test_metrics() -> None:
    async def story() -> None:
        async with opened() as world:
            async with world.nobody.get("/metrics") as response:
                assert response.status == 200
                assert response.headers["Content-Type"].startswith("text/plain; version=")
                assert "rulesd_build_info" in await response.text()
            for _ in range(3):
                async with world.nobody.get("/no/such/place") as response:
                    assert response.status == 404
            assert world.count("rulesd_http_requests_total", endpoint="unknown", code="404") == 3
            assert world.count("rulesd_http_requests_total", endpoint="/metrics", code="200") == 1

    asyncio.run(story())


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "", "far"])
def test_numbers_and_reasons_are_for_this_machine_or_a_token(
    header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if header == "far":
        monkeypatch.setattr(operations, "near", lambda _: False)
    headers = {header: "for=192.0.2.1"} if header else {}

    async def story() -> None:
        async with opened(open_metrics=bool(header)) as world:
            world.daemon.well = Health(live=True, ready=False, degraded=["the disk is full"])
            async with world.nobody.get("/metrics", headers=headers) as response:
                assert response.status == 401
            async with world.nobody.get("/-/ready", headers=headers) as response:
                assert (response.status, (await response.json())["reasons"]) == (503, [])
            headers.update(await world.token("prometheus", Scope.READ))
            async with world.nobody.get("/metrics", headers=headers) as response:
                assert response.status == 200
            async with world.nobody.get("/-/ready", headers=headers) as response:
                assert (await response.json())["reasons"] == ["the disk is full"]
            async with world.nobody.get("/-/healthy", headers=headers) as response:
                assert response.status == 200

    asyncio.run(story())


def test_reload() -> None:
    async def story() -> None:
        async with opened() as world:
            async with world.admin.post("/-/reload") as response:
                assert (response.status, (await response.json())["status"]) == (200, "reloaded")
            warning = Located("rules/a.yaml", 1, 1, "w", "a", "b", "warning")
            world.daemon.problems = [warning]
            async with world.admin.post("/-/reload") as response:
                assert response.status == 200
            world.daemon.problems = [
                Located("rules/a.yaml", 12, 5, "window", "must be positive", "Write 5m"),
                Located("rules/b.yaml", 1, 1, "owner", "is unknown", "Add it"),
            ]
            async with world.admin.post("/-/reload") as response:
                body = await response.json()
                assert (response.status, body["error"]) == (500, "invalid_configuration")
                assert body["problems"] == [
                    "rules/a.yaml:12:5: window: must be positive. Write 5m",
                    "rules/b.yaml:1:1: owner: is unknown. Add it",
                ]
            async with world.nobody.post("/-/reload") as response:
                assert response.status == 401
            headers = await world.token("app", Scope.INGEST, Scope.READ, Scope.ACK)
            async with world.nobody.post("/-/reload", headers=headers) as response:
                assert response.status == 403
            async with world.admin.get("/-/reload") as response:
                assert (response.status, response.headers["Allow"]) == (405, "POST")

    asyncio.run(story())
