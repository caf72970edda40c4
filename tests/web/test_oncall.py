"""On call over HTTP, against the real engine and crank; every answer is as the interface document says."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from rulesd.web.openapi import document
from rulesd.web.tokens import Scope
from tests.core.crew import crew, shifts
from tests.core.plans import rule
from tests.runners.room import Room, in_room
from tests.web.fakes import World, opened

DOCUMENT: Any = document("1")
BERLIN = replace(shifts("anna", "ben"), zone="Europe/Berlin")
PLAN = crew(rule("tool.scope"), schedule="main", schedules={"main": BERLIN})
BEN = {"schedule": "main", "person": "ben", "for": "8h", "reason": "anna is ill"}


class Caller:
    """Calls with one token."""

    def __init__(self, world: World, headers: dict[str, str]) -> None:
        self.world, self.headers = world, headers

    async def __call__(
        self, method: str, path: str, body: Any = None, *, status: int = 200
    ) -> dict[str, Any]:
        async with self.world.nobody.request(
            method, path, json=body, headers=self.headers
        ) as response:
            said: dict[str, Any] = await response.json()
            assert response.status == status, said
        parts = path.partition("?")[0].split("/")
        if len(parts) > 4:
            parts[4] = "{id}"
        found = DOCUMENT["paths"]["/".join(parts)][method.lower()]["responses"][str(status)]
        if "$ref" in found:
            found = DOCUMENT["components"]["responses"][found["$ref"].rpartition("/")[2]]
        schema = found["content"]["application/json"]["schema"]
        whole = {**schema, "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(whole).validate(said)
        return said


Story = Callable[[Room, Caller, World], Awaitable[None]]


def tell(story: Story) -> Room:
    async def run(room: Room) -> None:
        async with opened(room.daemon) as world:  # type: ignore[arg-type]
            await story(room, Caller(world, dict(world.admin.headers)), world)

    return in_room(run, made=PLAN)


def test_the_life_of_an_override() -> None:
    async def story(room: Room, call: Caller, world: World) -> None:
        (before,) = (await call("GET", "/v1/oncall"))["schedules"]
        assert (before["people"], before["override"], before["owners"]) == (
            ["anna"],
            None,
            ["safety"],
        )
        done = await call("POST", "/v1/oncall/overrides", {**BEN, "by": "jo"})
        made = done["override"]
        assert done["result"] == "done"
        assert (made["people"], made["state"], made["by"]) == (["ben"], "active", "jo (admin)")
        assert (made["from"], made["until"]) == (
            "2026-01-05T08:00:00.000Z", "2026-01-05T16:00:00.000Z",
        )  # fmt: skip
        assert (await call("POST", "/v1/oncall/overrides", BEN))["result"] == "already"
        (now,) = (await call("GET", "/v1/oncall?schedule=main"))["schedules"]
        assert (now["people"], now["override"]) == (["ben"], made["id"])
        assert now["until"] == made["until"]
        assert (await call("GET", "/v1/oncall/overrides"))["overrides"] == [made]
        gone = await call("DELETE", f"/v1/oncall/overrides/{made['id']}?by=jo")
        assert gone == {"id": made["id"], "result": "done"}
        assert (await call("GET", "/v1/oncall/overrides"))["overrides"] == []
        again = await call("DELETE", f"/v1/oncall/overrides/{made['id']}", status=404)
        assert again["error"] == "unknown_override"

    room = tell(story)
    (row,) = [row for _, row in room.store.tail(0) if row.kind == "oncall_removed"]
    assert b'"jo (admin)"' in row.payload


def test_times_are_on_the_schedules_wall_clock_unless_they_say_otherwise() -> None:
    async def story(room: Room, call: Caller, world: World) -> None:
        path = "/v1/oncall/overrides"
        local = {**BEN, "from": "2026-01-06T09:00", "until": "2026-01-06T17:00"}
        local.pop("for")
        made = (await call("POST", path, local))["override"]
        assert (made["from"], made["state"]) == ("2026-01-06T08:00:00.000Z", "pending")
        other = {
            **BEN,
            "from": "2026-01-07T09:00:00Z",
            "for": "1h",
            "person": ["ben", "anna", "ben"],
        }
        made = (await call("POST", path, other))["override"]
        assert (made["until"], made["people"]) == ("2026-01-07T10:00:00.000Z", ["ben", "anna"])
        at = await call("GET", "/v1/oncall?schedule=main&at=2026-01-06T09:30")
        assert at["at"] == "2026-01-06T08:30:00.000Z"
        assert at["schedules"][0]["people"] == ["ben"]
        at = await call("GET", "/v1/oncall?at=2026-01-06T07:30:00%2B01:00")
        assert at["schedules"][0]["override"] is None

    tell(story)


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"schedule": "gone"}, 404, "unknown_schedule"),
        ({"schedule": ""}, 400, "missing_field"),
        ({"person": "stranger"}, 404, "unknown_person"),
        ({"person": "nemo"}, 409, "person_without_receiver"),
        ({"person": []}, 400, "missing_field"),
        ({"person": None}, 400, "missing_field"),
        ({"person": [3]}, 400, "wrong_type"),
        ({"person": ["b"] * 21}, 400, "missing_field"),
        ({"reason": ""}, 400, "missing_field"),
        ({"until": "2026-01-06T09:00"}, 400, "missing_field"),
        ({"for": "soon"}, 400, "invalid_duration"),
        ({"for": "400d"}, 400, "too_long"),
        ({"from": "tomorrow"}, 400, "invalid_time"),
        ({"from": "2026-13-01T09:00:00Z"}, 400, "invalid_time"),
        ({"from": "2026-01-06"}, 400, "invalid_time"),
        ({"who": "ben"}, 400, "unknown_field"),
    ],
)
def test_bad_bodies(changes: dict[str, Any], status: int, error: str) -> None:
    async def story(room: Room, call: Caller, world: World) -> None:
        refused = await call("POST", "/v1/oncall/overrides", {**BEN, **changes}, status=status)
        assert refused["error"] == error

    assert "oncall_override" not in tell(story).kinds()


def test_an_end_in_the_past_and_no_end() -> None:
    async def story(room: Room, call: Caller, world: World) -> None:
        bare = {k: v for k, v in BEN.items() if k != "for"}
        refused = await call("POST", "/v1/oncall/overrides", bare, status=400)
        assert "until" in refused["message"]
        past = {**bare, "until": "2026-01-05T08:00:00Z"}
        refused = await call("POST", "/v1/oncall/overrides", past, status=400)
        assert refused["error"] == "end_in_past"
        refused = await call("GET", "/v1/oncall?schedule=gone", status=404)
        assert refused["message"].endswith("There are: main")
        assert (await call("GET", "/v1/oncall?at=x", status=400))["error"] == "invalid_time"

    tell(story)


def test_only_who_may() -> None:
    async def story(room: Room, call: Caller, world: World) -> None:
        reader = Caller(world, await world.token("reader", Scope.READ))
        acme = Caller(world, await world.token("acme", Scope.READ, Scope.ACK, tenant="acme"))
        sender = Caller(world, await world.token("sender", Scope.INGEST))
        await reader("GET", "/v1/oncall")
        await reader("POST", "/v1/oncall/overrides", BEN, status=403)
        await reader("DELETE", "/v1/oncall/overrides/x", status=403)
        await sender("GET", "/v1/oncall", status=403)
        # People are not a tenant's.
        for method, path in (
            ("GET", "/v1/oncall"),
            ("GET", "/v1/oncall/overrides"),
            ("POST", "/v1/oncall/overrides"),
            ("DELETE", "/v1/oncall/overrides/x"),
        ):
            await acme(method, path, BEN if method == "POST" else None, status=403)
        await Caller(world, {})("GET", "/v1/oncall", status=401)

    tell(story)
