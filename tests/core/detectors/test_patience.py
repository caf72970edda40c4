"""What may wait cannot fire, however bad the worst order of what is unread and of what may still come."""

from random import Random
from typing import Any

from rulesd.core.detectors.evidence import Design, Evidence, logit
from rulesd.core.detectors.patience import ask
from rulesd.core.detectors.segments import AHEAD, Segments
from rulesd.core.detectors.shift_state import Segment, Side
from rulesd.core.detectors.slots import WIDTH, share
from rulesd.model.instant import DAY, HOUR

BASELINE = DAY
NOW = 3 * DAY


def learned(weight: int = 1) -> Segments:
    """A pool of one segment, learned."""
    pool = Segments()
    for n in range(1_000):
        pool.count(("k",), n * DAY // 1_000, weight, n % 10 == 0, BASELINE)
    pool.close()
    pool.count(("k",), NOW, weight, False, BASELINE)
    return pool


def judged(*ways: str) -> Segment:
    """A segment that is a hundredth of the traffic."""
    state = Segment(("k",), NOW)
    state.share, state.part = 0.01, 0.1
    for way in ways:
        design = Design.of(logit(0.1), logit(0.1), 2.0, up=way == "up")
        state.sides[way] = Side(Evidence(design), NOW)
    return state


def fires(state: Segment, pool: Segments, often: float, later: list[tuple[int, int, bool]]) -> bool:
    """Whether anything fires when ``later`` is read too."""
    for at, weight, hit in later:
        state.slots.count(at, weight, hit)
    rows = state.slots.ripe(1 << 50)
    begun = (
        pool.begun(state.last, [end for end, _ in rows])
        if pool.watched(state.last)
        else [0.0] * len(rows)
    )
    slots = []
    for (end, counted), part in zip(rows, begun, strict=True):
        trials, hits = share(counted)
        ahead = part * AHEAD * state.share * pool.volume(end, BASELINE)
        slots.append((end, trials / pool.deff, hits / pool.deff, ahead))
    found = False
    for side in state.sides.values():
        threshold = pool.volume(NOW, BASELINE) * state.part * often / side.evidence.design.overshoot
        found |= side.take(slots, threshold) < len(slots)
    return found


def due(state: Segment) -> int:
    return (state.slots.oldest + 1) * WIDTH


def test_what_may_wait_cannot_fire_with_as_much_more_as_is_spared() -> None:
    rng, waits, tight = Random(1), 0, 0
    for _ in range(1_500):
        weight = rng.choice((1, 1, 10))
        pool = learned(weight)
        if rng.random() < 0.5:
            pool.watch(NOW - rng.randrange(7 * HOUR))
        state = judged(*rng.choice((("up",), ("down",), ("up", "down"))))
        for side in state.sides.values():
            side.evidence.sums = [0.0, 0.0, 10 ** rng.uniform(0, 5)]  # the size that grows fastest
        often = 10 ** rng.uniform(-1, 5)
        share_ = rng.choice((0.0, 0.3, 1.0))
        for _ in range(rng.randrange(1, 12)):
            state.slots.count(NOW + rng.randrange(HOUR), weight, rng.random() < share_)
        ask(state, pool, due(state), often, BASELINE)
        if state.hurries:
            continue
        waits += 1
        last = min(state.spare_slots, state.slots.newest + 50)
        some = [
            (rng.randint(state.slots.newest, last) * WIDTH, weight, hit)
            for hit, spare in rng.choice(
                (
                    ((True, state.spare_hits), (False, state.spare_misses)),
                    ((True, state.spare_hits),),
                    ((False, state.spare_misses),),
                )
            )
            for _ in range(spare // weight)
        ]
        again = state.dump(), often
        assert not fires(state, pool, often, some)
        # Half as many again, of the worst kind: if that fires, the bound was no idle one.
        state = Segment.load(again[0])
        way = rng.choice(list(state.sides))
        spare = state.spare_hits if way == "up" else state.spare_misses
        more = [(at, w, hit) for at, w, hit in some if hit is (way == "up")]
        tight += fires(state, pool, often, [*more, *more[: 3 + spare // 2 // weight]])
    assert waits > 400
    assert tight > 60


def test_what_may_fire_hurries() -> None:
    pool = learned()
    for hits in (2, 40):
        state = judged("up")
        for n in range(hits):
            state.slots.count(NOW + n, 1, hit=True)
        ask(state, pool, due(state), 100.0, BASELINE)
        assert state.hurries == fires(state, pool, 100.0, []) == (hits == 40)


def test_while_learning_nothing_hurries_and_a_segment_to_be_judged_for_the_first_time_does() -> (
    None
):
    pool = learned()
    for at, hurries in ((DAY // 2, False), (NOW, True)):
        state = Segment(("k",), at)
        state.slots.count(at, 1, hit=True)
        ask(state, pool, due(state), 1.0, BASELINE)
        assert state.hurries is hurries
        assert (state.asked, state.edition) == (due(state), pool.edition)


def test_a_release_nearer_in_time_spares_less() -> None:
    def spared(*deploys: int) -> tuple[int, Any]:
        pool, state = learned(), judged("up")
        state.share = 0.2
        for at in deploys:
            pool.watch(at)
        state.slots.count(NOW + HOUR, 1, hit=True)
        ask(state, pool, due(state), 1_000.0, BASELINE)
        return state.spare_hits, state.spare_slots < 1 << 50

    assert spared(NOW - 12 * HOUR) == spared()
    none, bounded = spared()
    assert not bounded
    some, bounded = spared(NOW - HOUR)
    assert bounded
    assert some < none


def test_the_head_start_of_a_busier_week_is_that_of_its_own_volume() -> None:
    def spared(events: int) -> int:
        pool, state = learned(), judged("up")
        for _ in range(events):
            pool.count(("k",), 6 * DAY, 1, False, BASELINE)
        pool.count(("k",), 7 * DAY + 2 * HOUR, 1, False, BASELINE)
        pool.watch(7 * DAY - HOUR)
        state.last = 7 * DAY - HOUR
        state.slots.count(7 * DAY - HOUR, 1, hit=False)
        state.slots.count(7 * DAY + HOUR, 1, hit=False)
        ask(state, pool, due(state), 10_000.0, BASELINE)
        assert not state.hurries
        assert state.spare_slots >= state.slots.newest
        return state.spare_hits

    assert spared(60_000) < spared(0)
