"""A proof is a value; without a window one event is enough."""

from rulesd.core.proof import Proof


def test_one_event_is_enough_unless_there_is_a_window() -> None:
    made = Proof(switch="lock_tool", when=lambda document: True, labels=())
    assert (made.within, made.amount) == (0, None)
    assert made.when({})
