"""Why, why-not and route over HTTP: who may ask, and what is unknown."""

import asyncio
from typing import Any

from rulesd.model.story import Part, Step, Story
from rulesd.web.tokens import Scope
from tests.web.fakes import FakeDaemon, World, alert, opened


class Answers:
    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def why(self, name: str) -> Story | None:
        self.asked.append(name)
        steps = (Step(part=Part.EVENT, said="it came"),)
        return None if name == "a9" else Story(title="Because.", steps=steps)

    async def why_not(self, event: str, rule: str) -> Story:
        self.asked.append((event, rule))
        return Story(title="It matched nothing.", steps=())

    def route(self, labels: dict[str, str]) -> Story:
        self.asked.append(labels)
        return Story(title="It goes to pager.", steps=())


async def get(world: World, path: str, headers: Any = None) -> tuple[int, Any]:
    async with world.nobody.get(path, headers=headers or dict(world.admin.headers)) as response:
        return response.status, await response.json()


def daemon() -> FakeDaemon:
    made: Any = FakeDaemon()
    made.explaining = Answers()
    made.shown = [alert("a1", labels={"tenant": "acme"}), alert("a2", labels={"tenant": "other"})]
    made.plan.by_id = {"tool.x": 0}
    return made


def test_each_question_has_its_address() -> None:
    async def story() -> None:
        made: Any = daemon()
        async with opened(made) as world:
            status, said = await get(world, "/v1/alerts/a1/why")
            assert (status, said["steps"]) == (200, [{"part": "event", "said": "it came"}])
            assert (await get(world, "/v1/alerts/a9/why"))[1]["error"] == "unknown_alert"
            assert (await get(world, "/v1/events/e%2F1/why-not?rule=tool.x"))[0] == 200
            assert (await get(world, "/v1/events/e1/why-not?rule=no"))[1]["error"] == "unknown_rule"
            status, said = await get(world, "/v1/route?alertname=X&severity=&team=a")
            assert (status, said["title"]) == (200, "It goes to pager.")
            assert (await get(world, "/v1/route"))[1]["error"] == "missing_field"
            assert made.explaining.asked == [
                "a1",
                "a9",
                ("e/1", "tool.x"),
                {"alertname": "X", "team": "a"},
            ]

    asyncio.run(story())


def test_a_tenants_token_asks_about_its_own_alerts_only() -> None:
    async def story() -> None:
        async with opened(daemon()) as world:
            acme = await world.token("acme", Scope.READ, tenant="acme")
            assert (await get(world, "/v1/alerts/a1/why", acme))[0] == 200
            assert (await get(world, "/v1/alerts/a2/why", acme))[0] == 404
            assert (await get(world, "/v1/events/e1/why-not", acme))[0] == 403
            assert (await get(world, "/v1/route?a=b", acme))[0] == 403

    asyncio.run(story())
