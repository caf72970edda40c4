"""Runs of journal rows: what is unpacked is what was packed, or it is refused."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.ports.store import JournalRow
from rulesd.stores.checksums import Damaged
from rulesd.stores.segment import (
    event_id,
    identities,
    name_bytes,
    pack,
    positions,
    unpack,
    verify,
)

numbers = st.integers(-(2**63), 2**63 - 1)
rows = st.lists(
    st.builds(
        JournalRow,
        now=numbers,
        kind=st.sampled_from(["event", "ack", "delivered", "plan"]),
        payload=st.binary(max_size=40) | st.just(b'{"id":"e1"}'),
        key=numbers,
        body=numbers,
        at=numbers,
    ),
    min_size=1,
    max_size=20,
)


@given(rows, st.integers(0, 2**60))
def test_unpacked_is_packed(some, first):
    run = pack(first, 7, some)
    assert list(unpack(run)) == list(enumerate(some, first))
    assert list(identities(run)) == [
        (row.key, row.body, row.now) for row in some if row.kind == "event"
    ]
    assert (run.events, run.newest) == (
        sum(row.kind == "event" for row in some),
        max(row.now for row in some),
    )


def test_every_changed_field_is_found():
    some = [
        JournalRow(now=n, kind="event", payload=b'{"id":"e%d"}' % n, key=n, body=n, at=n)
        for n in range(3)
    ]
    run = pack(5, 2, some)
    verify(run)
    changes = {
        "first": 6,
        "rows": 2,
        "earlier": 3,
        "events": 2,
        "newest": 9,
        "kinds": "ack",
        "names": run.names[:-1] + b"x",
        "columns": run.columns[:-1] + b"x",
        "index_sum": run.index_sum + 1,
        "payload_sum": run.payload_sum + 1,
        "payloads": run.payloads[:-1] + b"x",
    }
    assert set(changes) == set(run._fields)
    for field, value in changes.items():
        with pytest.raises(Damaged):
            list(unpack(run._replace(**{field: value})))
    assert len(list(identities(run._replace(payloads=b"")))) == 3


@pytest.mark.parametrize(
    ("payload", "identity"),
    [
        (b'{"id":"a","document":{"id":"b"}}', "a"),
        (b'{"document":{"id":"b"}}', "b"),
        (b'{"data":{"id":"c"}}', ""),
        (b'{"id":"\\ud83d\\ude00"}', "\U0001f600"),
        (b'{"id":5}', ""),
        (b'{"id":null}', ""),
        (b'["acme",1,{"id":"d","data":{"id":"c"}}]', "d"),
        (b'[{},{"id":"d"},{"id":"e"}]', "d"),
        (b'["d"]', ""),
        (b"[1,2]", ""),
        (b'[{"id":4}]', ""),
        (b"", ""),
        (b"\xff", ""),
        (b'{"id":"\xff"}', ""),
        (b'{"id":"a"', ""),
        (b"[" * 100_000, ""),
    ],
)
def test_the_id_of_an_event(payload, identity):
    assert event_id(payload) == identity


def test_names_are_found_only_where_they_stand():
    some = [JournalRow(now=0, kind="event", payload=b'{"id":"e%d"}' % n, key=0) for n in range(500)]
    run = pack(1, 0, some)
    for n in (0, 7, 499):
        assert list(positions(run, name_bytes(f"e{n}"))) == [n]
    # The bytes of a name across two others are no name.
    assert not list(positions(pack(1, 0, some[:2]), run.names[2:6]))
    twice = pack(1, 0, [some[3], some[4], some[3]])
    assert list(positions(twice, name_bytes("e3"))) == [0, 2]


def test_names_do_not_change_between_versions():
    """They are on disk: another digest would make stored events impossible to find."""
    assert name_bytes("e1").hex() == "278d8d08"
    assert name_bytes("\udc80")


def test_what_cannot_be_stored_is_refused():
    good = JournalRow(now=0, kind="event", payload=b"")
    for kind in ("", "a,b"):
        with pytest.raises(ValueError, match="word without a comma"):
            pack(1, 0, [good, JournalRow(now=0, kind=kind, payload=b"")])
    for field in ("now", "key", "body", "at"):
        values = {"now": 0, "kind": "event", "payload": b"", field: 2**63}
        with pytest.raises(ValueError, match="64 bits"):
            pack(1, 0, [good, JournalRow(**values)])


def test_large_runs():
    chance = random.Random(1)
    some = [
        JournalRow(now=n, kind="event", payload=chance.randbytes(chance.randrange(900)), key=n)
        for n in range(1_024)
    ]
    assert [row for _, row in unpack(pack(1, 0, some))] == some
