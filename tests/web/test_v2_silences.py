"""Silences over API v2."""

import asyncio
from typing import Any

import orjson
import pytest

from rulesd.model.silence import SilenceMatcher
from rulesd.ports.silences import SilenceRefusal, SilenceResult
from rulesd.web.tokens import Scope
from tests.web.fakes import NOW
from tests.web.v2_world import UUID, V2Daemon, ask, silence, v2

PATH = "/api/v2/silences"
GOOD = {
    "matchers": [{"name": "alertname", "value": "A1", "isRegex": False}],
    "startsAt": "2026-01-05T08:00:00Z",
    "endsAt": "2026-01-05T10:00:00Z",
    "createdBy": "jane",
    "comment": "why",
}


def asked(
    method: str, path: str, body: Any = None, daemon: V2Daemon | None = None
) -> tuple[int, str, V2Daemon]:
    async def story() -> tuple[int, str, V2Daemon]:
        async with v2(daemon) as (world, made):
            text = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
            status, said = await ask(world, method, path, text)
            return status, said, made

    return asyncio.run(story())


def without(*names: str, **changes: Any) -> dict[str, Any]:
    return {k: v for k, v in (GOOD | changes).items() if k not in names}


def test_make_one() -> None:
    status, said, daemon = asked("POST", PATH, GOOD | {"annotations": {"ticket": "T-1"}})
    assert (status, orjson.loads(said)) == (200, {"silenceID": f"{UUID}0"})
    (made,) = daemon.kept
    assert made.matchers == (SilenceMatcher(name="alertname", value="A1", is_equal=True),)
    assert (made.starts_at, made.ends_at) == (NOW - 3_600_000, NOW + 3_600_000)
    assert (made.created_by, made.comment, made.annotations) == ("jane", "why", {"ticket": "T-1"})
    assert daemon.by == ["jane (admin)"]


def test_kinds_of_matchers() -> None:
    matchers = [
        {"name": "a", "value": "b", "isRegex": True, "isEqual": False},
        {"name": "c", "value": "", "isRegex": False},
    ]
    _, _, daemon = asked("POST", PATH, GOOD | {"matchers": matchers, "createdBy": ""})
    assert daemon.kept[0].matchers == (
        SilenceMatcher(name="a", value="b", is_regex=True, is_equal=False),
        SilenceMatcher(name="c", value=""),
    )
    assert daemon.by == ["admin"]


def test_change_one() -> None:
    daemon = V2Daemon()
    daemon.kept = [silence(3)]
    status, said, _ = asked("POST", PATH, GOOD | {"id": f"{UUID}3", "comment": "longer"}, daemon)
    assert (status, orjson.loads(said)) == (200, {"silenceID": f"{UUID}3"})
    assert [one.comment for one in daemon.kept] == ["longer"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 422, {"code": 602, "message": "silence in body is required"}),
        ({}, 422, {"code": 602, "message": "comment in body is required"}),
        (b"null", 422, {"code": 602, "message": "comment in body is required"}),
        (without("comment"), 422, {"code": 602, "message": "comment in body is required"}),
        (without("createdBy"), 422, {"code": 602, "message": "createdBy in body is required"}),
        (without("endsAt"), 422, {"code": 602, "message": "endsAt in body is required"}),
        (without("startsAt"), 422, {"code": 602, "message": "startsAt in body is required"}),
        (without("matchers"), 422, {"code": 602, "message": "matchers in body is required"}),
        (without(matchers=[]), 422, {"code": 612, "message": "matchers in body should have at least 1 items"}),
        (without(matchers=[{"name": "a", "value": "b"}]), 422, {"code": 602, "message": "matchers.0.isRegex in body is required"}),
        (without(matchers=[{"name": "a", "isRegex": False}]), 422, {"code": 602, "message": "matchers.0.value in body is required"}),
        (without(matchers=[{"value": "a", "isRegex": False}]), 422, {"code": 602, "message": "matchers.0.name in body is required"}),
        (without(id="nope"), 404, "silence not found"),
        (without(id=UUID + "9"), 404, "silence not found"),
    ],
)  # fmt: skip
def test_what_is_refused_in_alertmanagers_words(body: Any, status: int, said: Any) -> None:
    got, text, daemon = asked("POST", PATH, body)
    assert (got, orjson.loads(text)) == (status, said)
    assert daemon.kept == []


@pytest.mark.parametrize(
    "body", [b"[]", b"x", b'{"matchers":5}', without(startsAt="noon"), b'{"id":"\xff"}']
)
def test_what_cannot_be_read(body: Any) -> None:
    status, text, _ = asked("POST", PATH, body)
    said = orjson.loads(text)
    assert (status, said["code"]) == (400, 400)
    assert said["message"].startswith('parsing silence body from "" failed, because ')


@pytest.mark.parametrize(
    ("refused", "status"),
    [(SilenceRefusal.PAST, 400), (SilenceRefusal.UNKNOWN, 404), (SilenceRefusal.LIMIT, 400)],
)
def test_what_the_daemon_refuses(refused: SilenceRefusal, status: int) -> None:
    daemon = V2Daemon()
    daemon.refused = SilenceResult(refused=refused, message="said so")
    assert asked("POST", PATH, GOOD, daemon)[:2] == (status, '"said so"')


def test_bodies_have_limits_and_a_type() -> None:
    async def story() -> None:
        async with v2() as (world, _):
            for headers, status in (
                ({"Content-Type": "text/plain"}, 415),
                ({"Content-Encoding": "br"}, 400),
            ):
                assert (await ask(world, "POST", PATH, orjson.dumps(GOOD), **headers))[0] == status
            large = orjson.dumps(GOOD | {"comment": "x" * 70_000})
            assert (await ask(world, "POST", PATH, large))[0] == 413

    asyncio.run(story())


def test_the_list() -> None:
    daemon = V2Daemon()
    daemon.kept = [
        silence(1, ends_at=NOW - 50),
        silence(2, ends_at=NOW - 10),
        silence(3, starts_at=NOW + 50),
        silence(4, starts_at=NOW + 10),
        silence(5, ends_at=NOW + 900),
        silence(6, ends_at=NOW + 100, annotations={"ticket": "T"}, matchers=(SilenceMatcher(name="a", value="b", is_regex=True),)),
    ]  # fmt: skip
    status, text, _ = asked("GET", PATH, daemon=daemon)
    listed = orjson.loads(text)
    assert status == 200
    assert [(one["id"][-1], one["status"]["state"]) for one in listed] == [
        ("6", "active"), ("5", "active"), ("4", "pending"), ("3", "pending"), ("2", "expired"), ("1", "expired"),
    ]  # fmt: skip
    assert listed[0] == {
        "id": f"{UUID}6",
        "status": {"state": "active"},
        "updatedAt": "2026-01-05T08:59:59.000Z",
        "comment": "why",
        "createdBy": "jane",
        "endsAt": "2026-01-05T09:00:00.100Z",
        "matchers": [{"isEqual": True, "isRegex": True, "name": "a", "value": "b"}],
        "startsAt": "2026-01-05T08:59:59.000Z",
        "annotations": {"ticket": "T"},
    }
    assert len(orjson.loads(asked("GET", f"{PATH}?filter=alertname%3DA1", daemon=daemon)[1])) == 5
    assert orjson.loads(asked("GET", f"{PATH}?filter=alertname%3DA2", daemon=daemon)[1]) == []
    assert asked("GET", f"{PATH}?filter=a")[:2] == (400, '"bad matcher format: a"')


def test_one_silence() -> None:
    daemon = V2Daemon()
    daemon.kept = [silence(1)]
    status, text, _ = asked("GET", f"/api/v2/silence/{UUID}1", daemon=daemon)
    assert (status, orjson.loads(text)["id"]) == (200, f"{UUID}1")
    assert asked("GET", f"/api/v2/silence/{UUID}2", daemon=daemon)[:2] == (404, "")
    wrong = {"code": 601, "message": 'silenceID in path must be of type uuid: "nope"'}
    for method in ("GET", "DELETE"):
        status, text, _ = asked(method, "/api/v2/silence/nope")
        assert (status, orjson.loads(text)) == (422, wrong)


def test_end_one() -> None:
    daemon = V2Daemon()
    daemon.kept = [silence(1)]
    assert asked("DELETE", f"/api/v2/silence/{UUID}1", daemon=daemon)[:2] == (200, "")
    assert daemon.by == ["admin"]
    assert asked("DELETE", f"/api/v2/silence/{UUID}2", daemon=daemon)[:2] == (
        500,
        '"silence not found"',
    )


def test_a_tenant_silences_itself_alone() -> None:
    async def story() -> None:
        daemon = V2Daemon()
        own = SilenceMatcher(name="tenant", value="acme")
        daemon.kept = [silence(1), silence(2, matchers=(own, *silence().matchers))]
        async with v2(daemon) as (world, _):
            headers = await world.token("acme", Scope.READ, Scope.ACK, tenant="acme")

            async def status(method: str, path: str, **body: Any) -> int:
                given = {"json": body} if body else {}
                async with world.nobody.request(method, path, headers=headers, **given) as response:
                    return response.status

            async with world.nobody.get(PATH, headers=headers) as response:
                assert [one["id"][-1] for one in await response.json()] == ["2"]
            assert await status("GET", f"/api/v2/silence/{UUID}1") == 404
            assert await status("DELETE", f"/api/v2/silence/{UUID}1") == 500
            assert await status("POST", PATH, **GOOD, id=f"{UUID}1") == 404
            assert await status("POST", PATH, **GOOD) == 200
            assert own in daemon.kept[-1].matchers
            assert await status("POST", PATH, **(GOOD | {"matchers": [{"name": "tenant", "value": "acme", "isRegex": False}]})) == 200  # fmt: skip
            assert daemon.kept[-1].matchers == (own,)
            assert await status("DELETE", f"/api/v2/silence/{UUID}2") == 200

    asyncio.run(story())
