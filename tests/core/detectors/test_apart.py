from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.protocol import Clock, Observation


def test_it_shares_nothing_and_waits_for_nothing() -> None:
    apart = Apart()
    assert apart.pool() is None
    assert apart.advance(None, None, 1) == ()
    assert not apart.observe_pool(None, Observation(0, 0, "e", 1, {}))
    assert apart.deadline(None, None) is None
    assert apart.load_pool(apart.dump_pool(None)) is None
    assert (apart.clock, apart.counts, apart.pooled) == (Clock.EVENT, False, False)
