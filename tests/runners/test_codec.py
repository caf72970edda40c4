"""What is written is read back as it was, and what a later version wrote is refused in words."""

import msgspec
import orjson
import pytest

from rulesd.core.engine import KeyState
from rulesd.model.event import Rejected
from rulesd.model.inputs import (
    Acknowledged,
    AlertsPosted,
    BaselinesRelearned,
    Delivered,
    EventRefused,
    HumansOnly,
    OverrideRemoved,
    OverrideSet,
    PlanReplaced,
    PostedAlert,
    ResolvedByPerson,
    ReviewCompleted,
    RolloutFinished,
    RolloutSigned,
    SilenceExpired,
    SilenceSet,
    SwitchApproved,
    SwitchReverted,
    SwitchSet,
    Unacknowledged,
)  # fmt: skip
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.ports.store import JournalRow
from rulesd.runners import codec
from tests.core.plans import T0, event
from tests.core.world import World
from tests.model.test_oncall import override
from tests.model.test_silence import silence
from tests.runners.room import BOTH

INPUTS = [
    event("e1", T0 + 5, tenant="acme", weight=7, tool="shell", n=1.5, deep={"a": [1, None, True, "x"]}),
    event("e2", tenant=""),
    EventRefused(source="http", rejected=Rejected(3, "invalid_time", "say when", "/time", 12)),
    Acknowledged(alert="a1", by="ana", note="looking"),
    Unacknowledged(alert="a1", by="ana"),
    ResolvedByPerson(alert="a1", by="ana", note="over"),
    Delivered(
        notification="m1", receiver="pager", channel="slack[0]", outcome=DeliveryOutcome.FAILED,
        reason=DeliveryReason.REFUSED, attempts=4,
    ),
    PlanReplaced(digest="d1", owner_pages=3, owner_window=60_000),
    AlertsPosted(alerts=(
        PostedAlert(labels={"alertname": "A"}, starts_at=T0, ends_at=T0 + 5, annotations={"summary": "s"}),
        PostedAlert(labels={}, starts_at=T0, ends_at=T0 + 5, timeout=True, fingerprint="00ff"),
    ), by="prometheus"),
    SilenceSet(silence=silence(annotations={"ticket": "7"}, approved_by="bo"), by="ana"),
    SilenceExpired(id="s1", by="ana"),
    OverrideSet(override=override(people=("ben", "chris"))),
    OverrideRemoved(id="o1", by="ana"),
    SwitchSet(id="w1", switch="lock_tool", by="ana", reason="r", labels={"tool": "shell"}, value="false", ttl=5),
    SwitchApproved(id="w1", by="bo"),
    SwitchReverted(id="w1", by="ana", reason="over"),
    HumansOnly(on=True, by="ana", reason="exercise"),
    RolloutSigned(change="c1", by="ana", note="n"),
    BaselinesRelearned(rule="t.x", labels={"a": "b"}, keys=(("b", "c"),), by="ana", reason="r"),
    RolloutFinished(change="c1", by="ana"),
    ReviewCompleted(review="r1", by="ana", verdict="harm", note="n", next="patch"),
]  # fmt: skip


@pytest.mark.parametrize("item", INPUTS, ids=lambda item: type(item).__name__)
def test_every_input_comes_back_as_it_was(item: object) -> None:
    row = codec.input_row(item, T0)  # type: ignore[arg-type]
    assert row.now == T0
    assert codec.read_input(row) == item
    orjson.loads(row.payload)  # People can read it.


def test_an_event_keeps_beside_its_document_what_that_does_not_say() -> None:
    made = event("e1", T0 + 5, weight=3)
    row = codec.event_row(made, T0 + 9)
    assert (row.kind, row.at, row.key, row.body) == ("event", T0 + 5, made.key, made.body)
    assert orjson.loads(row.payload) == ["acme", 3, dict(made.document)]


def test_posts_as_an_older_version_wrote_them_are_read() -> None:
    item = next(one for one in INPUTS if isinstance(one, AlertsPosted))
    row = JournalRow(now=T0, kind="posted", payload=msgspec.json.encode(item))
    assert codec.read_input(row) == item


def test_an_input_of_a_later_version_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="kind 'wish', which this version does not know"):
        codec.read_input(JournalRow(now=T0, kind="wish", payload=b"[]"))


def test_a_decision_is_one_line_with_sorted_keys_and_stands_so_in_the_log() -> None:
    w = World(BOTH).send(0, scope="out")
    line = codec.decision_line(1, w.decisions[0])
    said = orjson.loads(line)
    assert list(said) == sorted(said)
    assert said["seq"] == 1
    row = codec.decision_row(1, w.decisions[0])
    assert row.body == line
    assert (row.kind, row.rule, row.alert) == (said["kind"], "tool.scope", said["alert"])


def test_keys_and_state_survive_being_packed() -> None:
    w = (
        World(BOTH)
        .send(0, outcome="denied")
        .send(1, outcome="denied")
        .send(2, scope="out", tenant="globex")
    )
    small, keys = w.engine.snapshot()
    assert codec.unpack_state(codec.pack_state(small)) == small
    assert list(codec.unpack_keys(codec.pack_key(k) for k in keys)) == keys
    gone = codec.pack_key(KeyState("tool.denied", ("acme",), None))
    assert gone.state == b""
