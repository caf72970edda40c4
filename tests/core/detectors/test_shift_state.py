"""What ``shift`` remembers: written and read back as it was, also from the hand of an older version."""

from rulesd.core.detectors.evidence import Design, Evidence, logit
from rulesd.core.detectors.shift_state import Segment, Side
from rulesd.core.detectors.slots import WIDTH


def side() -> Side:
    return Side(Evidence(Design.of(logit(0.1), logit(0.1), 2.0, up=True)), 0)


def test_a_run_starts_again_where_its_sum_falls_to_nothing() -> None:
    up = side()
    up.follow([(WIDTH, 10.0, 10.0, 0.0)])
    assert (up.since, up.trials, up.hits) == (0, 10.0, 10.0)
    assert up.maximum > 0.0
    up.follow([(2 * WIDTH, 1_000.0, 0.0, 0.0), (3 * WIDTH, 3.0, 2.0, 0.0)])
    assert (up.since, up.trials, up.hits) == (2 * WIDTH, 3.0, 2.0)
    up.follow([(4 * WIDTH, 1_000.0, 0.0, 0.0)])
    assert (up.since, up.trials, up.hits, up.maximum) == (4 * WIDTH, 0.0, 0.0, 0.0)


def test_what_comes_after_the_slot_that_fires_is_not_taken_and_can_be_taken_back() -> None:
    up, slots = side(), [(n * WIDTH, 1.0, 1.0, 0.0) for n in range(1, 9)]
    start = up.mark()
    place = up.take(slots, 30.0)
    assert 0 < place < 7
    assert up.trials == place + 1
    there = up.dump()
    up.rewind(start)
    assert up.dump() == side().dump()
    assert up.take(slots[: place + 1], 30.0) == place
    assert up.dump() == there
    up.rewind(start)
    assert up.take(slots[:place], 30.0) == place
    assert up.trials == place


def judged() -> Segment:
    """A segment of which everything is set."""
    state = Segment(("acme", "chat"), 3 * WIDTH)
    state.slots.count(5 * WIDTH, 7, hit=False)
    state.open, state.back = "up", 1.5
    state.level, state.part, state.share = -2.5, 0.4, 0.125
    state.known = (2 * WIDTH, 1_440, 0.12)
    state.learning, state.trials, state.hits = False, 1_440, 70
    state.sides = {"up": side(), "down": side()}
    state.sides["up"].follow([(4 * WIDTH, 10.0, 8.0, 0.0)])
    return state


def test_a_segment_is_written_and_read_back() -> None:
    for state in (judged(), Segment(("k",), 0)):
        again = Segment.load(state.dump())
        assert again.dump() == state.dump()
        assert (again.key, again.learn_from, again.known) == (
            state.key,
            state.learn_from,
            state.known,
        )
    up = Segment.load(judged().dump()).sides["up"]
    assert (up.trials, up.hits, up.since) == (10.0, 8.0, 0)


def test_one_that_an_older_version_wrote_is_read_and_what_it_did_not_say_is_not_known() -> None:
    state = judged()
    data = state.dump()
    assert isinstance(data, dict)
    del data["known"]
    again = Segment.load(data)
    assert again.known is None
    again.known = state.known
    assert again.dump() == state.dump()


def test_learning_starts_with_nothing_counted() -> None:
    state = judged()
    state.learn(9 * WIDTH)
    assert (state.learning, state.learn_from, state.trials, state.hits) == (True, 9 * WIDTH, 0, 0)
    state.count(5 + (2 << 60))
    assert (state.trials, state.hits) == (5, 2)
