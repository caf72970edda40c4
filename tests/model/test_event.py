from rulesd.model.event import FUTURE_LIMIT_MS, Event, Rejected


def test_an_event_is_immutable_and_weighs_one_unless_it_was_sampled() -> None:
    event = Event("i", "s", "t", "", 0, {}, 1, 2)
    assert event.weight == 1
    assert event._replace(weight=10).weight == 10
    assert FUTURE_LIMIT_MS == 300_000


def test_a_refusal_names_place_and_code() -> None:
    assert Rejected(3, "invalid_json", "m", "/a").position == 3
