"""Silences over HTTP, against the real engine, crank and store."""

from collections.abc import Awaitable, Callable
from typing import Any

import jsonschema
import pytest

from rulesd.model.instant import HOUR, MINUTE
from rulesd.runners.crank import Crank
from rulesd.web.openapi import document
from rulesd.web.silences import author
from rulesd.web.tokens import Scope, Token
from tests.core.plans import T0
from tests.runners.room import Room, denied, in_room, out_of_scope
from tests.runners.test_silencing import PLAN
from tests.web.fakes import World, opened

DOCUMENT: Any = document("1")
ACME = {"matchers": ['tenant="acme"'], "for": "1h", "comment": "planned"}
NAMED = ['tenant="acme"', 'alertname="tool.denied"']


class Caller:
    """Calls with one token; every answer is as the interface document says."""

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
        self._as_described(method, path.partition("?")[0], status, said)
        return said

    @staticmethod
    def _as_described(method: str, path: str, status: int, said: Any) -> None:
        parts = path.split("/")
        if len(parts) > 3 and parts[3] != "preview":
            parts[3] = "{id}"
        responses = DOCUMENT["paths"]["/".join(parts)][method.lower()]["responses"]
        response = responses[str(status)]
        if "$ref" in response:
            response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
        schema = response["content"]["application/json"]["schema"]
        whole = {**schema, "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(whole).validate(said)


Story = Callable[[Room, Caller, World], Awaitable[None]]


def tell(story: Story) -> Room:
    async def run(room: Room) -> None:
        async with opened(room.daemon) as world:  # type: ignore[arg-type]
            await story(room, Caller(world, dict(world.admin.headers)), world)

    return in_room(run, made=PLAN)


def forward(room: Room, milliseconds: int) -> None:
    room.clock.at += milliseconds
    assert isinstance(room.crank, Crank)
    room.crank._wake()


def test_the_life_of_a_silence() -> None:
    async def story(room: Room, call: Caller, world: World) -> None:
        body = {**ACME, "by": "ana", "annotations": {"ticket": "OPS-1"}}
        id_ = (await call("POST", "/v1/silences", body))["id"]
        one = await call("GET", f"/v1/silences/{id_}")
        assert one["created_by"] == "ana (admin)"
        assert (one["state"], one["hid_nothing"]) == ("active", False)
        same = await call("PUT", f"/v1/silences/{id_}", {"for": "2h", "by": "bo"})
        assert same == {"id": id_, "replaced": None}
        other = await call("PUT", f"/v1/silences/{id_}", {"matchers": NAMED})
        assert other["replaced"] == id_
        assert await call("POST", f"/v1/silences/{other['id']}/expire") == {
            "id": other["id"],
            "result": "done",
        }
        again = await call("POST", f"/v1/silences/{other['id']}/expire", {"by": "cy"})
        assert again["result"] == "already"
        one = await call("GET", f"/v1/silences/{id_}")
        assert [(a["by"], a["did"]) for a in one["history"]] == [
            ("ana (admin)", "created"),
            ("bo (admin)", "updated"),
            ("admin", "expired"),
        ]
        assert one["hid_nothing"]
        listed = await call("GET", "/v1/silences?state=expired")
        assert {s["id"] for s in listed["silences"]} == {id_, other["id"]}
        assert (await call("GET", "/v1/silences?state=active"))["silences"] == []
        listed = await call("GET", "/v1/silences?limit=1")
        assert (len(listed["silences"]), listed["more"]) == (1, 1)
        for bad in ("0", "-1", "many", "10001", "1" * 500):
            await call("GET", f"/v1/silences?limit={bad}", status=400)
        assert (await call("GET", "/v1/silences?created_by=nobody"))["silences"] == []

    kinds = tell(story).kinds()
    assert [k for k in kinds if "silence" in k] == [
        "silence", "silence", "unsilence", "silence", "unsilence",
    ]  # fmt: skip


def test_it_can_be_tried_first() -> None:
    async def story(room: Room, call: Caller, world: World) -> None:
        await room.send(*[denied(n) for n in range(3)], out_of_scope("x"))
        forward(room, MINUTE)
        tried = await call("POST", "/v1/silences", {**ACME, "dry_run": True})
        assert tried["dry_run"] is True
        preview = tried["preview"]
        assert (preview["pages"], preview["not_applied"]) == (1, 1)
        assert [(s["rule"], s["owner"], s["pages"]) for s in preview["shares"]] == [
            ("tool.denied", "safety", 1)
        ]
        example = preview["shares"][0]["examples"][0]
        assert example["labels"]["tenant"] == "acme"
        assert preview["now"] == {"tool.denied": 1}
        assert preview == await call("POST", "/v1/silences/preview", ACME)
        only = await call("POST", "/v1/silences/preview", {"matchers": NAMED, "last": "1h"})
        assert (only["pages"], only["not_applied"]) == (1, 0)
        none = await call("POST", "/v1/silences/preview", {"matchers": ['tenant="x"'], "for": "5m"})
        assert none["pages"] == 0
        assert (await call("GET", "/v1/silences"))["silences"] == []
        id_ = (await call("POST", "/v1/silences", ACME))["id"]
        assert (await call("POST", "/v1/silences/preview", {"id": id_}))["pages"] == 1
        tried = await call("PUT", f"/v1/silences/{id_}", {"matchers": NAMED, "dry_run": True})
        assert tried["preview"]["not_applied"] == 0
        assert (await call("GET", f"/v1/silences/{id_}"))["matchers"] == ['tenant="acme"']

    tell(story)


def test_a_second_person() -> None:
    async def story(room: Room, call: Caller, world: World) -> None:
        ops = Caller(world, await world.token("ops", Scope.ACK, Scope.READ))
        jo = Caller(world, await world.token("jo", Scope.ACK, Scope.READ))
        id_ = (await ops("POST", "/v1/silences", {**ACME, "by": "ana"}))["id"]
        path = f"/v1/silences/{id_}/approve"
        # A name in the body is only a claim, unless an administrator's token makes it.
        refused = await ops("POST", path, {"by": "kim"}, status=403)
        assert refused["error"] == "approver_is_author"
        refused = await call("POST", path, {"by": "Ana"}, status=403)
        assert "Ask somebody else" in refused["message"]
        assert (await jo("POST", path, {}))["result"] == "done"
        assert (await jo("POST", path, {}))["result"] == "already"
        one = await jo("GET", f"/v1/silences/{id_}")
        assert (one["approved_by"], one["holds_back_never"]) == ("jo", True)
        await room.send(out_of_scope("x"))
        assert room.courier.rows == []

    tell(story)


def test_whoever_asks_is_on_record() -> None:
    admin = Token(name="admin", scopes=frozenset(Scope), digest="")
    ops = Token(name="ops", scopes=frozenset({Scope.ACK}), digest="")
    assert [author("ana", admin), author("", admin), author("ana", ops)] == [
        "ana (admin)",
        "admin",
        "ops",
    ]


def test_a_tenants_token_silences_its_own_alerts_only() -> None:
    async def story(room: Room, call: Caller, world: World) -> None:
        acme = Caller(world, await world.token("acme", Scope.ACK, Scope.READ, tenant="acme"))
        theirs = (await call("POST", "/v1/silences", {**ACME, "matchers": ['tool="x"']}))["id"]
        for bad in (['tool="x"'], ['tenant="globex"'], ['tenant=~"acme"'], ['tenant!="acme"']):
            refused = await acme("POST", "/v1/silences", {**ACME, "matchers": bad}, status=403)
            assert 'Add the matcher tenant="acme"' in refused["message"]
            await acme("POST", "/v1/silences/preview", {"matchers": bad}, status=403)
        mine = (await acme("POST", "/v1/silences", ACME))["id"]
        assert [s["id"] for s in (await acme("GET", "/v1/silences"))["silences"]] == [mine]
        await acme("GET", f"/v1/silences/{theirs}", status=404)
        await acme("PUT", f"/v1/silences/{theirs}", {"for": "2h"}, status=404)
        await acme("POST", f"/v1/silences/{theirs}/expire", {}, status=404)
        await acme("POST", f"/v1/silences/{theirs}/approve", {}, status=404)
        await acme("POST", "/v1/silences/preview", {"id": theirs}, status=404)
        await acme("PUT", f"/v1/silences/{mine}", {"matchers": ['tool="x"']}, status=403)
        assert len((await call("GET", "/v1/silences"))["silences"]) == 2

    tell(story)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({**ACME, "matchers": []}, "missing_field"),
        ({**ACME, "matchers": ['tenant=~".*"']}, "invalid_silence"),
        ({**ACME, "matchers": ['tenant=""']}, "invalid_silence"),
        ({**ACME, "matchers": ['tenant=~"("']}, "invalid_matcher"),
        (
            {**ACME, "for": "0s"},
            "start_not_before_end",
        ),
        (
            {
                "matchers": ACME["matchers"],
                "comment": "x",
                "starts_at": "2020-01-01T00:00:00Z",
                "ends_at": "2020-01-02T00:00:00Z",
            },
            "end_in_past",
        ),
        (
            {
                "matchers": ACME["matchers"],
                "comment": "x",
                "starts_at": "2030-01-02T00:00:00Z",
                "ends_at": "2030-01-01T00:00:00Z",
            },
            "start_not_before_end",
        ),
        ({**ACME, "windows": {"cron": "nightly", "lasts": "1h"}}, "invalid_silence"),
        ({**ACME, "nope": 1}, "unknown_field"),
    ],
)
def test_bad_bodies(body: dict[str, Any], error: str) -> None:
    async def story(room: Room, call: Caller, world: World) -> None:
        refused = await call("POST", "/v1/silences", body, status=400)
        assert refused["error"] == error
        assert "Failed to" not in refused["message"]

    assert tell(story).kinds() == ["plan"]


def test_unknown_ids_late_approvals_and_long_silences() -> None:
    async def story(room: Room, call: Caller, world: World) -> None:
        for method, path in (
            ("GET", "nobody"),
            ("PUT", "nobody"),
            ("POST", "nobody/expire"),
            ("POST", "nobody/approve"),
        ):
            refused = await call(method, f"/v1/silences/{path}", {}, status=404)
            assert refused["error"] == "unknown_silence"
        long = (await call("POST", "/v1/silences", {**ACME, "for": "5h", "by": "ana"}))["id"]
        refused = await call("POST", f"/v1/silences/{long}/approve", {"by": "jo"}, status=409)
        assert refused["error"] == "too_long_to_approve"
        await call("POST", f"/v1/silences/{long}/expire")
        refused = await call("POST", f"/v1/silences/{long}/approve", {"by": "jo"}, status=409)
        assert refused["error"] == "silence_expired"
        refused = await call("POST", "/v1/silences/preview", {**ACME, "last": "1y"}, status=400)
        assert refused["error"] == "out_of_range"
        room.clock.at = T0 + HOUR

    tell(story)


def test_only_who_may() -> None:
    async def story(room: Room, call: Caller, world: World) -> None:
        reader = Caller(world, await world.token("reader", Scope.READ))
        sender = Caller(world, await world.token("sender", Scope.INGEST))
        await reader("POST", "/v1/silences", ACME, status=403)
        await sender("GET", "/v1/silences", status=403)
        await reader("POST", "/v1/silences/preview", ACME)
        await Caller(world, {})("GET", "/v1/silences", status=401)

    tell(story)
