"""Hooks that act: a switch, a rollout, a review; limited like a rule, and never twice for one call."""

import asyncio
import base64
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import orjson
import pytest

from rulesd.config.hooks import HookFields
from rulesd.model.decision import ReviewOpened
from rulesd.model.reasons import Reason
from tests.core.plans import event
from tests.model.test_alert import alert
from tests.web.acting import LOCK, HandCrank, acting_daemon
from tests.web.fakes import NOW, World, opened
from tests.web.hooking import SECRETS, call, resolve

ACTS = ["set_switch", "revert_switch", "rollout", "review"]
HOOKS = {
    "act": {"secret": {"env": "PAGER"}, "may": ACTS},
    "github": {
        "secret": {"env": "GITHUB"}, "may": ["submit_event"], "mode": "hmac",
        "signature": {"header": "X-Hub-Signature-256", "prefix": "sha256="},
        "mapping": {
            "type": {"if": [{"var": "deployment.sha"}, "deploy.change"]},
            "data.change_id": {"var": "deployment.sha"},
            "data.kind": "code", "data.to_version": {"var": "deployment.sha"}, "data.stage": "full",
        },
    },
    "ld": {
        "secret": {"env": "GITHUB"}, "may": ["set_switch"], "mode": "hmac",
        "signature": {"header": "X-LD-Signature", "encoding": "base64"},
    },
}  # fmt: skip
PLAIN = "a secret that GitHub and we share"


def known(reference: Any) -> str:
    return PLAIN if reference["env"] == "GITHUB" else resolve(reference)


def story(tell: Callable[[World, HandCrank], Awaitable[None]], **changes: Any) -> None:
    async def run() -> None:
        daemon, crank = acting_daemon(replace(LOCK, **changes))
        daemon.plan.hooks = {
            name: HookFields(**fields).model_dump(mode="json", exclude_none=True)
            for name, fields in HOOKS.items()
        }
        async with opened(daemon, resolve_secret=known) as world:
            await tell(world, crank)

    asyncio.run(run())


async def act(world: World, name: str, **body: Any) -> tuple[int, dict[str, Any]]:
    return (await call(world, "act", body, name=name))[:2]


WISH = {"operation": "set_switch", "switch": "tool.shell.enabled", "labels": {"tenant": "acme"}}


def test_a_switch_is_set_once_for_one_call_and_lifted_again() -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        status, said = await act(world, "1", **WISH, by="argo", ttl="10m")
        assert (status, said["result"]) == (200, "switch_set")
        (one,) = crank.engine.switches.open.values()
        assert (one.by, one.origin, one.reason) == (
            "argo (hook act)",
            "hook:act",
            "by the hook act",
        )
        assert (await act(world, "1", **WISH))[1] == {"result": "already"}
        again = await act(world, "2", **WISH)
        assert again[1]["result"] == "end_moved"
        wrong = await act(world, "3", operation="revert_switch")
        assert (wrong[0], wrong[1]["error"]) == (400, "missing_field")
        other = {"operation": "revert_switch", "switch": "lock_tool", "labels": {"tenant": "b"}}
        assert (await act(world, "4", **other))[1]["result"] == "nothing_to_do"
        over = await act(world, "5", operation="revert_switch", setting=one.id)
        assert over[1] == {"result": "done", "settings": [one.id]}

    story(tell)


def test_a_hook_asks_that_somebody_looks() -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        crank.engine.reviews._alert_of = {"a1": alert(alert="a1")}.get
        ask = {"operation": "review", "act": "open", "alert": "a1", "note": "odd"}
        status, said = await act(world, "1", **ask)
        assert (status, list(crank.engine.reviews.open)) == (200, [said["review"]])
        assert (await act(world, "2", **ask))[1]["review"] == said["review"]
        assert (await act(world, "3", **{**ask, "alert": "a9"}))[1]["result"] == "nothing_to_do"

    story(tell)


def test_a_hook_that_reverts_one_key_leaves_its_others() -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        await act(world, "1", **WISH)
        await act(world, "2", **{**WISH, "switch": "tool.sql.enabled"})
        over = {"operation": "revert_switch", "switch": "tool.shell.enabled"}
        assert (await act(world, "3", **over))[1]["result"] == "done"
        assert [s.key for s in crank.engine.switches.open.values()] == ["tool.sql.enabled"]

    story(tell)


def test_a_hook_reverts_only_what_it_has_set() -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        body = {"reason": "exercise", "labels": {"tenant": "acme"}}
        async with world.admin.put("/v1/switches/tool.shell.enabled", json=body) as response:
            assert response.status == 200
        wish = {"operation": "revert_switch", "switch": "tool.shell.enabled"}
        assert (await act(world, "1", **wish))[1]["result"] == "nothing_to_do"
        assert len(crank.engine.switches.open) == 1

    story(tell)


@pytest.mark.parametrize(
    ("changes", "wish", "error"),
    [
        ({"may_set": ("people",)}, {}, "refused_origin"),
        ({}, {"value": 3}, "refused_value"),
        ({}, {"switch": "nothing"}, "unknown_switch"),
        ({"allow": {"tenant": ("globex",)}}, {}, "refused_scope"),
    ],
)
def test_it_is_limited_like_a_rule(
    changes: dict[str, Any], wish: dict[str, Any], error: str
) -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        assert (await act(world, "1", **{**WISH, **wish}))[1]["error"] == error
        assert crank.engine.switches.open == {}

    story(tell, **changes)


def test_a_rollout_and_a_review() -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        made = event("d", NOW, type_="deploy.change", tenant="", change_id="c1", to_version="m2")
        crank.engine.receive(made, NOW)
        for name, wish, result in (
            ("1", {"change": "c1", "act": "signoff"}, "done"),
            ("2", {"change": "c1"}, "done"),
            ("3", {"change": "c9"}, "nothing_to_do"),
        ):
            assert (await act(world, name, operation="rollout", **wish))[1]["result"] == result
        assert crank.engine.rollouts.closed[0].signed_by == "hook act"
        bad = await act(world, "4", operation="rollout", change="c1", act="fly")
        assert bad[1]["error"] == "invalid_value"
        opened_ = ReviewOpened(at=NOW, reason=Reason.SAMPLED, review="r1", alert=alert())
        crank.engine.reviews.follow(opened_, NOW, [])
        for name, wish, said in (
            ("5", {"verdict": "odd"}, ("error", "invalid_value")),
            ("6", {"verdict": "harm"}, ("error", "missing_field")),
            ("7", {"verdict": "fixed", "review": "r9"}, ("result", "nothing_to_do")),
            ("8", {"verdict": "fixed", "alert": "a1"}, ("result", "done")),
            ("9", {"verdict": "fixed", "review": "r1"}, ("result", "nothing_to_do")),
        ):
            answer = (await act(world, name, operation="review", **wish))[1]
            assert answer[said[0]] == said[1]

    story(tell)


def test_a_hook_begins_a_watch_without_being_allowed_other_events() -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        wish = {
            "operation": "rollout",
            "act": "start",
            "change": "c7",
            "kind": "model",
            "to_version": "m3",
        }
        assert await act(world, "1", **wish, tenant="acme") == (200, {"result": "done"})
        (made,) = world.daemon.intake.events
        assert (made.type, made.tenant) == ("deploy.change", "acme")
        assert made.document["data"] == {
            "change_id": "c7",
            "kind": "model",
            "to_version": "m3",
            "stage": "start",
        }
        bare = await act(world, "2", operation="rollout", act="start")
        assert (bare[0], bare[1]["error"]) == (400, "missing_field")
        other = await act(world, "3", operation="submit_event", type="tool.call")
        assert other[0] == 403

    story(tell)


def test_github_reports_a_deploy_and_a_forged_or_repeated_call_does_nothing() -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        body = orjson.dumps({"deployment": {"sha": "abc123"}})
        digest = hmac.new(PLAIN.encode(), body, sha256).hexdigest()

        async def send(signature: str) -> tuple[int, dict[str, Any]]:
            headers = {"X-Hub-Signature-256": signature, "X-GitHub-Delivery": "1"}
            async with world.nobody.post("/hooks/github", data=body, headers=headers) as response:
                return response.status, await response.json()

        assert (await send("sha256=" + "0" * 64))[0] == 401
        assert (await send(""))[0] == 401
        assert await send(f"sha256={digest}") == (200, {"result": "done"})
        assert await send(f"sha256={digest}") == (200, {"result": "already"})
        (one,) = world.daemon.intake.events
        assert one.type == "deploy.change"
        assert one.document["data"]["change_id"] == "abc123"  # type: ignore[index, call-overload]
        body = b'{"zen": "Keep it logically awesome.", "hook_id": 1}'
        ping = "sha256=" + hmac.new(PLAIN.encode(), body, sha256).hexdigest()
        assert await send(ping) == (200, {"result": "nothing_to_do"})
        assert len(world.daemon.intake.events) == 1

    story(tell)


def test_a_signature_in_base64() -> None:
    async def tell(world: World, crank: HandCrank) -> None:
        body = orjson.dumps(WISH)
        made = hmac.new(PLAIN.encode(), body, sha256).digest()
        headers = {"X-LD-Signature": base64.b64encode(made).decode()}
        async with world.nobody.post("/hooks/ld", data=body, headers=headers) as response:
            assert (await response.json())["result"] == "switch_set"

    story(tell)


def test_secrets_of_the_tests_are_told_apart() -> None:
    assert PLAIN not in SECRETS.values()
