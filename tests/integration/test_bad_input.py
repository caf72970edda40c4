"""What comes in broken: it is refused in words, counted once, and what it held appears nowhere."""

import gzip
import http.client
import os
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.integration.daemon import Daemon, Receiver, decision_log, event, journaled_ids, paging

SECRET = "sk-live-MARZIPAN-4242"
JSON = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


class Setting:
    """A daemon and its receiver."""

    def __init__(self, daemon: Daemon, receiver: Receiver) -> None:
        self.daemon, self.receiver = daemon, receiver


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder = tmp_path_factory.mktemp("bad")
    with Receiver() as receiver, Daemon(folder, notifiers=paging(receiver.url())) as daemon:
        yield Setting(daemon, receiver)


def line(**changes: object) -> bytes:
    return orjson.dumps({**event("x1", tool="t"), **changes})


DEEP = (
    b'{"specversion":"1.0","id":"d","source":"/s","type":"t","data":'
    + b"[" * 10_000
    + b"]" * 10_000
    + b"}"
)

SINGLE = {
    "malformed": (b'{"specversion": "1.0", "id": ', "invalid_json", ""),
    "not an object": (b'["specversion"]', "not_an_object", ""),
    "empty": (b"", "empty_body", ""),
    "missing id": (b'{"specversion":"1.0","source":"/s","type":"t"}', "missing_attribute", "/id"),
    "empty id": (line(id=""), "invalid_value", "/id"),
    "id is a number": (line(id=7), "wrong_type", "/id"),
    "data is a list": (line(data=[1]), "invalid_data", "/data"),
    "time is no time": (line(time="yesterday"), "invalid_time", "/time"),
    "nested 10,000 deep": (DEEP, "too_deep", None),
    "NaN": (
        b'{"specversion":"1.0","id":"n","source":"/s","type":"t","data":{"score":NaN}}',
        "number_out_of_range",
        None,
    ),
    "1e999": (
        b'{"specversion":"1.0","id":"n","source":"/s","type":"t","data":{"score":1e999}}',
        "number_out_of_range",
        None,
    ),
    "2**64": (
        b'{"specversion":"1.0","id":"n","source":"/s","type":"t","data":{"score":18446744073709551616}}',
        "number_out_of_range",
        None,
    ),
    "lone surrogate": (
        b'{"specversion":"1.0","id":"n","source":"/s","type":"t","data":{"tool":"\\ud800"}}',
        None,
        None,
    ),
    "invalid UTF-8": (
        b'{"specversion":"1.0","id":"n","source":"/s","type":"t","data":{"tool":"\xff"}}',
        "invalid_utf8",
        None,
    ),
}


@pytest.mark.parametrize("name", SINGLE)
def test_a_bad_event_is_refused_in_words(there: Setting, name: str) -> None:
    body, code, pointer = SINGLE[name]
    before = there.daemon.total("rulesd_rejected_total")
    answer = there.daemon.request("POST", "/v1/events", body, JSON)
    assert answer.status == 400, answer
    said = answer.json()
    assert said["accepted"] == 0
    (one,) = said["rejected"]
    assert one["index"] == 0
    assert one["message"]
    assert code is None or one["code"] == code
    assert pointer is None or one["pointer"] == pointer
    assert there.daemon.total("rulesd_rejected_total") == before + 1


def test_of_a_batch_the_good_ones_are_stored_and_the_bad_ones_listed(there: Setting) -> None:
    good = [event(f"good-{n}", tool="t") for n in range(3)]
    bad = [{**event("b"), "id": ""}, {**event("b"), "source": 5}]
    for headers, body in (
        (BATCH, orjson.dumps([good[0], bad[0], good[1], bad[1]])),
        (
            {"Content-Type": "application/x-ndjson"},
            b"\n".join(map(orjson.dumps, [good[0], bad[0], good[2], bad[1]])),
        ),
    ):
        answer = there.daemon.request("POST", "/v1/events", body, headers)
        assert answer.status == 202
        said = answer.json()
        assert said["accepted"] + said["duplicates"] == 2
        assert [(r["index"], r["code"], r["pointer"]) for r in said["rejected"]] == [
            (1, "invalid_value", "/id"),
            (3, "wrong_type", "/source"),
        ]


def test_a_batch_of_bad_ones_alone_could_be_read(there: Setting) -> None:
    answer = there.daemon.request("POST", "/v1/events", orjson.dumps([{}, 1]), BATCH)
    assert answer.status == 202
    assert [r["index"] for r in answer.json()["rejected"]] == [0, 1]


def test_a_body_of_65_megabytes_is_refused_before_it_is_read(there: Setting) -> None:
    link = http.client.HTTPConnection("127.0.0.1", there.daemon.port, timeout=20)
    link.putrequest("POST", "/v1/events")
    for name, value in {
        **JSON,
        "Authorization": "Bearer " + _token(),
        "Content-Length": str(65 << 20),
    }.items():
        link.putheader(name, value)
    link.endheaders()
    assert link.getresponse().status == 413
    link.close()


def test_a_gzip_bomb_does_not_unfold(there: Setting) -> None:
    before = there.daemon.rss_mb()
    bomb = gzip.compress(b" " * (80 << 20), compresslevel=9)
    assert len(bomb) < 1 << 20
    answer = there.daemon.request("POST", "/v1/events", bomb, {**JSON, "Content-Encoding": "gzip"})
    assert answer.status == 413
    assert there.daemon.rss_mb() < before + 150


def test_of_duplicate_keys_the_last_wins(there: Setting) -> None:
    body = b'{"specversion":"1.0","id":"dup-key","source":"/svc","type":"tool.call","data":{"tool":"dup-key","scope":"in","scope":"out"}}'
    assert there.daemon.request("POST", "/v1/events", body, JSON).status == 202
    assert _paged(there, "dup-key")


@pytest.mark.parametrize("time", ["2087-01-01T00:00:00Z", "1987-01-01T00:00:00Z"])
def test_what_must_never_happen_pages_however_it_is_dated(there: Setting, time: str) -> None:
    tool = f"dated-{time[:4]}"
    assert there.daemon.post([{**event(tool, tool=tool, scope="out"), "time": time}]).status == 202
    assert _paged(there, tool)
    # A date far ahead moves no window: five denials now still make a burst.
    now = [event(f"{tool}-{n}", tool=f"{tool}-burst", outcome="denied") for n in range(5)]
    there.daemon.post(
        [{**event(f"{tool}-ahead", tool=f"{tool}-burst", outcome="denied"), "time": time}, *now]
    )
    assert _paged(there, f"{tool}-burst")
    if time.startswith("2087"):
        _until(lambda: there.daemon.total("rulesd_event_notices_total", notice="time_suspect") >= 2)
    # Nor has it ended the burst: were the clock of the rule in 2087, five minutes without a denial would be over.
    there.daemon.post([event(f"{tool}-tick", tool="another", outcome="denied")])
    open_ = {
        a["labels"].get("tool")
        for a in there.daemon.get("/v1/alerts").json()["alerts"]
        if a["state"] == "firing"
    }
    assert f"{tool}-burst" in open_


def test_an_id_used_again_with_another_body_is_taken_and_counted(there: Setting) -> None:
    def conflicts() -> float:
        return there.daemon.total("rulesd_event_notices_total", notice="id_conflict")

    before = conflicts()
    assert there.daemon.post([event("again", tool="first", scope="out")]).json()["accepted"] == 1
    assert there.daemon.post([event("again", tool="second", scope="out")]).json()["accepted"] == 1
    assert there.daemon.post([event("again", tool="second", scope="out")]).json()["duplicates"] == 1
    assert _paged(there, "first")
    assert _paged(there, "second")
    _until(lambda: conflicts() == before + 1)


def test_no_token_wrong_token_wrong_scope(there: Setting) -> None:
    daemon = there.daemon
    bodies = (b"{}", JSON)
    link = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
    for given, status in (
        ({}, 401),
        ({"Authorization": "Bearer nobody-knows-this-token-0123456789"}, 401),
    ):
        link.request("POST", "/v1/events", bodies[0], {**bodies[1], **given})
        answer = link.getresponse()
        answer.read()
        assert answer.status == status
    made = daemon.request(
        "POST",
        "/v1/tokens",
        orjson.dumps({"name": "reader", "scopes": ["read"]}),
        {"Content-Type": "application/json"},
    )
    assert made.status in (200, 201), made
    secret = made.json()["token"]
    link.request("POST", "/v1/events", b"{}", {**JSON, "Authorization": f"Bearer {secret}"})
    assert link.getresponse().status == 403
    link.close()


def test_a_tenant_that_is_not_the_tokens_is_visible_and_not_believed(there: Setting) -> None:
    daemon = there.daemon
    asked = orjson.dumps({"name": "globex-gateway", "scopes": ["ingest"], "tenant": "globex"})
    made = daemon.request("POST", "/v1/tokens", asked, {"Content-Type": "application/json"})
    given = {"Authorization": f"Bearer {made.json()['token']}"}
    body = orjson.dumps(event("claims", tool="claims", scope="out"))
    assert daemon.request("POST", "/v1/events", body, {**JSON, **given}).status == 202
    (page,) = _paged(there, "claims")
    assert page["labels"].get("tenant") == "globex"
    assert daemon.total("rulesd_event_notices_total", notice="tenant_disagrees") >= 1


BAD = {
    "broken text": b'{"specversion":"1.0","id":"s","source":"/svc","data":{"tool":"%s"'
    % SECRET.encode(),
    "as id of wrong type": orjson.dumps({**event("s"), "id": [SECRET]}),
    "as time": orjson.dumps({**event("s"), "time": SECRET}),
    "as attribute name": orjson.dumps({**event(""), SECRET: {"no": "object"}}),
    "as name in data": orjson.dumps({**event(""), "data": {SECRET: {SECRET: 1}}}),
    "in data": orjson.dumps({**event(""), "data": {"tool": SECRET}}),
    "in content": orjson.dumps(
        {**event("", tool="t"), "data": {"content": {"input_text": SECRET}}}
    ),
    "as data": orjson.dumps({**event("s"), "data": SECRET}),
    "as type": orjson.dumps({**event("s"), "type": {SECRET: 1}}),
    "as specversion": orjson.dumps({**event("s"), "specversion": SECRET}),
    "as source": orjson.dumps({**event("s"), "source": {"a": SECRET}}),
    "not utf-8": b'{"a":"' + SECRET.encode() + b'\xff"}',
    "number": b'{"specversion":"1.0","id":"s","source":"/svc","type":"t","data":{"tool":"%s","score":1e999}}'
    % SECRET.encode(),
}


def test_a_rejected_body_that_holds_a_secret_appears_nowhere(tmp_path: Path) -> None:
    with (
        Receiver() as receiver,
        Daemon(
            tmp_path, notifiers=paging(receiver.url()), settings="log: {level: debug}\n"
        ) as daemon,
    ):
        said = b""
        for name, body in BAD.items():
            answer = daemon.request("POST", "/v1/events", body, JSON)
            assert answer.status == 400, name
            said += answer.body
        said += daemon.request(
            "POST", "/v1/events", b"\n".join(BAD.values()), {"Content-Type": "application/x-ndjson"}
        ).body
        said += daemon.request("POST", "/v1/events", b"[" + b",".join(BAD.values()), BATCH).body
        said += daemon.request(
            "POST", "/v1/events", SECRET.encode(), {"Content-Type": f"text/{SECRET}"}
        ).body
        said += daemon.request("POST", f"/v1/{SECRET}", b"").body
        # What was accepted keeps its promise too: content never, an undeclared text only as its keyed digest.
        daemon.post(
            [
                event(
                    "fine",
                    tool="fine",
                    scope="out",
                    content={"input_text": SECRET},
                    undeclared=f"text {SECRET}",
                )
            ]
        )
        daemon.post(
            [
                {
                    **event("named", tool="fine", **{f"a name {SECRET}": {f"{SECRET} too": 1}}),
                    f"an {SECRET}": "x",
                }
            ]
        )
        receiver.wait(1)
        for path in ("/metrics", "/v1/alerts", "/v1/rules", "/", "/-/ready", "/openapi.json"):
            said += daemon.get(path).body
        daemon.kill()
        daemon.start()
        daemon.stop()
        assert len(decision_log(daemon.state).splitlines()) > len(BAD)
        where = {"answers": said, "pages": repr(receiver.pages).encode()}
        for folder, _, files in os.walk(tmp_path):
            where |= {f"{folder}/{name}": (Path(folder) / name).read_bytes() for name in files}
        assert any(name.endswith("rulesd.db") for name in where)
        holding = [
            name
            for name, text in where.items()
            if b"MARZIPAN" in text or b"marzipan" in text.lower()
        ]
        assert holding == []


def test_all_good_ones_are_in_the_journal_once(there: Setting) -> None:
    """The last of this file: it stops the daemon."""
    there.daemon.stop()
    ids = journaled_ids(there.daemon.state)
    assert ids.count("good-0") == ids.count("good-1") == ids.count("good-2") == 1
    assert ids.count("again") == 2


def _token() -> str:
    from tests.integration.daemon import TOKEN

    return TOKEN


def _until(true: object) -> None:
    from tests.integration.daemon import until

    until(true)  # type: ignore[arg-type]


def _paged(there: Setting, tool: str) -> list[dict[str, dict[str, str]]]:
    """The alerts about a tool; waits for the first."""
    from tests.integration.daemon import until

    def found() -> list[dict[str, dict[str, str]]]:
        return [
            a for p in there.receiver.pages for a in p.alerts if a["labels"].get("tool") == tool
        ]

    return until(found, what=f"a page about {tool}")  # type: ignore[no-any-return]
