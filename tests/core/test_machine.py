"""The protocol itself: every machine in the engine keeps its shape (the behaviour is tested in test_engine)."""

from rulesd.core.engine import Engine
from rulesd.core.machine import NOT_DUE
from tests.core.plans import plan, rule


def test_a_new_engine_waits_for_nothing_and_every_machine_has_a_name_of_its_own() -> None:
    engine = Engine(plan(rule()))
    assert engine.next_timer() is None
    assert engine.dispatch.due == engine.detection.due == NOT_DUE
    names = [machine.name for machine in engine.machines]
    assert len(names) == len(set(names))
    assert all(machine.due == NOT_DUE and machine.alerts() == [] for machine in engine.machines)
