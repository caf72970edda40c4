import base64
import contextlib
import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from rulesd.ingest.decode import PART, Decoder
from rulesd.ingest.http import header_text
from rulesd.ingest.limits import Decoded, Limits
from rulesd.model.errors import EventError
from rulesd.privacy.redact import Redactor

NOW = 1_767_000_000_000
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    base = {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "/svc/a",
        "type": "ai.safety.tool.call.v1",
        "time": "2026-01-05T09:00:00.250Z",
        "data": {"tool": "shell"},
    }
    return {**base, **changes}


def headers(**changes: str | None) -> dict[str, str]:
    base: dict[str, str | None] = {
        "ce-specversion": "1.0",
        "ce-id": "e-1",
        "ce-source": "/svc/a",
        "ce-type": "ai.safety.tool.call.v1",
        "ce-time": "2026-01-05T09:00:00.250Z",
    }
    base.update({name.replace("_", "-"): value for name, value in changes.items()})
    return {name: value for name, value in base.items() if value is not None}


def decoder(**limits: int) -> Decoder:
    return Decoder(Redactor(b"k" * 32), Limits(**limits))


def http(
    content_type: str, body: Any, given: dict[str, str] | None = None, *, tenant: str = ""
) -> Decoded:
    text = body if isinstance(body, bytes) else orjson.dumps(body)
    return decoder().http(content_type, given or {}, text, now=NOW, tenant=tenant)


def ids(decoded: Decoded) -> list[str]:
    return [e.id for e in decoded.events]


def codes(decoded: Decoded) -> list[tuple[int, str]]:
    return [(r.position, r.code) for r in decoded.rejected]


@pytest.mark.parametrize(
    "content_type",
    [
        STRUCTURED,
        "application/cloudevents",
        "Application/CloudEvents+JSON; charset=UTF-8",
        "application/json",
        'application/json; charset="utf-8"',
        "application/vnd.own+json",
    ],
)
def test_structured(content_type: str) -> None:
    out = http(content_type, event())
    assert (ids(out), out.rejected, out.single) == (["e-1"], [], True)
    bad = http(content_type, event(id=5))
    assert (codes(bad), bad.single) == ([(0, "wrong_type")], True)


@pytest.mark.parametrize(
    "content_type", [BATCH, "application/cloudevents-batch", "application/json"]
)
def test_batch_keeps_the_good_and_lists_the_bad(content_type: str) -> None:
    out = http(content_type, [event(1), event(2, id=""), 5, event(3)])
    assert ids(out) == ["e-1", "e-3"]
    assert codes(out) == [(1, "invalid_value"), (2, "not_an_object")]
    assert not out.single
    assert not http(content_type, [5]).single
    assert http(content_type, []) == Decoded()


def test_ndjson_lines_are_events_by_their_own_position() -> None:
    body = b"\n".join(
        [b"", orjson.dumps(event(1)), b"  ", b"{bad", orjson.dumps(event(2)) + b"\r", b""]
    )
    for content_type in (LINES, "application/jsonl"):
        out = http(content_type, body)
        assert ids(out) == ["e-1", "e-2"]
        assert codes(out) == [(1, "invalid_json")]
        assert not out.single
    assert not http(LINES, b"{bad\n{worse").single


@pytest.mark.parametrize("content_type", [STRUCTURED, BATCH, LINES, "application/json"])
@pytest.mark.parametrize("body", [b"", b" \n\t\n"])
def test_an_empty_body(content_type: str, body: bytes) -> None:
    out = http(content_type, body)
    assert (codes(out), out.single) == ([(0, "empty_body")], True)


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        (STRUCTURED, b"{", "invalid_json"),
        (STRUCTURED, b"[]", "not_an_object"),
        (BATCH, b"[", "invalid_json"),
        (BATCH, b"{}", "wrong_type"),
        (BATCH, b"[" * 10_000, "too_deep"),
        (BATCH, b'[{"a":NaN}]', "number_out_of_range"),
        (BATCH, b'["\xff"]', "invalid_utf8"),
    ],
)
def test_what_cannot_be_read_at_all_is_one_rejection(
    content_type: str, body: bytes, code: str
) -> None:
    out = http(content_type, body)
    assert (codes(out), out.single) == ([(0, code)], True)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/xml",
        "application/cloudevents+xml",
        "application/cloudevents-batch+protobuf",
        "application/cloudevents+json; charset=utf-16",
        "application/json; charset=latin-1",
        ";;;",
    ],
)
def test_unknown_media_types(content_type: str) -> None:
    with pytest.raises(EventError) as caught:
        http(content_type, event())
    assert caught.value.code == "unsupported_media_type"


def test_binary() -> None:
    out = http("application/json", {"tool": "shell"}, headers(ce_tenant="acme", ce_sampledrate="5"))
    assert out.single
    (got,) = out.events
    (same,) = http(
        STRUCTURED,
        event(tenant="acme", sampledrate=5, datacontenttype="application/json"),
    ).events
    assert got == same
    assert got.weight == 5


def test_binary_headers_of_any_case_and_of_aiohttp() -> None:
    given = CIMultiDict({name.upper(): value for name, value in headers().items()})
    out = decoder().http("application/json", given, b"{}", now=NOW)
    assert ids(out) == ["e-1"]
    given.add("CE-ID", "e-2")
    assert codes(decoder().http("application/json", given, b"{}", now=NOW)) == [
        (0, "invalid_value")
    ]


@pytest.mark.parametrize("body", [b"", b"  "])
@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain"])
def test_binary_without_data(body: bytes, content_type: str) -> None:
    (got,) = http(content_type, body, headers()).events
    assert got.document["data"] == {}


@pytest.mark.parametrize(
    ("content_type", "body", "changes", "code"),
    [
        ("application/json", b"{}", {"ce_id": None}, "missing_attribute"),
        ("application/json", b"{}", {"ce_specversion": "0.3"}, "unsupported_specversion"),
        ("application/json", b"{}", {"ce_id": "%C0%A0"}, "invalid_utf8"),
        ("application/json", b"{}", {"ce_id": "\udcff"}, "invalid_utf8"),
        ("application/json", b"{}", {"ce_data": "{}"}, "invalid_value"),
        ("application/json", b"{", {}, "invalid_json"),
        ("application/json", b"[1]", {}, "invalid_data"),
        ("application/json", b'"x"', {}, "invalid_data"),
        ("text/plain", b"hello", {}, "invalid_data"),
        ("application/json", b'{"x":18446744073709551616}', {}, "number_out_of_range"),
        ("application/json", b'{"x":NaN}', {}, "number_out_of_range"),
    ],
)
def test_binary_faults(
    content_type: str, body: bytes, changes: dict[str, str | None], code: str
) -> None:
    out = http(content_type, body, headers(**changes))
    assert (codes(out), out.single) == ([(0, code)], True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (" padded\t", "padded"),
        ('"a b"', "a b"),
        (r'"say \"hi\" \\"', r'say "hi" \ '.strip()),
        ("a%20b", "a b"),
        ("%25 20", "% 20"),
        ("%2520", "%20"),
        ("100%", "100%"),
        ("Euro %E2%82%AC", "Euro €"),
        ("€", "€"),
        ('"un', '"un'),
        ("%C0%A0", None),
        ("%FF", None),
        ("\udcff", None),
    ],
)
def test_header_values_are_unquoted_then_decoded_once(value: str, text: str | None) -> None:
    assert header_text(value) == text


def test_no_header_becomes_data() -> None:
    out = http("application/json", b"", {**headers(), "ce-data_base64": "e30="})
    assert codes(out) == [(0, "invalid_value")]


def test_ce_datacontenttype_does_not_count() -> None:
    (got,) = http("application/json", b"{}", headers(ce_datacontenttype="x/y")).events
    assert got.document["datacontenttype"] == "application/json"


def test_structured_wins_over_ce_headers() -> None:
    (got,) = http(STRUCTURED, event(9), headers()).events
    assert got.id == "e-9"


def test_numbers_in_a_batch_are_checked_in_their_own_element() -> None:
    text = orjson.dumps([event(1, data={"x": 1e30}), event(2, data={"x": 0}), event(3)])
    text = text.replace(b'"x":0', b'"x":18446744073709551616')
    for out in (http(BATCH, text), decoder().many(text, now=NOW)):
        assert ids(out) == ["e-1", "e-3"]
        assert [(r.position, r.pointer) for r in out.rejected] == [(1, "/data/x")]


def test_large_bodies_come_in_parts() -> None:
    events = [event(n) for n in range(2 * PART + 1)]
    for content_type, body in (
        (BATCH, orjson.dumps(events)),
        (LINES, b"\n".join(orjson.dumps(e) for e in events)),
    ):
        parts = list(decoder().http_parts(content_type, {}, body, now=NOW))
        assert [len(p.events) for p in parts] == [PART, PART, 1]
        assert ids(decoder().http(content_type, {}, body, now=NOW)) == [e["id"] for e in events]


def test_sizes() -> None:
    with pytest.raises(EventError) as caught:
        decoder(inflated=100).http(STRUCTURED, {}, orjson.dumps(event()), now=NOW)
    assert caught.value.code == "too_large"
    out = decoder(body=100).mqtt(orjson.dumps(event()), now=NOW)
    assert codes(out) == [(0, "too_large")]


def test_a_small_text_that_would_fill_the_memory_is_refused_before_decoding() -> None:
    body = b"[" + b"[]," * 400_000 + b"[]]"
    start = time.process_time()
    for out in (
        decoder(tokens=500_000).http(BATCH, {}, body, now=NOW),
        decoder(tokens=500_000).http(STRUCTURED, {}, body, now=NOW),
        decoder(tokens=500_000).http("application/json", headers(), body, now=NOW),
        decoder(tokens=500_000).mqtt(body, now=NOW),
    ):
        assert codes(out) == [(0, "too_large")]
    assert time.process_time() - start < 1


def test_a_flood_of_bad_events_is_answered_once() -> None:
    made = decoder(refused=100)
    with pytest.raises(EventError) as caught:
        made.http(LINES, {}, b"x\n" * 5_000, now=NOW)
    assert caught.value.code == "too_large"
    body = orjson.dumps(event()) + b"\n" + b"x\n" * 5_000
    out = made.mqtt(body, now=NOW)
    assert len(out.rejected) <= PART + 1
    assert out.rejected[-1].code == "too_large"


# --------------------------------------------------------------------------------------------- mqtt


def test_mqtt_takes_an_event_an_array_or_lines() -> None:
    made = decoder()
    one, two = orjson.dumps(event(1)), orjson.dumps(event(2))
    pretty = orjson.dumps(event(3), option=orjson.OPT_INDENT_2)
    for payload, expected in (
        (one, ["e-1"]),
        (one + b"\n", ["e-1"]),
        (b"[" + one + b"," + two + b"]", ["e-1", "e-2"]),
        (b"\n [" + one + b"]", ["e-1"]),
        (one + b"\n" + two, ["e-1", "e-2"]),
        (one + b"\r\n\r\n" + two + b"\n", ["e-1", "e-2"]),
        (pretty, ["e-3"]),
        (b"\n" + pretty + b"\n", ["e-3"]),
    ):
        out = made.mqtt(payload, now=NOW, tenant="acme")
        assert ids(out) == expected
        assert not out.rejected
        assert {e.tenant for e in out.events} == {"acme"}


def test_mqtt_keeps_the_good_lines_whichever_is_bad() -> None:
    made, one = decoder(), orjson.dumps(event(1))
    for payload, position in ((b"{bad\n" + one, 0), (one + b"\n{bad", 1)):
        out = made.mqtt(payload, now=NOW)
        assert ids(out) == ["e-1"]
        assert codes(out) == [(position, "invalid_json")]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "empty_body"),
        (b"\n\n", "empty_body"),
        (b"hello", "invalid_json"),
        (b"hello\nworld", "invalid_json"),
        (b'{\n  "id": 1,\n  "x": {}\n  oops\n}', "invalid_json"),
        (b"5", "not_an_object"),
        (b"\xff\xfe", "invalid_utf8"),
    ],
)
def test_mqtt_unreadable_is_one_rejection(payload: bytes, code: str) -> None:
    out = decoder().mqtt(payload, now=NOW)
    assert (codes(out), out.events) == ([(0, code)], [])


def test_notices_come_with_the_delivery() -> None:
    out = http(BATCH, [event(1, time=None), event(2, data={"own": "a b"})], tenant="acme")
    assert out.notices == {"time_missing": 1, "undeclared_string": 1}


# --------------------------------------------------------------------------------------- properties

BODIES = st.one_of(
    st.binary(max_size=100),
    st.builds(
        lambda parts, glue: glue.join(parts),
        st.lists(
            st.sampled_from(
                [
                    orjson.dumps(event()),
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b",",
                    b"\n",
                    b"null",
                    b"\xff",
                    b" ",
                    b'"',
                ]
            ),
            max_size=6,
        ),
        st.sampled_from([b"", b"\n", b","]),
    ),
)
TYPES = st.sampled_from([STRUCTURED, BATCH, LINES, "application/json", "text/plain", ""])
HEADERS = st.dictionaries(
    st.sampled_from(["ce-id", "ce-source", "CE-Type", "ce-specversion", "ce-", "ce-data", "x"]),
    st.text(max_size=8) | st.just("1.0"),
)


@given(BODIES, TYPES, HEADERS)
def test_any_request_has_an_answer(body: bytes, content_type: str, given: dict[str, str]) -> None:
    out = Decoded()
    with contextlib.suppress(EventError):
        out = decoder().http(content_type, given, body, now=NOW)
    if out.single:
        assert len(out.events) + len(out.rejected) == 1


@given(BODIES)
def test_any_message_has_an_answer(payload: bytes) -> None:
    out = decoder().mqtt(payload, now=NOW)
    assert out.events or out.rejected or orjson.loads(payload) == []


CANARY = "c4n4ry the secret, verbatim!"


@pytest.mark.parametrize(
    ("content_type", "body", "given"),
    [
        (STRUCTURED, CANARY.encode(), {}),
        (BATCH, f'["{CANARY}"'.encode(), {}),
        (BATCH, [CANARY, event(data={"x": CANARY}), event(data=CANARY)], {}),
        (LINES, f"{CANARY}\n{{{CANARY}\n".encode(), {}),
        ("application/json", f'{{"x":"{CANARY}"'.encode(), headers()),
        ("application/json", f'"{CANARY}"'.encode(), headers()),
        ("text/plain", CANARY.encode(), headers()),
        ("application/json", b"{}", headers(ce_prompt=CANARY)),
        ("application/json", b"{}", headers(ce_time=CANARY)),
        ("application/json", b"{}", headers(ce_id=CANARY + "%FF")),
        ("application/json", b"{}", {**headers(), f"ce-{CANARY}": "%FF"}),
        ("application/json", b"{}", {**headers(), f"ce-{CANARY}": "x"}),
        (STRUCTURED, event(data=None, data_base64=base64.b64encode(CANARY.encode()).decode()), {}),
        (f"application/{CANARY}", b"{}", {}),
    ],
)
def test_a_planted_secret_appears_nowhere(
    content_type: str, body: Any, given: dict[str, str]
) -> None:
    out: Any
    try:
        out = http(content_type, body, given)
    except EventError as error:
        out = (str(error), error, error.__context__)
    assert "c4n4ry" not in repr(out)
    if isinstance(body, bytes):
        assert "c4n4ry" not in repr(decoder().mqtt(body, now=NOW))
