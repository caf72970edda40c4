import orjson
import pytest

from rulesd.cli.decoding import recorded_decoder
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.model.errors import StoreError
from rulesd.model.event import Event
from rulesd.model.inputs import Acknowledged, PlanReplaced
from rulesd.model.instant import format_instant
from rulesd.ports.store import Commit
from rulesd.runners import codec
from rulesd.runners.replay import replay_journal, replay_lines
from rulesd.stores.memory import MemoryStore
from tests.core.plans import T0, event, plan, rule


def line(n: int, *, arrives: int, **data: object) -> bytes:
    raw = {
        "specversion": "1.0",
        "id": f"e{n}",
        "source": "/svc",
        "type": "tool.call",
        "time": format_instant(T0),
        "arrivaltime": format_instant(T0 + arrives),
        "tenant": "acme",
        "data": data,
    }
    return orjson.dumps(raw)


def test_the_clock_is_the_recordings_and_one_that_goes_back_is_clamped_and_counted() -> None:
    out: list[bytes] = []
    summary = replay_lines(
        [line(1, arrives=5_000), b"\n", line(2, arrives=0), b"{"],
        Engine(plan(rule())),
        recorded_decoder(),
        out.append,
    )
    rows = [orjson.loads(o) for o in out]
    assert (summary.events, summary.rejected, summary.clamped, summary.last) == (
        3,
        1,
        2,
        T0 + 5_000,
    )
    assert rows[0]["at"] == format_instant(T0 + 5_000)
    assert rows[-1]["kind"] == "event.rejected"
    assert summary.decisions == len(rows)


def test_until_runs_the_clock_on_or_stops_before_what_comes_later() -> None:
    out: list[bytes] = []
    replay_lines(
        [line(1, arrives=0), line(2, arrives=90_000_000)],
        Engine(plan(rule())),
        recorded_decoder(),
        out.append,
        until=T0 + 88_000_000,
    )
    kinds = [orjson.loads(o)["kind"] for o in out]
    assert kinds == ["alert.firing", "notification.due", "alert.resolved", "notification.due"]


def journal(*rows: object) -> MemoryStore:
    store = MemoryStore()
    store.open()
    store.commit(Commit(plan=("d", b"archive")))
    inputs = [codec.input_row(r, T0 + n * 1_000) for n, r in enumerate(rows)]  # type: ignore[arg-type]
    store.commit(Commit(inputs=inputs))
    return store


def rebuild(archive: bytes) -> Plan:
    assert archive == b"archive"
    return plan(rule())


def test_a_journal_gives_the_live_decisions() -> None:
    one: Event = event("a", T0)
    live = Engine(plan(rule()))
    expected = [
        codec.decision_line(n, d) + b"\n" for n, d in enumerate(live.receive(one, T0 + 1_000), 1)
    ]
    out: list[bytes] = []
    summary = replay_journal(
        journal(PlanReplaced(digest="d"), one, Acknowledged(alert="nope", by="jo")),
        rebuild,
        out.append,
    )
    assert out == expected
    assert (summary.events, summary.decisions) == (1, len(expected))


def test_a_journal_that_lacks_its_beginning_or_a_plan_is_refused_with_a_way_out() -> None:
    with pytest.raises(StoreError, match="does not begin with a plan"):
        replay_journal(journal(event("a", T0)), rebuild, lambda b: None)
    with pytest.raises(StoreError, match="does not hold the files"):
        replay_journal(journal(PlanReplaced(digest="unknown")), rebuild, lambda b: None)
    store = journal(PlanReplaced(digest="d"), event("a", T0))
    store._journal = store._journal[1:]
    with pytest.raises(StoreError, match="begins at input 2"):
        replay_journal(store, rebuild, lambda b: None)
