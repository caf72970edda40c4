"""The life of an alert, as a table.

Law: everything that decides a transition is in this file; nothing here knows about rules, people or time.

An alert is inactive, pending (its condition holds, but not yet for ``for``), firing, or resolved. Resolved is the end of an
episode: the next one starts from inactive. While firing, the end of the condition starts the hold (``keep_firing_for``): a return
within the hold continues the same episode, so there is no transition for it.
"""

from enum import StrEnum
from typing import NamedTuple

from rulesd.model.decision import Kind
from rulesd.model.reasons import AlertState, Reason


class Signal(StrEnum):
    """What may happen to an alert."""

    MET = "condition met"
    MET_MUST_LAST = "condition met, must last"
    LASTED = "condition lasted"
    CLEARED = "condition cleared"
    HOLD_ELAPSED = "hold elapsed"
    PERSON_RESOLVED = "resolved by a person"
    RULE_REMOVED = "rule removed"


class Transition(NamedTuple):
    """Where a signal leads, and what is said about it."""

    state: AlertState
    kind: Kind
    reason: Reason


_I, _P, _F, _R = AlertState.INACTIVE, AlertState.PENDING, AlertState.FIRING, AlertState.RESOLVED

TABLE: dict[AlertState, dict[Signal, Transition]] = {
    _I: {
        Signal.MET: Transition(_F, Kind.FIRING, Reason.CONDITION_MET),
        Signal.MET_MUST_LAST: Transition(_P, Kind.PENDING, Reason.CONDITION_MET),
    },
    _P: {
        Signal.LASTED: Transition(_F, Kind.FIRING, Reason.PENDING_ELAPSED),
        Signal.CLEARED: Transition(_R, Kind.SUPPRESSED, Reason.PENDING_CLEARED),
        Signal.PERSON_RESOLVED: Transition(_R, Kind.SUPPRESSED, Reason.RESOLVED_BY_PERSON),
        Signal.RULE_REMOVED: Transition(_R, Kind.SUPPRESSED, Reason.RULE_REMOVED),
    },
    _F: {
        Signal.CLEARED: Transition(_R, Kind.RESOLVED, Reason.CONDITION_CLEARED),
        Signal.HOLD_ELAPSED: Transition(_R, Kind.RESOLVED, Reason.HOLD_ELAPSED),
        Signal.PERSON_RESOLVED: Transition(_R, Kind.RESOLVED, Reason.RESOLVED_BY_PERSON),
        Signal.RULE_REMOVED: Transition(_R, Kind.RESOLVED, Reason.RULE_REMOVED),
    },
    _R: {},
}


def step(state: AlertState, signal: Signal) -> Transition | None:
    """Apply a signal; ``None`` when it means nothing in this state."""
    return TABLE[state].get(signal)


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    rows = ["stateDiagram-v2", "    [*] --> inactive"]
    rows += [
        f"    {state} --> {to.state}: {signal} / {to.kind}"
        for state, row in TABLE.items()
        for signal, to in row.items()
    ]
    return "\n".join([*rows, "    resolved --> [*]"]) + "\n"
