"""The share in a sliding window, judged by the watermark; through ``rate``, which adds nothing of its own."""

from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.core.detectors.protocol import Observation
from rulesd.core.detectors.rate import Rate
from rulesd.core.detectors.sliding import Sliding, least
from rulesd.model.event import Document
from rulesd.model.instant import HOUR, MINUTE, SECOND
from tests.core.detectors.harness import Seen, episodes, run, shuffled

HIT, MISS = {"hit": True}, {"hit": False}


def rate(**changes: Any) -> Rate:
    given_: dict[str, Any] = {
        "numerator": lambda d: d["hit"],
        "within": HOUR,
        "above": 0.5,
        "below": None,
        "min_denominator": 10,
    }
    return Rate(**{**given_, **changes})


def every(
    step: int, start: int, end: int, document: dict[str, bool], weight: int = 1
) -> list[Seen]:
    return [Seen(at, document, weight=weight) for at in range(start, end, step)]


def test_it_fires_when_the_share_is_over_the_bound_and_clears_when_it_is_back() -> None:
    events = (
        every(MINUTE, 0, HOUR, MISS)
        + every(MINUTE, HOUR, 2 * HOUR, HIT)
        + every(MINUTE, 2 * HOUR, 4 * HOUR, MISS)
    )
    said = run(rate(), events)[("k",)]
    ((start, end),) = episodes(said)
    assert (
        HOUR + 30 * MINUTE < start < HOUR + 50 * MINUTE
    )  # 1 % sure, not the first moment over a half
    assert end == 2 * HOUR + 31 * MINUTE - MINUTE
    assert said[0].threshold == 0.5
    assert said[0].value > 0.6
    assert said[0].detail == {"events": "60"}
    assert said[0].since == start - HOUR


def test_chance_just_over_the_bound_is_quiet() -> None:
    events = (
        every(2 * MINUTE, 0, HOUR, HIT)
        + every(2 * MINUTE, MINUTE, HOUR, MISS)
        + [Seen(30_000, HIT)]
    )
    assert run(rate(), sorted(events))[("k",)] == []
    assert run(rate(above=0.3), sorted(events))[("k",)] != []


def test_too_few_events_cannot_tell() -> None:
    assert run(rate(), every(MINUTE, 0, 9 * MINUTE, HIT))[("k",)] == []
    assert run(rate(), every(MINUTE, 0, 10 * MINUTE, HIT), until=HOUR)[("k",)][0].at == 10 * MINUTE


def test_below_is_the_mirror() -> None:
    events = every(MINUTE, 0, HOUR, HIT) + every(MINUTE, HOUR, 2 * HOUR, MISS)
    said = run(rate(above=None, below=0.5), events, until=5 * HOUR)[("k",)]
    mirror = run(
        rate(), [Seen(e.at, MISS if e.document is HIT else HIT) for e in events], until=5 * HOUR
    )[("k",)]
    assert episodes(said) == episodes(mirror)
    assert said[0].threshold == 0.5
    both = run(rate(above=0.9, below=0.2), events, until=5 * HOUR)[("k",)]
    assert next(r.threshold for r in both if r.active) == 0.9
    assert [r.threshold for r in both if r.active][-1] == 0.2


def test_the_window_empties_by_itself() -> None:
    said = run(rate(), every(MINUTE, 0, 20 * MINUTE, HIT), until=3 * HOUR)[("k",)]
    assert episodes(said) == [(10 * MINUTE, HOUR + 11 * MINUTE)]


def test_evidence_later_than_the_lateness_completes_its_window() -> None:
    detector = rate()
    state = detector.start(("k",), 0)
    for seen in every(MINUTE, 0, 9 * MINUTE, HIT):
        detector.observe(state, None, Observation(seen.at, seen.at, "e", 1, HIT))
    assert detector.advance(state, None, 50 * MINUTE) == []
    found = detector.observe(state, None, Observation(9 * MINUTE, 51 * MINUTE, "late", 1, HIT))
    assert found is not None
    assert (found.active, found.at, found.until, found.value) == (
        True,
        50 * MINUTE,
        50 * MINUTE,
        1.0,
    )
    assert (
        detector.observe(state, None, Observation(10 * MINUTE, 51 * MINUTE, "late", 1, MISS))
        is not None
    )
    quiet = rate(above=0.99)
    state = quiet.start(("k",), 0)
    quiet.observe(state, None, Observation(2 * HOUR, 2 * HOUR, "e", 1, HIT))
    quiet.advance(state, None, 2 * HOUR)
    assert (
        quiet.observe(state, None, Observation(HOUR + 59 * MINUTE, 2 * HOUR, "late", 1, HIT))
        is None
    )
    assert quiet.observe(state, None, Observation(0, 2 * HOUR, "too late", 1, HIT)) is None


def test_a_late_event_says_nothing_while_the_alert_is_open_or_when_it_may_be_chance() -> None:
    detector = rate()
    state = detector.start(("k",), 0)
    for seen in every(MINUTE, 0, 20 * MINUTE, HIT):
        detector.observe(state, None, Observation(seen.at, seen.at, "e", 1, HIT))
    assert detector.advance(state, None, 20 * MINUTE)[-1].active
    assert (
        detector.observe(state, None, Observation(5 * MINUTE, 20 * MINUTE, "late", 1, HIT)) is None
    )


def test_a_sampled_event_counts_as_many_in_the_share_and_once_in_the_guard() -> None:
    heavy = every(MINUTE, 0, 5 * MINUTE, HIT, weight=100)
    assert run(rate(above=0.9), heavy)[("k",)] == []  # 500 of 500, but five pieces of evidence
    assert run(rate(above=0.3), heavy)[("k",)][0].value == 1.0
    mixed = sorted(
        every(MINUTE, 0, 40 * MINUTE, HIT) + every(2 * MINUTE, 1, 40 * MINUTE, MISS, weight=100)
    )
    assert run(rate(above=0.3), mixed)[("k",)] == []  # 40 hits stand against 2,000 misses


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 7_000), st.booleans()), min_size=20, max_size=120),
    st.integers(0, 999),
    st.booleans(),
    st.sampled_from([(0.4, None), (None, 0.3), (0.7, 0.2)]),
)
def test_neither_order_within_the_lateness_nor_a_restart_changes_what_is_said(
    raw: list[tuple[int, bool]], seed: int, restart: bool, bounds: tuple[float | None, float | None]
) -> None:
    events = sorted(
        (Seen(at * SECOND, HIT if hit else MISS) for at, hit in raw), key=lambda e: e.at
    )
    detector = rate(above=bounds[0], below=bounds[1], min_denominator=5)
    expected = run(detector, events, until=5 * HOUR)
    assert (
        run(
            detector,
            shuffled(events, Random(seed)),
            lazy=seed % 2 == 0,
            restart=restart,
            until=5 * HOUR,
        )
        == expected
    )


def test_it_fires_exactly_when_a_recount_of_every_window_says_so() -> None:
    rng = Random(7)
    for _ in range(30):
        events = [
            Seen(at, HIT if rng.random() < 0.45 else MISS)
            for at in range(0, 2 * HOUR, 100 * SECOND)
        ]
        fired = {r.at for r in run(rate(above=0.5, min_denominator=20), events)[("k",)] if r.active}
        over = set()
        for end in range(MINUTE, 2 * HOUR + MINUTE, MINUTE):
            inside = [e for e in events if end - HOUR <= e.at < end]
            hits = sum(e.document is HIT for e in inside)
            if len(inside) >= 20 and hits / len(inside) > 0.5:
                over.add(end)
        assert fired <= over


def test_what_cannot_be_told_does_not_count() -> None:
    @dataclass(frozen=True, slots=True)
    class Choosy(Sliding):
        def hit(self, document: Document) -> bool | None:
            return document.get("hit")  # type: ignore[return-value]

    choosy = Choosy(within=HOUR, above=0.5, below=None, min_denominator=1)
    assert run(choosy, every(MINUTE, 0, HOUR, {}))[("k",)] == []


def test_the_rest_of_the_contract() -> None:
    detector = rate()
    state = detector.start(("k",), 0)
    assert detector.hold == HOUR
    assert detector.pool() is None
    assert detector.load_pool(detector.dump_pool(None)) is None
    assert not detector.observe_pool(None, Observation(0, 0, "e", 1, {}))
    assert detector.deadline(state, None) is None
    detector.observe(state, None, Observation(0, 0, "e", 1, MISS))
    assert detector.deadline(state, None) is None
    detector.observe(state, None, Observation(0, 0, "e", 1, HIT))
    assert detector.deadline(state, None) == MINUTE
    assert detector.advance(state, None, MINUTE) == []
    assert detector.advance(state, None, MINUTE) == ()
    assert not detector.forgettable(state, 2 * HOUR)
    assert detector.forgettable(state, 2 * HOUR + MINUTE)
    assert rate(within=30).width == 1
    assert Sliding.hit(detector, {}) is None


def test_hits_that_come_before_there_are_events_enough_are_judged_when_there_are() -> None:
    first = [Seen(n * SECOND, HIT) for n in range(8)]  # eight hits of eight: too few to tell
    rest = [Seen(20 * MINUTE + n * MINUTE, MISS) for n in range(3)]
    few = rate(above=0.3, min_denominator=10)
    for lazy in (False, True):
        assert run(few, first, until=3 * HOUR, lazy=lazy)[("k",)] == []
        ((start, end),) = episodes(run(few, first + rest, until=3 * HOUR, lazy=lazy)[("k",)])
        assert start == 22 * MINUTE  # 8 of 10
        assert end == HOUR + MINUTE  # until the hits are an hour old
    low = rate(above=None, below=0.7, min_denominator=10)
    turned = [Seen(s.at, MISS if s.document["hit"] else HIT) for s in first + rest]
    ((start, _),) = episodes(run(low, turned, until=3 * HOUR, lazy=True)[("k",)])
    assert start == 22 * MINUTE


def test_misses_that_leave_the_window_raise_the_share_of_hits_that_stay() -> None:
    events = every(2 * MINUTE, 0, 30 * MINUTE, MISS) + every(MINUTE, 30 * MINUTE, HOUR, HIT)
    choosy = rate(above=0.7, min_denominator=20)
    for lazy in (False, True):
        ((start, _),) = episodes(run(choosy, events, until=4 * HOUR, lazy=lazy)[("k",)])
        assert HOUR < start < HOUR + 30 * MINUTE


def test_what_nothing_can_pass_is_never_looked_at() -> None:
    assert least(1.0, 10) > 10**9
    assert least(0.0, 10) == 1
    assert least(0.5, 10) == 10
    assert least(0.05, 30) == 6


def test_the_latest_hits_speak_for_it_where_hits_are_what_it_is_about() -> None:
    for detector, told in ((rate(), ("e2", "e3", "e4")), (rate(above=None, below=0.1), ())):
        state = detector.start(("k",), 0)
        for n in range(6):
            detector.observe(state, None, Observation(n, n, f"e{n}", 1, HIT if n < 5 else MISS))
        assert detector.examples(state) == told
        assert detector.examples(detector.load(detector.dump(state))) == told
