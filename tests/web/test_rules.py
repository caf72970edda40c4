"""Rules and test pages."""

import asyncio

from rulesd.ports.daemon import Attempt
from tests.web.fakes import FakeDaemon, opened
from tests.web.plans import plan


def test_rules_in_force() -> None:
    async def story() -> None:
        daemon = FakeDaemon()
        daemon.plan = plan()
        async with opened(daemon) as world, world.admin.get("/v1/rules") as response:
            body = await response.json()
            assert body["plan"] == plan().digest
            rule = next(one for one in body["rules"] if one["id"] == "tool.scope_violation")
            assert rule["by"] == ["tenant", "tool"]
            assert (rule["never"], rule["severity"], rule["owner"]) == (
                True,
                "critical",
                "platform-safety",
            )
            assert rule["runbook"] == {
                "title": "Scope violation",
                "path": "/runbooks/tool.scope_violation",
            }
            other = next(one for one in body["rules"] if one["id"] == "tool.elsewhere")
            assert other["runbook"]["path"] == "https://wiki.example.org/elsewhere"

    asyncio.run(story())


def test_a_test_page() -> None:
    async def story() -> None:
        daemon = FakeDaemon()
        daemon.plan = plan()
        daemon.attempts = [
            Attempt(
                receiver="pager",
                channel="slack[0]",
                outcome="failed",
                reason="timeout",
                detail="10 s",
                seconds=10.0004,
            ),
            Attempt(
                receiver="pager",
                channel="webhook[0]",
                outcome="delivered",
                reason="ok",
                detail="",
                seconds=0.2,
            ),
        ]
        async with opened(daemon) as world:

            async def post(**body: str) -> tuple[int, dict[str, object]]:
                async with world.admin.post("/v1/test-page", json=body) as response:
                    return response.status, await response.json()

            status, body = await post(owner="platform-safety", severity="high")
            assert (status, body["delivered"], body["severity"]) == (200, True, "high")
            assert body["attempts"][0] == {  # type: ignore[index]
                "receiver": "pager",
                "channel": "slack[0]",
                "outcome": "failed",
                "reason": "timeout",
                "detail": "10 s",
                "seconds": 10.0,
            }
            assert daemon.acts == [("test-page", "platform-safety", "high", "admin")]
            assert (await post(owner="platform-safety"))[1]["severity"] == "critical"
            assert (await post(owner="nobody"))[0] == 404
            assert (await post(owner="platform-safety", severity="loud"))[0] == 400
            assert (await post())[0] == 400

    asyncio.run(story())
