"""The surface of API v2: its paths, its rights, and how everything else is refused."""

import asyncio
import random
from base64 import b64encode
from urllib.parse import quote

import orjson
import pytest

from rulesd.model.errors import StoreError
from rulesd.web.tokens import Scope
from rulesd.web.v2_door import TABLE
from tests.web.fakes import ADMIN
from tests.web.v2_world import UUID, V2Daemon, ask, silence, v2

RIGHTS = {
    ("GET", "/api/v2/status"): "read",
    ("GET", "/api/v2/receivers"): "read",
    ("GET", "/api/v2/alerts"): "read",
    ("POST", "/api/v2/alerts"): "ingest",
    ("GET", "/api/v2/alerts/groups"): "read",
    ("GET", "/api/v2/silences"): "read",
    ("POST", "/api/v2/silences"): "ack",
    ("GET", "/api/v2/silence/{id}"): "read",
    ("DELETE", "/api/v2/silence/{id}"): "ack",
}


def test_the_rights_are_these() -> None:
    found = {(m, path): str(scope) for path, row in TABLE.items() for m, (scope, _) in row.items()}
    assert found == RIGHTS


@pytest.mark.parametrize(("method", "path"), list(RIGHTS))
def test_every_call_wants_its_scope(method: str, path: str) -> None:
    async def story() -> None:
        daemon = V2Daemon()
        daemon.kept = [silence(1)]
        where = path.replace("{id}", f"{UUID}1")
        scope = Scope(RIGHTS[method, path])
        json = {"Content-Type": "application/json"}
        async with v2(daemon) as (world, _):
            async with world.nobody.request(method, where) as response:
                assert response.status == 401
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
                assert (await response.json())["code"] == 401
            others = await world.token(
                "others", *(s for s in Scope if s not in (scope, Scope.ADMIN))
            )
            async with world.nobody.request(method, where, headers=others) as response:
                assert response.status == 403
            right = await world.token("right", scope)
            async with world.nobody.request(method, where, headers=right | json, data=b"[]" if method == "POST" else None) as response:  # fmt: skip
                assert response.status not in (401, 403)

    asyncio.run(story())


def test_basic_authentication_with_the_token_as_password() -> None:
    async def story() -> None:
        async with v2() as (world, _):
            for secret, status in ((ADMIN, 200), ("guess", 401)):
                pair = b64encode(f"prometheus:{secret}".encode()).decode()
                headers = {"Authorization": f"Basic {pair}"}
                async with world.nobody.get("/api/v2/alerts", headers=headers) as response:
                    assert response.status == status

    asyncio.run(story())


def test_what_is_not_there() -> None:
    async def story() -> None:
        async with v2() as (world, _):
            for path in ("/api/v2/nope", "/api/v2", "/api/v2/silence"):
                status, text = await ask(world, "GET", path)
                assert (status, orjson.loads(text)) == (
                    404,
                    {"code": 404, "message": f"path {path} was not found"},
                )
            status, text = await ask(world, "PUT", "/api/v2/alerts")
            assert status == 405
            assert orjson.loads(text)["message"] == "method PUT is not allowed, but [GET,POST] are"
            async with world.admin.delete("/api/v2/status") as response:
                assert (response.status, response.headers["Allow"]) == (405, "GET")

    asyncio.run(story())


def test_version_one_is_gone() -> None:
    async def story() -> None:
        async with v2() as (world, _):
            for method, path in (
                ("GET", "/api/v1/alerts"),
                ("POST", "/api/v1/alerts"),
                ("GET", "/api/v1"),
            ):
                status, text = await ask(world, method, path)
                assert status == 410
                assert "/api/v2" in orjson.loads(text)["error"]

    asyncio.run(story())


def test_head_and_preflight() -> None:
    async def story() -> None:
        async with v2() as (world, _):
            async with world.admin.head("/api/v2/alerts") as response:
                assert response.status == 200
                assert await response.read() == b""
            headers = {"Origin": "http://elsewhere", "Access-Control-Request-Method": "POST"}
            async with world.nobody.options("/api/v2/alerts", headers=headers) as response:
                assert response.status == 200
                assert response.headers["Access-Control-Allow-Methods"] == "GET, POST"
            async with world.admin.get("/api/v2/receivers") as response:
                assert response.headers["Access-Control-Allow-Origin"] == "*"
                assert response.content_type == "application/json"

    asyncio.run(story())


def test_a_page_elsewhere_cannot_use_a_persons_session() -> None:
    async def story() -> None:
        daemon = V2Daemon()
        daemon.kept = [silence(1)]
        async with v2(daemon) as (world, _):
            form = {"token": ADMIN}
            headers = {"Sec-Fetch-Site": "same-origin"}
            async with world.nobody.post(
                "/login", data=form, headers=headers, allow_redirects=False
            ) as response:
                assert response.status in (302, 303)
            async with world.nobody.get("/api/v2/alerts") as response:
                assert response.status == 200
            elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "http://elsewhere"}
            for method, path in (
                ("DELETE", f"/api/v2/silence/{UUID}1"),
                ("POST", "/api/v2/alerts"),
            ):
                async with world.nobody.request(method, path, headers=elsewhere) as response:
                    assert response.status == 403
            assert len(daemon.kept) == 1

    asyncio.run(story())


def test_a_store_that_fails_is_a_503() -> None:
    async def story() -> None:
        async with v2() as (world, daemon):
            daemon.refuse = StoreError("the disk is full")
            status, text = await ask(world, "POST", "/api/v2/alerts", b'[{"labels":{"a":"b"}}]')
            assert status == 503
            assert "disk" not in text

    asyncio.run(story())


ATOMS = [
    '"a"', '""', "1", "null", "true", "[]", "{}", '"\\ud800"', '"\\u0000"', '"0001-01-01T00:00:00Z"', '"%zz"',
    '"9999-12-31T23:59:59-14:00"', '"0001-01-01T00:00:00+14:00"', '"2026-01-05T09:00:00Z"', '"x:y"', "1e400", "-0",
    '"\\u202e"', "18446744073709551616", '{"a":"b"}', '{"":"b"}', '{"a":"\\ud800"}', '{"\\ud800":"x"}', '{"a":null}',
]  # fmt: skip
MARKS = ["a", "=", "~", "!", '"', "\\", "{", "}", ",", "x", "[", "(", "%", "\0", "é", " "]


def test_no_input_is_a_fault_of_ours() -> None:
    chance = random.Random(5)

    def fields(names: str) -> str:
        chosen = chance.sample(names.split(), chance.randint(0, len(names.split())))
        return "{" + ",".join(f'"{name}":{chance.choice(ATOMS)}' for name in chosen) + "}"

    def damaged(text: str) -> bytes:
        body = bytearray(text.encode())
        if chance.random() < 0.1:
            body[chance.randrange(len(body))] = chance.randrange(256)
        return bytes(body)

    async def story() -> None:
        async with v2() as (world, daemon):
            codes: set[int] = set()
            for _ in range(400):
                alerts = f"[{fields('labels annotations startsAt endsAt generatorURL x')}]"
                wish = fields("id startsAt endsAt createdBy comment annotations")
                matchers = f'"matchers":[{fields("name value isRegex isEqual")}]'
                silence = wish[:-1] + ("," if len(wish) > 2 else "") + matchers + "}"
                query = quote("".join(chance.choices(MARKS, k=chance.randint(0, 8))), safe="")
                asked: list[tuple[str, str, bytes | None]] = [
                    ("POST", "/api/v2/alerts", damaged(alerts)),
                    ("POST", "/api/v2/silences", damaged(silence)),
                    ("GET", f"/api/v2/alerts?filter={query}&receiver={query}&active={query}", None),
                    ("GET", f"/api/v2/silences?filter={query}", None),
                    ("GET", f"/api/v2/silence/x{query}", None),
                ]
                for method, path, body in asked:
                    status, text = await ask(world, method, path, body)
                    codes.add(status)
                    assert status < 500, (method, path, body, text)
            assert {200, 400, 422} <= codes
            for one in daemon.posted:  # what was taken can be written down
                orjson.dumps([dict(one.labels), dict(one.annotations), one.generator_url])

    asyncio.run(story())
