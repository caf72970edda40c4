import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.engine import KeyState
from rulesd.model.event import Rejected
from rulesd.model.inputs import (
    Acknowledged,
    Delivered,
    EventRefused,
    Input,
    PlanReplaced,
    ResolvedByPerson,
    Unacknowledged,
)
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.ports.store import JournalRow
from rulesd.runners import codec
from tests.core.plans import T0, event, plan, rule
from tests.core.world import World

INPUTS: list[Input] = [
    event("e1", T0, weight=3, score=0.5),
    event("e2", T0, tenant=""),
    EventRefused(source="http", rejected=Rejected(2, "invalid_json", "said", "/id", 7)),
    Acknowledged(alert="a", by="jo", note="n"),
    Unacknowledged(alert="a", by="jo"),
    ResolvedByPerson(alert="a", by="jo"),
    Delivered(
        notification="n",
        receiver="r",
        channel="slack[0]",
        outcome=DeliveryOutcome.FAILED,
        reason=DeliveryReason.AUTH,
        attempts=4,
    ),
    PlanReplaced(digest="d", owner_pages=3, owner_window=9),
]


@pytest.mark.parametrize("item", INPUTS, ids=lambda i: type(i).__name__)
def test_every_input_is_read_back_as_it_was(item: Input) -> None:
    row = codec.input_row(item, T0 + 5)
    assert row.now == T0 + 5
    assert codec.read_input(row) == item


def test_a_kind_of_the_future_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'dream'"):
        codec.read_input(JournalRow(now=0, kind="dream", payload=b"[]"))


def test_a_decision_is_one_line_with_sorted_keys_and_the_row_beside_it_agrees() -> None:
    w = World(plan(rule())).send(0)
    for seq, decision in enumerate(w.decisions, 1):
        fields = orjson.loads(codec.decision_line(seq, decision))
        row = codec.decision_row(seq, decision)
        assert list(fields) == sorted(fields)
        assert (row.seq, row.kind, row.body) == (
            seq,
            fields["kind"],
            codec.decision_line(seq, decision),
        )
        assert (row.rule, row.alert) == (fields.get("rule", ""), fields.get("alert", ""))


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    max_leaves=8,
)


@given(st.lists(st.text()), plain)
def test_states_survive_their_written_form(key: list[str], data: object) -> None:
    state = KeyState("r", tuple(key), [data])  # type: ignore[list-item]
    assert list(codec.unpack_keys([codec.pack_key(state)])) == [state]
    assert codec.unpack_state(codec.pack_state(state.data)) == state.data


def test_a_key_that_is_gone_has_no_state() -> None:
    assert codec.pack_key(KeyState("r", ("a",), None)).state == b""
