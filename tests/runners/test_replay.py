"""Replay: recorded lines on the clock of the recording, and the journal of a daemon from its beginning."""

from typing import Any

import orjson
import pytest

from rulesd.cli.decoding import recorded_decoder
from rulesd.core.engine import Engine
from rulesd.model.errors import StoreError
from rulesd.model.instant import SECOND, format_instant
from rulesd.runners.replay import replay_journal, replay_lines
from tests.core.plans import T0
from tests.runners.room import BOTH, Room, denied, in_room, quiet


def line(id_: str, seconds: float = 0, **more: Any) -> bytes:
    data = more.pop("data", {})
    time = format_instant(T0 + round(seconds * SECOND))
    head = {
        "specversion": "1.0",
        "id": id_,
        "source": "/s",
        "type": "tool.call",
        "tenant": "acme",
        "time": time,
    }
    return orjson.dumps({**head, "data": data, **more}) + b"\n"


def run(lines: list[bytes], **options: Any) -> tuple[list[dict[str, Any]], Any]:
    out: list[bytes] = []
    summary = replay_lines(lines, Engine(BOTH), recorded_decoder(), out.append, **options)
    assert all(text.endswith(b"\n") for text in out)
    return [orjson.loads(text) for text in out], summary


def test_lines_are_decided_on_the_clock_of_the_recording() -> None:
    log, summary = run([line("e1", 0, data={"scope": "out"}), b"\n", line("e2", 60)])
    assert [d["kind"] for d in log] == ["alert.firing", "notification.due"]
    assert {d["at"] for d in log} == {format_instant(T0)}
    assert [d["seq"] for d in log] == [1, 2]
    assert (summary.events, summary.decisions, summary.last) == (2, 2, T0 + 60 * SECOND)


def test_the_arrival_may_differ_from_the_time_of_the_event() -> None:
    log, _ = run(
        [line("e1", 0, arrivaltime=format_instant(T0 + 5 * SECOND), data={"scope": "out"})]
    )
    assert log[0]["at"] == format_instant(T0 + 5 * SECOND)
    assert log[0]["event_time"] == format_instant(T0)


def test_an_arrival_that_goes_back_is_read_as_the_latest_and_counted() -> None:
    log, summary = run([line("e1", 10), line("e2", 0, data={"scope": "out"})])
    assert log[0]["at"] == format_instant(T0 + 10 * SECOND)
    assert summary.clamped == 1


def test_a_line_that_cannot_be_taken_is_a_decision() -> None:
    log, summary = run([line("", 0), b"{nothing\n", line("e1", 1, data={"scope": "out"})])
    assert [d["kind"] for d in log[:2]] == ["event.rejected", "event.rejected"]
    assert [d["code"] for d in log[:2]] == ["invalid_value", "invalid_json"]
    assert (summary.events, summary.rejected) == (3, 2)


def test_the_clock_stops_at_the_last_arrival_or_where_it_is_told() -> None:
    burst = [line(f"e{n}", n, data={"outcome": "denied"}) for n in range(3)]
    log, _ = run(burst)
    assert [d["kind"] for d in log] == ["alert.firing"]
    until = T0 + 60 * SECOND
    log, summary = run([*burst, line("late", 61, data={"scope": "out"})], until=until)
    assert [d["kind"] for d in log][:2] == ["alert.firing", "notification.due"]
    assert summary.events == 3


def test_the_same_lines_give_the_same_bytes() -> None:
    lines = [
        line(f"e{n}", n * 7, data={"outcome": "denied", "scope": "out" if n % 9 == 0 else "in"})
        for n in range(60)
    ]
    assert run(lines) == run(lines)


async def _burst(room: Room) -> None:
    await room.send(*[denied(n) for n in range(3)])


def test_deadlines_that_ran_after_the_last_input_belong_to_the_log() -> None:
    async def story(room: Room) -> None:
        await _burst(room)
        due = room.engine.next_timer()
        assert due is not None
        room.clock.at = due
        room.crank._wake()

    room = in_room(story)
    assert [orjson.loads(text)["kind"] for text in room.log()] == [
        "alert.firing",
        "notification.due",
    ]
    out: list[bytes] = []
    shown: list[Engine] = []
    summary = replay_journal(room.store, lambda _: BOTH, out.append, look=shown.append)
    assert out == [text + b"\n" for text in room.log()]
    assert (summary.events, summary.decisions) == (3, 2)
    assert len(shown) == 1


def test_deadlines_that_have_not_run_are_not_made_up() -> None:
    room = in_room(_burst)
    out: list[bytes] = []
    replay_journal(room.store, lambda _: BOTH, out.append)
    assert out == [text + b"\n" for text in room.log()]


def test_a_journal_without_its_beginning_is_refused_in_words() -> None:
    async def story(room: Room) -> None:
        await _burst(room)
        await room.crank.checkpoint()
        await room.send(quiet("last"))

    room = in_room(story)
    while room.store.compact(journal_before=T0 + 1, keep_events=0, budget_rows=100):
        pass
    with pytest.raises(StoreError, match=r"begins at input 5.*Replay a backup"):
        replay_journal(room.store, lambda _: BOTH, lambda _: None)


def test_a_journal_that_does_not_begin_with_a_plan_is_refused() -> None:
    room = in_room(_burst, fresh=False)
    with pytest.raises(StoreError, match="does not begin with a plan"):
        replay_journal(room.store, lambda _: BOTH, lambda _: None)


def test_a_plan_whose_files_are_gone_is_named() -> None:
    room = in_room(_burst)
    room.store._plans.clear()
    with pytest.raises(StoreError, match="does not hold the files of plan"):
        replay_journal(room.store, lambda _: BOTH, lambda _: None)


def test_an_empty_journal_is_an_empty_log() -> None:
    async def nothing(_: Room) -> None:
        return

    room = in_room(nothing, fresh=False)
    assert replay_journal(room.store, lambda _: BOTH, lambda _: None).decisions == 0
