"""Posted alerts: what is taken, what is refused, and in whose words."""

import asyncio
import gzip
from typing import Any

import orjson
import pytest

from rulesd.model.instant import format_instant
from rulesd.ports.intake import Overloaded
from rulesd.web.settings import WebLimits
from rulesd.web.tokens import Scope
from rulesd.web.v2_posted import LABELS_CHARACTERS, MOST_LABELS, MOST_SAID
from tests.web.fakes import NOW
from tests.web.v2_world import V2Daemon, ask, plan_with, v2

PATH = "/api/v2/alerts"
MINUTE = 60_000


def posted(body: Any, daemon: V2Daemon | None = None, **headers: str) -> tuple[int, str, V2Daemon]:
    """Status, text and daemon after one post; ``body`` as bytes, or as what is written as JSON."""

    async def story() -> tuple[int, str, V2Daemon]:
        async with v2(daemon) as (world, made):
            text = body if isinstance(body, bytes) else orjson.dumps(body)
            status, said = await ask(world, "POST", PATH, text, **headers)
            return status, said, made

    return asyncio.run(story())


@pytest.mark.parametrize("body", [b"[]", b"null", b" [] "])
def test_nothing_posted_is_fine(body: bytes) -> None:
    status, said, daemon = posted(body)
    assert (status, said, daemon.by) == (200, "", [])


def test_what_prometheus_sends() -> None:
    one = {
        "annotations": {"summary": "s", "empty": ""},
        "endsAt": "2026-01-05T09:04:00.000Z",
        "startsAt": "2026-01-05T08:59:30.123456789Z",
        "generatorURL": "http://p:9090/graph?g0.expr=up",
        "labels": {"alertname": "A", "empty": "", "http.status": "500", "größe": "xl"},
    }
    status, said, daemon = posted([one])
    assert (status, said) == (200, "")
    assert daemon.by == ["admin"]
    (got,) = daemon.posted
    assert got.labels == {"alertname": "A", "http.status": "500", "größe": "xl"}
    assert got.annotations == {"summary": "s", "empty": ""}
    assert format_instant(got.starts_at) == "2026-01-05T08:59:30.123Z"
    assert format_instant(got.ends_at) == "2026-01-05T09:04:00.000Z"
    assert got.generator_url == one["generatorURL"]
    assert got.timeout is False


ZERO = "0001-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("times", "starts", "ends", "timeout"),
    [
        ({}, NOW, NOW + 2 * MINUTE, True),
        ({"startsAt": ZERO, "endsAt": ZERO}, NOW, NOW + 2 * MINUTE, True),
        ({"startsAt": None, "endsAt": ""}, NOW, NOW + 2 * MINUTE, True),
        ({"endsAt": "2026-01-05T08:00:00Z"}, NOW - 60 * MINUTE, NOW - 60 * MINUTE, False),
        ({"startsAt": "2026-01-05T08:00:00Z"}, NOW - 60 * MINUTE, NOW + 2 * MINUTE, True),
        (
            {"startsAt": "2026-01-05T10:00:00+01:00", "endsAt": "2026-01-05T09:01:00Z"},
            NOW,
            NOW + MINUTE,
            False,
        ),
    ],
)
def test_times_that_are_not_told(
    times: dict[str, str], starts: int, ends: int, timeout: bool
) -> None:
    daemon = V2Daemon()
    daemon.plan = plan_with(resolve_timeout=2 * MINUTE)
    status, _, _ = posted([{"labels": {"a": "b"}, **times}], daemon)
    assert status == 200
    (got,) = daemon.posted
    assert (got.starts_at, got.ends_at, got.timeout) == (starts, ends, timeout)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"labels": {}}, "at least one label pair required"),
        ({"labels": {"a": ""}}, "at least one label pair required"),
        ({"labels": {"1x": "a"}}, 'invalid label set: invalid name "1x"'),
        ({"labels": {"": "a"}}, 'invalid label set: invalid name ""'),
        ({"labels": {"a": "b"}, "annotations": {"1a": "x"}}, 'invalid annotations: invalid name "1a"'),
        ({"labels": {"a": "b"}, "startsAt": "2030-01-01T00:00:00Z", "endsAt": "2029-01-01T00:00:00Z"}, "start time must be before end time"),
        ({"labels": {"a": "b"}, "startsAt": "2030-01-01T00:00:00Z"}, "start time must be before end time"),
        ({"labels": {f"l{n}": "x" for n in range(MOST_LABELS + 1)}}, f"invalid label set: more than {MOST_LABELS} labels"),
        ({"labels": {"a": "x" * LABELS_CHARACTERS}}, f"invalid label set: more than {LABELS_CHARACTERS} characters"),
        ({"labels": {"a": "b"}, "annotations": {"a": "x" * 65_536}}, "invalid annotations: more than 65536 characters"),
    ],
)  # fmt: skip
def test_one_bad_alert_costs_the_others_nothing(bad: dict[str, Any], said: str) -> None:
    good = {"labels": {"alertname": "good"}}
    status, text, daemon = posted([good, bad, good])
    assert (status, orjson.loads(text)) == (400, said)
    assert [one.labels for one in daemon.posted] == [{"alertname": "good"}] * 2


def test_every_reason_is_told_up_to_a_number() -> None:
    status, text, _ = posted([{"labels": {}}, {"labels": {"1x": "a"}}])
    assert status == 400
    assert (
        orjson.loads(text)
        == 'at least one label pair required; invalid label set: invalid name "1x"'
    )
    _, text, _ = posted([{"labels": {}}] * (MOST_SAID + 5))
    assert orjson.loads(text).endswith("required; and 5 more")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 422, {"code": 602, "message": "alerts in body is required"}),
        (b"[{}]", 422, {"code": 602, "message": "0.labels in body is required"}),
        (b'[{"labels":{"a":"b"}},{"labels":null}]', 422, {"code": 602, "message": "1.labels in body is required"}),
        (b'[{"labels":{"a":"b"},"generatorURL":"::bad"}]', 422, {"code": 601, "message": '0.generatorURL in body must be of type uri: "::bad"'}),
    ],
)  # fmt: skip
def test_a_body_that_is_wrong_as_a_whole(body: bytes, status: int, said: dict[str, Any]) -> None:
    got, text, daemon = posted(body)
    assert (got, orjson.loads(text)) == (status, said)
    assert daemon.posted == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"xx",
        b"[null]",
        b'["a"]',
        b'[{"labels":{"a":1}}]',
        b'[{"labels":{"a":"b"},"annotations":5}]',
        b'[{"labels":{"a":"b"},"startsAt":"foo"}]',
        b'[{"labels":{"a":"b"},"endsAt":"2026-01-05T09:00:00"}]',
        b'[{"labels":{"a":"\xff"}}]',
        b'[{"labels":{"a":"b"}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_cannot_be_read(body: bytes) -> None:
    status, text, daemon = posted(body)
    said = orjson.loads(text)
    assert (status, said["code"]) == (400, 400)
    assert said["message"].startswith('parsing alerts body from "" failed, because ')
    assert daemon.posted == []


def test_fields_nobody_knows_are_passed_over() -> None:
    status, _, daemon = posted([{"labels": {"a": "b"}, "status": {"state": "active"}, "x": [1]}])
    assert (status, len(daemon.posted)) == (200, 1)


@pytest.mark.parametrize(
    ("media", "named"),
    [("text/plain", "text/plain"), ("", "application/octet-stream")],
)
def test_only_json_is_taken(media: str, named: str) -> None:
    status, text, daemon = posted(b'[{"labels":{"a":"b"}}]', **{"Content-Type": media})
    assert status == 415
    assert orjson.loads(text)["message"] == (
        f'unsupported media type "{named}", only [application/json] are allowed'
    )
    assert daemon.posted == []


def test_a_packed_body() -> None:
    body = gzip.compress(b'[{"labels":{"a":"b"}}]')
    assert posted(body, **{"Content-Encoding": "gzip"})[0] == 200
    assert posted(body, **{"Content-Encoding": "br"})[0] == 400
    assert posted(b"not gzip", **{"Content-Encoding": "gzip"})[0] == 400


def test_ten_megabytes_are_taken_and_twenty_refused_before_they_are_read() -> None:
    note = {"summary": "x" * 5_000}
    alerts = [
        {"labels": {"alertname": "A", "n": str(n)}, "annotations": note} for n in range(4_000)
    ]
    ten = orjson.dumps(alerts[:2_000])
    assert len(ten) > 10_000_000
    status, _, daemon = posted(ten)
    assert status == 200
    assert len(daemon.posted) == 2_000
    status, text, daemon = posted(orjson.dumps(alerts))
    assert status == 413
    assert "larger than 16 MiB" in orjson.loads(text)["message"]
    assert daemon.posted == []


def test_a_body_at_the_limit_is_taken() -> None:
    async def story() -> None:
        body = orjson.dumps([{"labels": {"alertname": "A", "n": str(n)}} for n in range(1_200)])
        async with v2(limits=WebLimits(alerts_bytes=len(body))) as (world, daemon):
            assert (await ask(world, "POST", PATH, body))[0] == 200
            assert len(daemon.posted) == 1_200
            assert (await ask(world, "POST", PATH, body + b" "))[0] == 413
            assert world.room_used() == 0

    asyncio.run(story())


def test_a_daemon_that_cannot_take_more_says_when_to_come_back() -> None:
    async def story() -> None:
        async with v2() as (world, daemon):
            daemon.refuse = Overloaded("the queue is full", 7)
            body = b'[{"labels":{"a":"b"}}]'
            headers = {"Content-Type": "application/json"}
            async with world.admin.post(PATH, data=body, headers=headers) as response:
                assert response.status == 503
                assert response.headers["Retry-After"] == "7"
                assert (await response.json())["code"] == 503

    asyncio.run(story())


def test_a_tokens_tenant_is_the_alerts_tenant() -> None:
    async def story() -> None:
        async with v2() as (world, daemon):
            headers = await world.token("acme", Scope.INGEST, tenant="acme")
            headers["Content-Type"] = "application/json"
            given = [
                {"labels": {"alertname": "A"}},
                {"labels": {"alertname": "B", "tenant": "other"}},
                {"labels": {"tenant": "other"}},
                {"labels": {}},
            ]
            async with world.nobody.post(PATH, json=given, headers=headers) as response:
                assert response.status == 400
            assert [one.labels for one in daemon.posted] == [
                {"alertname": "A", "tenant": "acme"},
                {"alertname": "B", "tenant": "acme"},
            ]
            assert daemon.by == ["acme"]
            assert world.count("rulesd_event_notices_total", notice="tenant_disagrees") == 2
            assert world.count("rulesd_rejected_total", code="invalid_alert") == 2

    asyncio.run(story())
