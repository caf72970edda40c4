from rulesd.model.event import Event, Rejected
from rulesd.model.inputs import Acknowledged, EventRefused


def test_inputs_are_values() -> None:
    assert Acknowledged(alert="a", by="jo") == Acknowledged(alert="a", by="jo", note="")
    assert EventRefused(source="http", rejected=Rejected(0, "c", "m", "")).rejected.size == 0


def test_an_event_weighs_one_unless_it_was_sampled() -> None:
    assert Event("i", "s", "t", "", 0, {}, 1, 2).weight == 1
