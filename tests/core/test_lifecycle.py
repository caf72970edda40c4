from rulesd.core.lifecycle import TABLE, Signal, diagram, step
from rulesd.model.reasons import AlertState


def test_every_state_is_reachable_and_resolved_is_the_end() -> None:
    assert TABLE[AlertState.RESOLVED] == {}
    reached = {to.state for row in TABLE.values() for to in row.values()} | {AlertState.INACTIVE}
    assert reached == set(AlertState)


def test_a_signal_that_means_nothing_changes_nothing() -> None:
    assert step(AlertState.INACTIVE, Signal.CLEARED) is None
    to = step(AlertState.PENDING, Signal.LASTED)
    assert to is not None
    assert to.state is AlertState.FIRING


def test_the_diagram_shows_every_transition() -> None:
    drawn = diagram()
    assert drawn.startswith("stateDiagram-v2")
    assert sum(len(row) for row in TABLE.values()) + 3 == len(drawn.strip().splitlines())
    assert "pending --> firing: condition lasted / alert.firing" in drawn
