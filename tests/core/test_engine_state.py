"""Everything as plain data and back; the stories of restarts are in test_engine and in the twin."""

import pytest

from rulesd.core.engine import Engine
from rulesd.core.engine_state import KeyState, everything
from rulesd.model.event import Json
from tests.core.foreigners import Posts
from tests.core.plans import plan, rule


def test_rows_of_every_part_are_written_and_found_again() -> None:
    w = Posts(under=plan(rule()))
    w.post(0, "A x=1", "A x=2").send(1, tool="x")
    rows = {(state.rule, state.key): state for state in w.engine.changes()}
    assert {name for name, _ in rows} == {"tool.denied", "@foreign", "@groups"}
    assert {(s.rule, s.key): s for s in everything(w.engine)} == rows
    assert list(w.engine.changes()) == []
    again = Engine(w.engine.plan)
    assert again.restore(w.engine.small_state(), rows.values()) == []
    assert again.snapshot() == w.engine.snapshot()
    assert again.handle_timer(w.now + 10**6) == w.engine.handle_timer(w.now + 10**6)


def test_what_is_gone_is_a_row_without_data() -> None:
    w = Posts(under=plan(rule()))
    w.post(0, "A", ends=5)
    list(w.engine.changes())
    w.at(4_000)
    gone = [state for state in w.engine.changes() if state.data is None]
    assert {state.rule for state in gone} == {"@foreign", "@groups"}


def test_rows_of_rules_that_are_others_now_are_void() -> None:
    w = Posts(under=plan(rule()))
    w.send(0)
    small, keys = w.engine.snapshot()
    other = Engine(plan(rule(digest="other")))
    assert other.restore(small, [*keys, KeyState("@nobody", ("x",), None)]) == ["tool.denied"]
    assert other.detection.episodes.alerts(0) == []


def test_a_key_that_was_forgotten_is_a_row_without_data() -> None:
    w = Posts(under=plan(rule()))
    w.send(0)
    book = w.engine.detection.books[0]
    book.dirty["nobody",] = None
    assert KeyState("tool.denied", ("nobody",), None) in list(w.engine.changes())


def test_state_of_a_version_before_there_were_machines_is_read() -> None:
    w = Posts(under=plan(rule()))
    w.send(0)
    small, keys = w.engine.snapshot()
    assert isinstance(small, dict)
    older: dict[str, Json] = {k: v for k, v in small.items() if k != "machines"}
    again = Engine(w.engine.plan)
    assert again.restore(older, keys) == []
    assert again.alerts() == w.engine.alerts()
    with pytest.raises(AssertionError):
        Engine(w.engine.plan).restore({**small, "version": 99}, keys)
