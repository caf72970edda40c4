from rulesd.core.detectors.never import Never
from rulesd.core.detectors.protocol import Observation
from rulesd.model.instant import DAY


def test_one_occurrence_is_enough_and_nothing_happens_by_time() -> None:
    never = Never()
    state = never.start(("a",), 0)
    reading = never.observe(state, never.pool(), Observation(50, 50, "e", 3, {}))
    assert reading is not None
    assert (reading.active, reading.value, reading.threshold, reading.until) == (
        True,
        3.0,
        None,
        50,
    )
    assert never.advance(state, None, 10**15) == ()
    assert never.deadline(state, None) is None
    assert never.forgettable(state, 0)
    assert never.hold == DAY
    assert not never.observe_pool(None, Observation(50, 50, "e", 3, {}))


def test_it_is_written_and_read_back() -> None:
    never = Never()
    state = never.start(("a",), 7)
    assert never.load(never.dump(state)) == state
    assert never.load_pool(never.dump_pool(None)) is None
