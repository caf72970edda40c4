"""``POST /v1/events``: what is answered, and when."""

import asyncio
import gzip
from typing import Any

import orjson
import pytest

from rulesd.model.errors import StoreError
from rulesd.web.tokens import Scope
from tests.web.fakes import World, opened

ONE = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json; charset=utf-8"}
LINES = {"Content-Type": "application/x-ndjson"}


def event(name: str, **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": name, "source": "s", "type": "tool.call", **more}


def lines(count: int, start: int = 0) -> bytes:
    return b"".join(orjson.dumps(event(str(n))) + b"\n" for n in range(start, start + count))


async def post(world: World, body: bytes, headers: dict[str, str]) -> tuple[int, Any, Any]:
    async with world.admin.post("/v1/events", data=body, headers=headers) as response:
        return response.status, await response.json(), response.headers


def test_the_forms_of_a_body() -> None:
    async def story() -> None:
        async with opened() as world:
            status, body, _ = await post(world, orjson.dumps(event("1")), ONE)
            assert (status, body) == (202, {"accepted": 1, "duplicates": 0, "rejected": []})
            status, body, _ = await post(world, orjson.dumps([event("1"), event("2")]), BATCH)
            assert (status, body) == (202, {"accepted": 1, "duplicates": 1, "rejected": []})
            status, body, _ = await post(world, lines(3, 10), LINES)
            assert (status, body) == (202, {"accepted": 3, "duplicates": 0, "rejected": []})
            zipped = {**LINES, "Content-Encoding": "gzip"}
            status, body, _ = await post(world, gzip.compress(lines(3, 20)), zipped)
            assert (status, body["accepted"]) == (202, 3)
            assert set(world.daemon.intake.sources) == {"http"}
            assert world.count("rulesd_event_notices_total", notice="time_missing") == 9

    asyncio.run(story())


def test_bad_events() -> None:
    async def story() -> None:
        async with opened() as world:
            status, body, _ = await post(world, b"{nonsense", ONE)
            assert status == 400
            assert body == {
                "accepted": 0,
                "duplicates": 0,
                "rejected": [
                    {
                        "index": 0,
                        "code": "invalid_json",
                        "message": body["rejected"][0]["message"],
                        "pointer": "",
                    }
                ],
            }
            status, body, _ = await post(world, orjson.dumps([{}, event("1"), {}]), BATCH)
            assert (status, body["accepted"]) == (202, 1)
            assert [one["index"] for one in body["rejected"]] == [0, 2]
            status, body, _ = await post(world, orjson.dumps([{}, {}]), BATCH)
            assert (status, body["accepted"], len(body["rejected"])) == (202, 0, 2)
            # Refused events reach the intake too: they are recorded and counted there.
            assert len(world.daemon.intake.rejected) == 5

    asyncio.run(story())


def test_an_answer_comes_only_after_the_commit() -> None:
    async def story() -> None:
        async with opened() as world:
            world.daemon.intake.gate = asyncio.Event()
            asked = asyncio.create_task(post(world, lines(2), LINES))
            done, _ = await asyncio.wait({asked}, timeout=0.2)
            assert not done
            world.daemon.intake.gate.set()
            assert (await asked)[0] == 202

    asyncio.run(story())


def test_a_large_body_is_taken_in_pieces_in_order() -> None:
    async def story() -> None:
        async with opened() as world:
            text = lines(5_000)[:-1] + b"\n{bad\n" + lines(1_000, 5_000)
            status, body, _ = await post(world, text, LINES)
            assert (status, body["accepted"]) == (202, 6_000)
            assert [one["index"] for one in body["rejected"]] == [5_000]
            intake = world.daemon.intake
            assert [int(one.id) for one in intake.events] == list(range(6_000))
            assert len(intake.batches) >= 6
            assert max(intake.batches) <= 1_000
            assert intake.rejected[0].position == 5_000

    asyncio.run(story())


def test_overload_says_what_was_taken() -> None:
    async def story() -> None:
        async with opened() as world:
            world.daemon.intake.room = 0
            status, body, headers = await post(world, orjson.dumps(event("1")), ONE)
            assert (status, headers["Retry-After"], body["error"]) == (503, "7", "overloaded")
            assert (body["accepted"], body["duplicates"], body["rejected"]) == (0, 0, [])
            assert "nothing of this request was taken" in body["message"]

            world.daemon.intake.room = 1_500
            status, body, headers = await post(world, lines(3_000), LINES)
            taken = len(world.daemon.intake.events)
            assert (status, headers["Retry-After"]) == (503, "7")
            assert 0 < taken <= 1_500
            assert body["accepted"] == taken
            assert f"the first {taken} events" in body["message"]

            world.daemon.intake.room = None
            status, body, _ = await post(world, lines(3_000), LINES)
            assert (status, body["accepted"], body["duplicates"]) == (202, 3_000 - taken, taken)

            world.daemon.intake.error = StoreError("the disk is full")
            status, body, headers = await post(world, lines(1, 9_000), LINES)
            assert (status, headers["Retry-After"]) == (503, "5")

    asyncio.run(story())


def test_rights() -> None:
    async def story() -> None:
        async with opened() as world:

            async def status(headers: dict[str, str]) -> int:
                async with world.nobody.post(
                    "/v1/events", data=lines(1), headers={**LINES, **headers}
                ) as response:
                    body = await response.json()
                    assert set(body) >= {"error", "message"} or response.status == 202
                    return response.status

            assert await status({}) == 401
            assert await status({"Authorization": "Bearer wrong"}) == 401
            assert await status({"Authorization": "Basic !!!"}) == 401
            assert await status({"Authorization": "Digest abc"}) == 401
            assert await status(await world.token("reader", Scope.READ)) == 403
            mine = await world.token("acme-app", Scope.INGEST, tenant="acme")
            assert await status(mine) == 202

    asyncio.run(story())


def test_media_types() -> None:
    async def story() -> None:
        async with opened() as world:
            status, body, headers = await post(world, b"hello", {"Content-Type": "text/plain"})
            assert (status, body["error"]) == (415, "unsupported_media_type")
            assert "ndjson" in headers["Accept"]
            status, body, headers = await post(world, b"x", {**LINES, "Content-Encoding": "br"})
            assert (status, headers["Accept-Encoding"]) == (415, "gzip")
            assert body["accepted"] == 0
            status, body, _ = await post(world, b"x", {**LINES, "Content-Encoding": "gzip"})
            assert (status, body["error"]) == (400, "invalid_gzip")

    asyncio.run(story())


def test_a_body_that_would_keep_us_busy_for_nothing() -> None:
    async def story() -> None:
        async with opened() as world:
            packed = {**LINES, "Content-Encoding": "gzip"}
            status, body, _ = await post(world, gzip.compress(b"\n" * 2_000_000), packed)
            assert (status, body["error"], world.daemon.intake.batches) == (413, "too_large", [])
            # Each refused event is answered with a sentence: after ten thousand that ends, with honest counts.
            status, body, _ = await post(world, lines(1) + b"x\n" * 20_000, LINES)
            assert (status, body["error"], body["accepted"]) == (413, "too_large", 1)
            assert len(body["rejected"]) <= 10_000

    asyncio.run(story())


def test_binary_mode() -> None:
    async def story() -> None:
        async with opened() as world:
            headers = {
                "Content-Type": "application/json",
                "ce-specversion": "1.0",
                "ce-id": "b1",
                "ce-source": "s",
                "ce-type": "tool.call",
                "ce-tenant": "acme",
            }
            status, body, _ = await post(world, b'{"tool": "shell"}', headers)
            assert (status, body["accepted"]) == (202, 1)
            taken = world.daemon.intake.events[0]
            assert (taken.id, taken.tenant, taken.document["data"]) == (
                "b1",
                "acme",
                {"tool": "shell"},
            )
            del headers["ce-id"]
            status, body, _ = await post(world, b"{}", headers)
            assert (status, body["rejected"][0]["code"]) == (400, "missing_attribute")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"", ONE),
        (b"   ", BATCH),
        (b"", LINES),
        (b"{", BATCH),
        (b'{"specversion": "1.0"}', ONE),
        (b"[" * 100_000, ONE),
        (b'{"id": NaN}', ONE),
        (b'{"id": "\\ud800"}', ONE),
        (b"\xff", ONE),
    ],
)
def test_what_cannot_be_read_is_400_in_the_same_shape(text: bytes, kind: dict[str, str]) -> None:
    async def story() -> None:
        async with opened() as world:
            status, body, _ = await post(world, text, kind)
            assert status == 400
            assert (body["accepted"], body["duplicates"], len(body["rejected"])) == (0, 0, 1)
            assert set(body["rejected"][0]) == {"index", "code", "message", "pointer"}

    asyncio.run(story())


def test_an_empty_batch_and_one_of_nothing_but_bad_events_is_202() -> None:
    async def story() -> None:
        async with opened() as world:
            status, body, _ = await post(world, b"[]", BATCH)
            assert (status, body) == (202, {"accepted": 0, "duplicates": 0, "rejected": []})
            status, body, _ = await post(world, b"{}\n", LINES)
            assert (status, body["accepted"], len(body["rejected"])) == (202, 0, 1)

    asyncio.run(story())


def test_the_tokens_tenant_wins() -> None:
    async def story() -> None:
        async with opened() as world:
            mine = await world.token("acme-app", Scope.INGEST, tenant="acme")
            body = orjson.dumps(event("1", tenant="other"))
            async with world.nobody.post(
                "/v1/events", data=body, headers={**ONE, **mine}
            ) as response:
                assert response.status == 202
            taken = world.daemon.intake.events[0]
            assert (taken.tenant, taken.document["tenant_claimed"]) == ("acme", "other")
            assert world.count("rulesd_event_notices_total", notice="tenant_disagrees") == 1

    asyncio.run(story())


def test_raw_text_reaches_neither_the_daemon_nor_the_answer() -> None:
    async def story() -> None:
        async with opened() as world:
            secret = "my card is 4111 1111 1111 1111"
            good = event("1", data={"said": secret, "content": {"arguments": secret}})
            bad = event("", type=secret, data=secret)
            for body, kind in ((orjson.dumps([good, bad]), BATCH), (secret.encode(), ONE)):
                _, answer, headers = await post(world, body, kind)
                assert "4111" not in str(answer) + str(headers)
            assert "4111" not in str(world.daemon.intake.events) + str(world.daemon.intake.rejected)
            assert len(world.daemon.intake.events) == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    ("origin", "allowed"), [("events.example.com", "events.example.com"), ("a b<c", "*")]
)
def test_handshake(origin: str, allowed: str) -> None:
    async def story() -> None:
        async with opened() as world:
            asked = {"WebHook-Request-Origin": origin, "WebHook-Request-Rate": "120"}
            async with world.nobody.options("/v1/events", headers=asked) as response:
                assert response.status == 200
                assert response.headers["WebHook-Allowed-Origin"] == allowed
                assert response.headers["WebHook-Allowed-Rate"] == "*"
                assert "POST" in response.headers["Allow"]
            async with world.nobody.options("/v1/events") as response:
                assert "WebHook-Allowed-Origin" not in response.headers

    asyncio.run(story())
