"""Baselines over HTTP: page by page, chosen by rule and labels, and only a tenant's own."""

import asyncio
from typing import Any

from rulesd.core.engine import Engine
from rulesd.model.instant import HOUR, MINUTE
from rulesd.web.baselines import ON_PAGE
from rulesd.web.links import Links
from rulesd.web.tokens import Scope
from tests.core.plans import event, field, plan, rule
from tests.core.test_baselines import learns
from tests.web.acting import HandCrank, acting_daemon
from tests.web.fakes import LINK_KEY, NOW, FakeDaemon, World, opened
from tests.web.test_openapi import check

LINKS = Links(key=LINK_KEY)


def learned(tenants: int = 3) -> tuple[FakeDaemon, HandCrank]:
    """A daemon whose rule ``t.spike`` has seen each tenant twenty times, and the youngest once."""
    daemon, crank = acting_daemon()
    by = (field("tenant"), field("tool"))
    made = plan(rule("t.spike", detector=learns(), by=by), rule("t.never"))
    crank.engine = Engine(made)
    daemon.plan = made
    for n in range(20):
        for who in range(tenants):
            at = NOW - 4 * HOUR + n * 10 * MINUTE
            crank.engine.receive(event(f"{n}-{who}", at, tenant=f"t{who}", tool="sh"), at)
    crank.now = NOW - 4 * HOUR + 190 * MINUTE
    return daemon, crank


async def ask(world: World, path: str, headers: Any = None) -> Any:
    sent = dict(headers or world.admin.headers)
    async with world.nobody.get(path, headers=sent) as response:
        body = await response.json()
        if response.status == 200:
            check("/v1/baselines", "get", 200, body)
        return response.status, body


def test_every_key_has_a_row_with_its_level_and_where_it_stands() -> None:
    async def story() -> None:
        daemon, _ = learned()
        async with opened(daemon) as world:
            status, body = await ask(world, "/v1/baselines")
            assert status == 200
            assert [r["labels"]["tenant"] for r in body["baselines"]] == ["t0", "t1", "t2"]
            row = body["baselines"][0]
            assert (row["rule"], row["detector"], row["state"]) == ("t.spike", "spike", "follows")
            assert row["expected"] == "1 in 10m"
            assert row["learned"]["expected"] == 1.0
            assert row["events"] > 3
            assert body["next"] is None

    asyncio.run(story())


def test_pages_follow_each_other_without_a_gap() -> None:
    async def story() -> None:
        daemon, _ = learned(5)
        async with opened(daemon) as world:
            seen: list[str] = []
            after = ""
            for _ in range(3):
                path = f"/v1/baselines?rule=t.spike&limit=2&after={after}"
                _, body = await ask(world, path)
                seen += [r["labels"]["tenant"] for r in body["baselines"]]
                after = body["next"] or ""
            assert (seen, after) == (["t0", "t1", "t2", "t3", "t4"], "")
            assert (await ask(world, "/v1/baselines?label=tenant=t3&label=tool=sh"))[1][
                "baselines"
            ][0]["labels"] == {"tenant": "t3", "tool": "sh"}

    asyncio.run(story())


def test_what_cannot_be_asked_for_is_refused_with_what_to_write() -> None:
    async def story() -> None:
        daemon, _ = learned()
        async with opened(daemon) as world:
            for query, status, word in (
                ("rule=t.none", 404, "unknown_rule"),
                ("rule=t.never", 404, "learns_nothing"),
                ("label=tenant", 400, "invalid_label"),
                ("rule=t.spike&label=color=red", 400, "unknown_label"),
                ("limit=0", 400, "out_of_range"),
                ("limit=x", 400, "out_of_range"),
                ("after=x", 400, "invalid_after"),
                ("after=e30", 400, "invalid_after"),
            ):
                found = await ask(world, f"/v1/baselines?{query}")
                assert (found[0], found[1]["error"]) == (status, word), query
            assert (await ask(world, "/v1/baselines?label=color=red"))[1]["baselines"] == []

    asyncio.run(story())


def test_a_tenants_token_sees_its_own_keys_only() -> None:
    async def story() -> None:
        daemon, _ = learned()
        async with opened(daemon) as world:
            mine = await world.token("t1-ops", Scope.READ, tenant="t1")
            rows = (await ask(world, "/v1/baselines", mine))[1]["baselines"]
            assert [r["labels"]["tenant"] for r in rows] == ["t1"]
            status, said = await ask(world, "/v1/baselines?label=tenant=t2", mine)
            assert (status, said["error"]) == (403, "forbidden")

    asyncio.run(story())


def test_a_rules_page_tells_what_it_has_learned_to_those_who_may_see_it() -> None:
    async def story() -> None:
        daemon, _ = learned(ON_PAGE + 1)
        async with opened(daemon) as world:
            async with world.admin.get("/runbooks/t.spike") as response:
                html = await response.text()
            assert "What it has learned" in html
            assert "1 in 10m" in html
            assert "<i>tenant</i>t0" in html
            assert "follows its history" in html
            assert "rulesd baselines t.spike" in html
            path = LINKS.runbook_path("t.spike", NOW)
            async with world.nobody.get(path) as response:
                assert "What it has learned" not in await response.text()
            mine = await world.token("t1-ops", Scope.READ, tenant="t1")
            async with world.nobody.get("/runbooks/t.spike", headers=mine) as response:
                html = await response.text()
            assert ("<i>tenant</i>t1" in html, "<i>tenant</i>t0" in html) == (True, False)
            async with world.admin.get("/runbooks/t.never") as response:
                assert "What it has learned" not in await response.text()

    asyncio.run(story())


def test_a_rules_page_says_that_nothing_was_seen_yet() -> None:
    async def story() -> None:
        daemon, _ = learned(0)
        async with (
            opened(daemon) as world,
            world.admin.get("/runbooks/t.spike") as response,
        ):
            assert "no event of it has been seen" in await response.text()

    asyncio.run(story())


async def post(world: World, headers: Any = None, **body: Any) -> Any:
    sent = dict(headers or world.admin.headers)
    async with world.nobody.post("/v1/baselines/relearn", json=body, headers=sent) as response:
        found = await response.json()
        if response.status == 200:
            check("/v1/baselines/relearn", "post", 200, found)
        return response.status, found


def test_keys_learn_afresh_under_a_name_and_for_a_reason() -> None:
    async def story() -> None:
        daemon, crank = learned()
        async with opened(daemon) as world:
            status, said = await post(
                world, rule="t.spike", labels={"tenant": "t1"}, reason="new model", by="ana"
            )
            assert (status, said["keys"], said["by"]) == (200, 1, "ana (admin)")
            rows = (await ask(world, "/v1/baselines"))[1]["baselines"]
            assert [r["state"] for r in rows] == ["follows", "learning", "follows"]
            status, said = await post(world, rule="t.spike", reason="all of it")
            assert (status, said["keys"], said["labels"]) == (200, 3, {})
            assert len(crank.engine.detection.books[0]) == 0

    asyncio.run(story())


def test_a_wish_that_cannot_be_is_refused_with_what_to_write() -> None:
    async def story() -> None:
        daemon, _ = learned()
        async with opened(daemon) as world:
            for body, status, word in (
                ({"rule": "t.spike"}, 400, "missing_field"),
                ({"reason": "r"}, 400, "missing_field"),
                ({"rule": "t.none", "reason": "r"}, 404, "unknown_rule"),
                ({"rule": "t.never", "reason": "r"}, 404, "learns_nothing"),
                ({"rule": "t.spike", "reason": "r", "labels": ["x"]}, 400, "wrong_type"),
                ({"rule": "t.spike", "reason": "r", "labels": {"tenant": ""}}, 400, "wrong_type"),
                ({"rule": "t.spike", "reason": "r", "labels": {"x": "y"}}, 400, "unknown_label"),
                (
                    {"rule": "t.spike", "reason": "r", "labels": {"tenant": "t9"}},
                    404,
                    "unknown_keys",
                ),
            ):
                found = await post(world, **body)
                assert (found[0], found[1]["error"]) == (status, word), body
            mine = await world.token("t1-ops", Scope.ACK, tenant="t1")
            assert (await post(world, mine, rule="t.spike", reason="r"))[1]["keys"] == 1
            other = {"rule": "t.spike", "reason": "r", "labels": {"tenant": "t2"}}
            assert (await post(world, mine, **other))[0] == 403

    asyncio.run(story())
