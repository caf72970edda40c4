import base64
import copy
from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rulesd.ingest.event import EventDecoder, checksum
from rulesd.ingest.faults import Fault, number_fault
from rulesd.ingest.limits import Limits
from rulesd.model.event import Event, Rejected
from rulesd.model.fingerprint import digest64
from rulesd.model.reasons import ErrorCode
from rulesd.privacy.fields import ATTRIBUTES, TYPES, fields_of
from rulesd.privacy.redact import Redactor

NOW = 1_767_000_000_000
GOOD: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/svc/assistant",
    "type": "ai.safety.tool.call.v1",
    "time": "2026-01-05T09:00:00.250Z",
    "tenant": "acme",
    "data": {"tool": "shell", "outcome": "denied", "duration_ms": 3, "egress": False},
}


def decoder(**limits: int) -> EventDecoder:
    return EventDecoder(Redactor(b"k" * 32), Limits(**limits))


def decode(event: Any, *, tenant: str = "", made: EventDecoder | None = None) -> Event | Rejected:
    text = event if isinstance(event, bytes) else orjson.dumps(event)
    return (made or decoder()).one(text, now=NOW, tenant=tenant, position=7)


def good(event: Any, *, tenant: str = "", made: EventDecoder | None = None) -> Event:
    out = decode(event, tenant=tenant, made=made)
    assert isinstance(out, Event), out
    return out


def refused(event: Any, *, tenant: str = "") -> Rejected:
    out = decode(event, tenant=tenant)
    assert isinstance(out, Rejected), out
    assert out.position == 7
    return out


def event(**changes: Any) -> dict[str, Any]:
    out = {**copy.deepcopy(GOOD), **changes}
    return {k: v for k, v in out.items() if v is not ...}


def test_an_event() -> None:
    made = decoder()
    for _ in range(2):  # The first teaches the type, the second goes the short way.
        out = good(GOOD, made=made)
        assert out[:5] == ("e-1", "/svc/assistant", "tool.call", "acme", 1_767_603_600_250)
        assert out.document == {**GOOD, "type": "tool.call"}
        assert out.key == digest64("acme", "/svc/assistant", "e-1")
        assert out.weight == 1
    assert not made.notices


@pytest.mark.parametrize(
    ("given_type", "name"),
    [
        ("ai.safety.tool.call.v1", "tool.call"),
        ("ai.safety.tool.call.v12", "tool.call"),
        ("tool.call", "tool.call"),
        ("ai.safety.own.thing.v3", "own.thing"),
        ("com.example.created", "com.example.created"),
        ("ai.safety.tool.call", "ai.safety.tool.call"),
        ("ai.safety..v1", "ai.safety..v1"),
    ],
)
def test_types(given_type: str, name: str) -> None:
    made = decoder()
    for _ in range(2):
        out = good(event(type=given_type, data={}), made=made)
        assert (out.type, out.document["type"]) == (name, name)


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"id": ...}, "missing_attribute", "/id"),
        ({"id": None}, "missing_attribute", "/id"),
        ({"id": ""}, "invalid_value", "/id"),
        ({"id": 5}, "wrong_type", "/id"),
        ({"source": ...}, "missing_attribute", "/source"),
        ({"source": ""}, "invalid_value", "/source"),
        ({"source": ["x"]}, "wrong_type", "/source"),
        ({"type": ...}, "missing_attribute", "/type"),
        ({"type": ""}, "invalid_value", "/type"),
        ({"type": {}}, "wrong_type", "/type"),
        ({"specversion": ...}, "missing_attribute", "/specversion"),
        ({"specversion": "0.3"}, "unsupported_specversion", "/specversion"),
        ({"specversion": 1.0}, "wrong_type", "/specversion"),
        ({"tenant": 5}, "wrong_type", "/tenant"),
        ({"subject": {}}, "wrong_type", "/subject"),
        ({"time": "yesterday"}, "invalid_time", "/time"),
        ({"time": 1_767_603_600}, "invalid_time", "/time"),
        ({"time": "2026-W01-1T09:00:00Z"}, "invalid_time", "/time"),
        ({"time": ""}, "invalid_time", "/time"),
        ({"data": "text"}, "invalid_data", "/data"),
        ({"data": [1]}, "invalid_data", "/data"),
        ({"data": 5}, "invalid_data", "/data"),
        ({"data": True}, "invalid_data", "/data"),
        ({"data_base64": "e30="}, "invalid_data", "/data"),
        ({"data": ..., "data_base64": 5}, "wrong_type", "/data_base64"),
        ({"data": ..., "data_base64": "%%%"}, "invalid_data", "/data_base64"),
        ({"data": ..., "data_base64": "eA=="}, "invalid_json", "/data_base64"),
        ({"data": ..., "data_base64": "WzFd"}, "invalid_data", "/data_base64"),
        (
            {"data": ..., "data_base64": "e30=", "datacontenttype": "image/png"},
            "invalid_data",
            "/data_base64",
        ),
    ],
)
def test_faults_have_a_code_a_place_and_a_way_out(
    changes: dict[str, Any], code: str, pointer: str
) -> None:
    out = refused(event(**changes))
    assert (out.code, out.pointer) == (code, pointer)
    assert "Send" in out.message or "send" in out.message
    assert out.size > 0


def test_every_fault_is_named_at_once() -> None:
    out = refused({"specversion": "2", "id": 1, "time": "x", "tenant": [], "data": "x"})
    assert out.code == "unsupported_specversion"
    for word in ("specversion", "id is", "source is", "type is", "tenant is", "time is", "data is"):
        assert word in out.message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "empty_body"),
        (b" \n", "empty_body"),
        (b"{", "invalid_json"),
        (b"{'id': 1}", "invalid_json"),
        (b"{} {}", "invalid_json"),
        (b"\xef\xbb\xbf{}", "invalid_json"),
        (b"[1]", "not_an_object"),
        (b"5", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"true", "not_an_object"),
        (b'{"id":"\xff"}', "invalid_utf8"),
        (b'{"id":"\\ud800"}', "invalid_utf8"),
        (b'{"id":"\\udc00\\ud800"}', "invalid_utf8"),
        (b'{"id":NaN}', "number_out_of_range"),
        (b'{"id":Infinity}', "number_out_of_range"),
        (b'{"id":-Infinity}', "number_out_of_range"),
        (b'{"id":1e999}', "number_out_of_range"),
        (b"[" * 10_000, "too_deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too_deep"),
    ],
)
def test_unreadable_texts(text: bytes, code: str) -> None:
    assert refused(text).code == code


@pytest.mark.parametrize("levels", [62, 63, 64, 100, 250, 255, 300, 1000])
@pytest.mark.parametrize("field", ["own", "tool", "content"])
def test_depth(levels: int, field: str) -> None:
    text = orjson.dumps(event(data={field: 0})).replace(
        b":0}", b":" + b"[" * levels + b"]" * levels + b"}"
    )
    assert orjson.loads(text)
    made = decoder()
    good(GOOD, made=made)  # From here on the short way is open.
    out = decode(text, made=made)
    assert isinstance(out, Event) if levels <= 62 else out.code == "too_deep"


def with_number(number: str, where: str) -> bytes:
    text = orjson.dumps(event(data={"x": {"y": 0}} if where == "own" else {where: 0}))
    return text.replace(b'":0', b'":' + number.encode())


@pytest.mark.parametrize("where", ["duration_ms", "tool", "own", "undeclared"])
@pytest.mark.parametrize(
    ("number", "fits"),
    [
        ("18446744073709551615", True),
        ("18446744073709551616", False),
        ("-9223372036854775808", True),
        ("-9223372036854775809", False),
        ("1" + "0" * 30, False),
        ("1" + "0" * 300, False),
        ("1e30", True),
        ("18446744073709551616.0", True),
        ("-1e300", True),
        ("1e-400", True),
    ],
)
def test_integers_beyond_64_bits_are_refused_not_rounded(
    where: str, number: str, fits: bool
) -> None:
    text = with_number(number, where)
    if fits:
        good(text)
    else:
        out = refused(text)
        assert out.code == "number_out_of_range"
        assert out.pointer == ("/data/x/y" if where == "own" else f"/data/{where}")
        assert number not in out.message


def test_a_large_integer_in_an_attribute_or_in_base64_is_refused_too() -> None:
    text = orjson.dumps(event(own=0)).replace(b'"own":0', b'"own":18446744073709551616')
    assert refused(text).pointer == "/own"
    inner = "eyJ4IjoxODQ0Njc0NDA3MzcwOTU1MTYxNn0="  # {"x":18446744073709551616}
    out = refused(event(data=..., data_base64=inner))
    assert (out.code, out.pointer) == ("number_out_of_range", "/data_base64")


@pytest.mark.parametrize("levels", [64, 1000])
def test_depth_inside_base64(levels: int) -> None:
    inner = b'{"x":' + b"[" * levels + b"1" + b"]" * levels + b"}"
    out = refused(event(data=..., data_base64=base64.b64encode(inner).decode()))
    assert out.code == "too_deep"


def test_a_text_that_only_one_parser_takes_is_refused() -> None:
    assert number_fault(b'{"x": oops}', Redactor(b"k" * 32)) is not None


@pytest.mark.parametrize("odd", ["\x7f", "\x85", "\u2028", "\n", "\x00"])
@pytest.mark.parametrize("where", ["id", "source", "subject", "tool"])
def test_control_characters_are_masked_on_every_way(odd: str, where: str) -> None:
    made = decoder()
    good(GOOD, made=made)
    text = f"a{odd}b"
    out = good(event(data={"tool": text}) if where == "tool" else event(**{where: text}), made=made)
    held = out.document["data"] if where == "tool" else out.document
    assert isinstance(held, dict)
    assert str(held[where]).startswith("hmac:")
    assert made.notices == {"label_unbounded": 1}
    assert out.key == digest64(out.tenant, out.source, out.id)


def test_a_large_integer_in_content_goes_with_the_content() -> None:
    text = orjson.dumps(event(data={"content": {"x": 0}}))
    assert good(text.replace(b'"x":0', b'"x":18446744073709551616')).document["data"] == {}


def test_duplicate_keys_the_last_wins() -> None:
    text = b'{"id":"a","id":"b",' + orjson.dumps(event(id=...))[1:]
    assert good(text).id == "b"
    text = orjson.dumps(event(data={})).replace(
        b'"data":{}', b'"data":{"content":{"a":"the first one"},"content":{"a":"x"},"tool":"t"}'
    )
    assert good(text).document["data"] == {"tool": "t"}


@pytest.mark.parametrize("data", [None, {}, ...])
def test_data_is_always_an_object(data: Any) -> None:
    assert good(event(data=data)).document["data"] == {}


def test_data_base64() -> None:
    out = good(event(data=..., data_base64="eyJ0b29sIjoic2hlbGwifQ=="))
    assert out.document["data"] == {"tool": "shell"}
    assert "data_base64" not in out.document


def test_nulls_are_absent_attributes() -> None:
    out = good(event(subject=None, tenant=None))
    assert "subject" not in out.document
    assert out.tenant == ""


def test_no_time_is_the_receive_time_and_counted() -> None:
    made = decoder()
    assert good(event(time=...), made=made).at == NOW
    assert made.notices == {"time_missing": 1}


@pytest.mark.parametrize(
    ("rate", "weight", "notice"),
    [
        (1, 1, ""),
        (10, 10, ""),
        (0, 1, "sampledrate_invalid"),
        (-3, 1, "sampledrate_invalid"),
        ("10", 1, "sampledrate_invalid"),
        (2.5, 1, "sampledrate_invalid"),
        (True, 1, "sampledrate_invalid"),
        (2**40, 1_000_000, "sampledrate_capped"),
    ],
)
def test_weight(rate: Any, weight: int, notice: str) -> None:
    made = decoder()
    for _ in range(2):
        out = good(event(sampledrate=rate), made=made)
        assert (out.weight, type(out.weight)) == (weight, int)
    assert made.notices == ({notice: 2} if notice else {})


def test_the_transports_tenant_wins() -> None:
    made = decoder()
    good(GOOD, made=made)
    for _ in range(2):
        out = good(GOOD, tenant="globex", made=made)
        assert (out.tenant, out.document["tenant"]) == ("globex", "globex")
        assert out.document["tenant_claimed"] == "acme"
        assert out.key == digest64("globex", "/svc/assistant", "e-1")
    assert made.notices == {"tenant_disagrees": 2}
    for claim in ("acme", ...):
        out = good(event(tenant=claim), tenant="acme", made=made)
        assert (out.tenant, out.document["tenant"]) == ("acme", "acme")
        assert "tenant_claimed" not in out.document
    assert made.notices == {"tenant_disagrees": 2}


def test_a_producer_cannot_forge_what_it_claimed() -> None:
    made = decoder()
    out = good(event(tenant_claimed="initech"), tenant="acme", made=made)
    assert "tenant_claimed" not in out.document
    assert made.notices == {"reserved_attribute": 1}


def test_arrivaltime_is_nobodys_business_but_the_replays() -> None:
    made = decoder()
    plain, live = good(GOOD, made=made), good(event(arrivaltime="2030-01-01T00:00:00Z"), made=made)
    assert live == plain
    text = orjson.dumps(event(arrivaltime="2026-01-05T10:00:00Z"))
    assert made.recorded(text, now=NOW) == (plain, 1_767_607_200_000)
    assert made.recorded(orjson.dumps(GOOD), now=NOW) == (plain, 1_767_603_600_250)
    out, now = made.recorded(orjson.dumps(event(time=...)), now=NOW)
    assert isinstance(out, Event)
    assert out.at == now == NOW


@pytest.mark.parametrize("arrived", ["soon", 5, [], {}, ""])
def test_a_recording_with_a_bad_arrivaltime_says_so(arrived: Any) -> None:
    out, now = decoder().recorded(orjson.dumps(event(arrivaltime=arrived)), now=NOW)
    assert isinstance(out, Rejected)
    assert (out.code, out.pointer, now) == ("invalid_time", "/arrivaltime", NOW)
    out, now = decoder().recorded(orjson.dumps(event(time="bad")), now=NOW)
    assert isinstance(out, Rejected)
    assert (out.pointer, now) == ("/time", NOW)
    assert isinstance(decoder().recorded(b"{", now=NOW)[0], Rejected)
    assert isinstance(decoder().recorded(b"[]", now=NOW)[0], Rejected)


def test_body_tells_a_redelivery_from_a_reused_id() -> None:
    made = decoder()
    first = good(GOOD, made=made)
    shuffled = good(dict(reversed(GOOD.items())), made=made)
    assert (first.key, first.body) == (shuffled.key, shuffled.body)
    changed = good(event(data={"tool": "shell"}), made=made)
    assert first.key == changed.key
    assert first.body != changed.body
    raw = [event(data={"content": {"a": text}}) for text in ("one", "two")]
    one, two = (good(doc, made=made) for doc in raw)
    assert one.document == two.document
    assert one.body != two.body  # Taken before redaction.
    assert -(2**63) <= first.body < 2**63
    other = EventDecoder(Redactor(b"x" * 32))
    assert good(GOOD, made=other).body != first.body
    assert good(GOOD, made=EventDecoder(Redactor(b"x" * 32), digest=checksum)).key == first.key


def test_a_document_of_another_format() -> None:
    made = decoder()
    assert made.document(copy.deepcopy(GOOD), now=NOW) == good(GOOD)
    for bad, code in (
        (float("nan"), "number_out_of_range"),
        (float("inf"), "number_out_of_range"),
        (2**64, "number_out_of_range"),
        (b"raw", "invalid_data"),
        ("\ud800", "invalid_data"),
    ):
        out = made.document(event(data={"x": bad}), now=NOW)
        assert isinstance(out, Rejected)
        assert out.code == code


# ------------------------------------------------------------------------------------- properties

CANARY = "c4n4ry the secret, verbatim!"


def places() -> list[dict[str, Any]]:
    long = CANARY * 12
    return [
        event(data={"content": CANARY}),
        event(data={"content": {"a": [CANARY]}, "tool": "x"}),
        event(data={"own": CANARY}),
        event(data={"own": {"a": [{"b": CANARY}]}}),
        event(data={CANARY: 1}),
        event(data={"a": {CANARY: 1}}),
        event(data={"tool": long}),
        event(data={"tool": CANARY + "\n"}),
        event(data={"user_ref": long}),
        event(data={"doc_ids": [long]}, type="retrieval.query"),
        event(data={"duration_ms": CANARY}),
        event(data=CANARY),
        event(data=[CANARY]),
        event(prompt=CANARY),
        event(**{CANARY: 1}),
        event(id=long),
        event(source=long),
        event(type=CANARY),
        event(tenant=CANARY),
        event(subject=long),
        event(time=CANARY),
        event(specversion=CANARY),
        event(sampledrate=CANARY),
        event(id=[CANARY]),
        event(tenant={"a": CANARY}),
        event(arrivaltime=CANARY),
        event(tenant_claimed=CANARY),
        event(data=..., data_base64=CANARY),
        event(data={CANARY: 0}, own=0),
    ]


@pytest.mark.parametrize("number", range(len(places())))
def test_a_planted_secret_appears_nowhere(number: int) -> None:
    made = decoder()
    good(GOOD, made=made)
    for _ in range(2):
        out = decode(places()[number], made=made)
        assert "c4n4ry" not in repr(out)
        assert "c4n4ry" not in repr(made.notices)
    # The whole decoder, after the fact: nothing of a text may linger in a table.
    assert "c4n4ry" not in repr(made.__dict__)


@pytest.mark.parametrize(
    "text",
    [
        b'{"id":"c4n4ry',
        b'{"id":"c4n4ry"x}',
        b'c4n4ry{"id":1}',
        b'{"c4n4ry text" 1}',
        b'{"id":"c4n4ry\xff"}',
        b'{"id":"c4n4ry\\ud800"}',
        b'"c4n4ry text"',
        b'{"c4n4ry text":NaN}',
        orjson.dumps(event(data={"c4n4ry text": 0})).replace(b":0}", b":18446744073709551616}"),
    ],
)
def test_a_secret_in_a_broken_text_appears_nowhere(text: bytes) -> None:
    out = refused(text)
    assert "c4n4ry" not in repr(out)


@given(st.binary(max_size=200))
@example(b"{}")
@example(b'{"data":{"content":' + b"[" * 300 + b"]" * 300 + b"}}")
def test_any_bytes_have_an_answer(text: bytes) -> None:
    assert isinstance(decode(text), Event | Rejected)


FIELDS = sorted({field for name in TYPES for field in fields_of(name)})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=300)
    | st.sampled_from(
        ["ok", "denied", "a b", "a\nb", "x" * 257, "\x7f", "é", "\u2028", "2026-01-05T09:00:00Z"]
    )
)
VALUES = (
    SCALARS
    | st.lists(SCALARS, max_size=3)
    | st.dictionaries(st.text(max_size=5), SCALARS, max_size=3)
)
NAMES = st.sampled_from([*ATTRIBUTES, "arrivaltime", "own", "data_base64"])
DOCS = st.builds(
    lambda base, changes, drop, data: {
        k: v for k, v in {**base, **changes, "data": data}.items() if k not in drop
    },
    st.just(GOOD),
    st.dictionaries(NAMES, VALUES, max_size=2),
    st.sets(st.sampled_from([*GOOD, "none"]), max_size=1),
    VALUES | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), VALUES, max_size=6),
)


def as_json(doc: Any) -> bytes:
    import json

    return json.dumps(doc).encode()


@given(DOCS, st.sampled_from(["", "acme", "globex"]))
def test_the_short_way_and_the_complete_way_agree(doc: Any, tenant: str) -> None:
    text = as_json(doc)
    short, complete = decoder(), decoder()
    short.one(text, now=NOW, tenant=tenant)  # Teaches the type.
    short.notices.clear()
    complete._short = lambda *_: None  # type: ignore[method-assign]
    assert short.one(text, now=NOW, tenant=tenant) == complete.one(text, now=NOW, tenant=tenant)
    assert short.notices == complete.notices


@given(DOCS)
def test_decoding_what_was_decoded_changes_nothing(doc: Any) -> None:
    out = decode(as_json(doc))
    if isinstance(out, Event):
        again = decode(orjson.dumps(out.document))
        assert isinstance(again, Event)
        assert again.document == out.document
        assert again[:4] == out[:4]


def test_nearly_every_good_event_goes_the_short_way() -> None:
    made = decoder()
    good(GOOD, made=made)
    made._complete = lambda *_: pytest.fail("went the complete way")  # type: ignore[method-assign]
    good(GOOD, made=made)
    good(event(data={"tool": "shell", "content": {"arguments": "x"}}), made=made)
    good(event(sampledrate=10, subject="s", traceparent="00-ab-cd-01"), tenant="acme", made=made)


def test_tables_of_types_and_tenants_do_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesd.ingest.event._TABLE_LIMIT", 10)
    made = decoder()
    for number in range(100):
        good(event(type=f"t{number}", tenant=f"x{number}"), made=made)
        good(event(type="tool.call", tenant=f"x{number}"), made=made)
    assert len(made._kinds) <= 10
    assert len(made._tenants) <= 10


def test_refusals_join_their_messages() -> None:
    from rulesd.ingest.faults import refusal

    faults = [Fault(ErrorCode.TYPE, "/a", "one"), Fault(ErrorCode.TYPE, "/b", "one")]
    assert refusal(faults, 3, 9) == Rejected(3, "wrong_type", "one", "/a", 9)


def test_notices_are_counted_for_accepted_events_only() -> None:
    made = decoder()
    decode(event(data={"own": "a b"}, id=5), made=made)
    assert made.notices == Counter()
    decode(event(data={"own": "a b"}), made=made)
    assert made.notices == Counter(undeclared_string=1)
