"""``sequence`` against a search through all combinations, in every order of arrival."""

from collections.abc import Sequence
from itertools import permutations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.core.detectors.sequence import Steps
from rulesd.model.event import Document
from rulesd.model.instant import HOUR
from tests.core.detectors.harness import Seen, run
from tests.core.detectors.metamorphic import same_alerts


def steps(
    kinds: str = "abc", within: int = 60_000, *, ordered: bool = True, without: str = ""
) -> Steps:
    return Steps(
        names=tuple(f"step {i}" for i in range(len(kinds))),
        whens=tuple(lambda d, k=k: k in str(d["kind"]) for k in kinds),  # type: ignore[misc]
        within=within,
        ordered=ordered,
        without=(lambda d: without in str(d["kind"])) if without else None,
    )


def seen(*events: tuple[int, str]) -> list[Seen]:
    return [Seen(at * 1000, {"kind": kind}) for at, kind in events]


def said(detector: Steps, *events: tuple[int, str], **options: int) -> list[Reading]:
    return run(detector, seen(*events), until=options.get("until", 10**7)).get(("k",), [])


def test_a_chain_fires_with_its_last_step_and_names_its_events() -> None:
    (found,) = said(steps(), (0, "a"), (20, "b"), (40, "c"))
    assert (found.at, found.value, found.threshold) == (40_000, 3.0, 3.0)
    assert (found.since, found.until) == (0, 40_000)
    assert found.causes == ["e0", "e1", "e2"]
    assert found.detail == {
        "step 0": "1970-01-01T00:00:00.000Z",
        "step 1": "1970-01-01T00:00:20.000Z",
        "step 2": "1970-01-01T00:00:40.000Z",
    }


def test_the_step_that_arrives_last_completes_the_chain() -> None:
    for order in ([0, 2, 1], [1, 2, 0], [2, 1, 0]):
        events = [(0, "a"), (20, "b"), (40, "c")]
        (found,) = said(steps(), *(events[i] for i in order))
        assert (found.at, found.since) == (40_000, 0)


def test_the_wrong_order_a_missing_step_and_too_long_a_time_are_quiet() -> None:
    assert said(steps(), (0, "c"), (20, "b"), (40, "a")) == []
    assert said(steps(), (0, "a"), (40, "c")) == []
    assert said(steps(), (0, "a"), (20, "b"), (60, "c")) == []
    assert said(steps(), (20, "b"), (30, "c"), (40, "a")) == []
    assert said(steps(), (0, "other")) == []


def test_one_event_is_never_two_steps() -> None:
    assert said(steps("aa"), (0, "a")) == []
    assert len(said(steps("aa"), (0, "a"), (0, "a"))) == 1
    assert said(steps("abc"), (0, "abc")) == []
    assert said(steps("abc"), (0, "abc"), (1, "abc")) == []
    assert len(said(steps("abc"), (0, "abc"), (1, "abc"), (2, "abc"))) == 1
    assert said(steps("abc", ordered=False), (0, "abc"), (1, "abc")) == []


def test_two_steps_that_want_the_same_event_find_another() -> None:
    # Nearest before c is the event that alone could be a: it must be b's turn to give way.
    assert len(said(steps("abc"), (0, "b"), (0, "ab"), (1, "c"))) == 1
    assert len(said(steps("abc"), (0, "ab"), (0, "b"), (1, "c"))) == 1
    for late in ([(1, "ab"), (1, "a")], [(1, "a"), (1, "ab")]):
        assert said(steps("aab"), (0, "a"), *late)


def test_unordered_steps_may_come_in_any_order_and_share_candidates() -> None:
    free = steps("abc", ordered=False)
    assert len(said(free, (0, "c"), (20, "b"), (40, "a"))) == 1
    assert said(free, (0, "c"), (20, "b"), (60, "a")) == []
    assert len(said(free, (0, "ab"), (1, "a"), (2, "c"))) == 1
    assert len(said(free, (0, "a"), (1, "ab"), (2, "bc"))) == 1
    (first, second) = said(free, (0, "a"), (20, "b"), (30, "c"), (25, "a"))
    assert (first.since, second.since) == (0, 20_000)


def test_an_interruption_ends_a_chain_even_when_it_arrives_late() -> None:
    broken = steps("ab", without="w")
    assert said(broken, (0, "a"), (10, "w"), (20, "b")) == []
    assert said(broken, (0, "a"), (20, "b"), (10, "w")) == []
    for at in (-1, 0, 20, 21):
        (found,) = said(broken, (1, "a"), (21, "b"), (at + 1, "w"))
        assert found.since == 1_000
    (found,) = said(broken, (0, "a"), (5, "w"), (10, "a"), (20, "b"))
    assert found.since == 10_000


def test_with_an_interruption_it_waits_for_the_watermark() -> None:
    broken = steps("ab", without="w")
    state = broken.start(("k",), 0)
    for n, (at, kind) in enumerate([(0, "a"), (20, "b"), (30, "b")]):
        assert broken.observe(state, None, Observation(at, at, f"e{n}", 1, {"kind": kind})) is None
    assert broken.deadline(state, None) == 20
    assert broken.advance(state, None, 19) == ()
    assert [r.at for r in broken.advance(state, None, 20)] == [20]
    assert [r.at for r in broken.advance(state, None, 99)] == [30]
    assert broken.deadline(state, None) is None
    again = Observation(20, 20, "e1", 1, {"kind": "b"})
    broken.observe(state, None, again)
    broken.observe(state, None, Observation(15, 15, "e9", 1, {"kind": "w"}))
    assert broken.deadline(state, None) is None
    assert Steps.hold.fget(broken) == 60_000  # type: ignore[attr-defined]


def test_floods_are_bounded_and_do_not_hide_the_beginning() -> None:
    detector = steps("abc", without="w")
    state = detector.start(("k",), 0)

    def give(at: int, kind: str) -> Reading | None:
        return detector.observe(state, None, Observation(at, at, f"{kind}{at}", 1, {"kind": kind}))

    give(0, "a")
    for at in range(1, 200):
        give(at, "b")
        give(at, "w")
    assert len(state.events) == 40
    assert len(state.breaks) == 64
    assert state.events[0].event == "a0"
    give(3 * 60_000, "b")
    assert state.events[0].event == "b1"
    flood = steps("ab", without="w")
    many = flood.start(("k",), 0)
    for at in range(30):
        flood.observe(many, None, Observation(at, at, f"e{at}", 1, {"kind": "ab"}))
    assert len(many.waiting) == 8
    assert len(flood.dump(many)) == 3  # type: ignore[arg-type]


def test_it_is_forgotten_when_nothing_can_be_part_of_a_chain() -> None:
    detector = steps("ab", without="w")
    state = detector.start(("k",), 0)
    assert detector.forgettable(state, 60_000 + HOUR)
    detector.observe(state, None, Observation(5, 5, "e", 1, {"kind": "a"}))
    detector.observe(state, None, Observation(9, 9, "e", 1, {"kind": "w"}))
    assert not detector.forgettable(state, 60_008 + HOUR)
    assert detector.forgettable(state, 60_009 + HOUR)


def test_a_condition_that_raises_is_left_to_the_engine() -> None:
    def bad(document: Document) -> bool:
        raise ValueError("text where a number belongs")

    detector = Steps(("a", "b"), (bad, bad), 10)
    with pytest.raises(ValueError, match="text where"):
        detector.observe(detector.start((), 0), None, Observation(0, 0, "e", 1, {}))


def test_a_chain_on_the_other_side_of_an_interruption_is_foundin_any_order_of_arrival() -> None:
    events = seen((0, "a"), (1, "w"), (2, "b"), (5, "a"))
    for order in permutations(events):
        assert run(steps("ab", ordered=False, without="w"), order, until=10**7, lateness=10**6)[
            ("k",)
        ]


def test_both_sides_of_a_late_step_together_must_fit_the_window() -> None:
    wide, fits = seen((0, "a"), (80, "c"), (40, "b")), seen((0, "a"), (50, "c"), (40, "b"))
    assert not run(steps("abc"), wide, until=10**7, lateness=10**6)[("k",)]
    assert run(steps("abc"), fits, until=10**7, lateness=10**6)[("k",)]


def oracle(events: Sequence[Seen], kinds: str, within: int, ordered: bool, without: str) -> bool:
    def fits(kind: str, event: Seen) -> bool:
        return kind in str(event.document["kind"])

    breaks = [e.at for e in events if without and fits(without, e)]
    places = range(len(events))
    for chosen in product(*([p for p in places if fits(k, events[p])] for k in kinds)):
        times = [events[p].at for p in chosen]
        if len(set(chosen)) < len(chosen) or max(times) - min(times) >= within:
            continue
        if ordered and times != sorted(times):
            continue
        if not any(min(times) < b < max(times) for b in breaks):
            return True
    return False


@given(
    st.lists(
        st.tuples(st.integers(0, 150), st.sampled_from(["a", "b", "c", "ab", "bc", "w", "aw"])),
        max_size=9,
    ),
    st.sampled_from(["ab", "abc", "aab"]),
    st.booleans(),
    st.sampled_from(["", "w"]),
    st.integers(0, 9),
)
def test_in_any_order_it_fires_exactly_when_a_chain_exists(
    given_: list[tuple[int, str]], kinds: str, ordered: bool, without: str, seed: int
) -> None:
    events = sorted(seen(*given_), key=lambda e: e.at)
    detector = steps(kinds, ordered=ordered, without=without)
    fired = same_alerts(detector, events, seed, until=10**7)
    assert bool(fired) is oracle(events, kinds, 60_000, ordered, without)
    backwards = run(detector, events[::-1], until=10**7, lateness=10**6)
    assert bool(backwards.get(("k",))) is bool(fired)
    mixed = list(events)
    Random(seed).shuffle(mixed)
    assert bool(run(detector, mixed, until=10**7, lateness=10**6).get(("k",))) is bool(fired)


def test_an_event_that_goes_at_once_for_want_of_room_still_completes_its_chain() -> None:
    both = steps("ab", ordered=False)
    state = both.start(("k",), 0)
    # Forty that can be either step, and one in the middle of them: it is the one that goes.
    for number, at in enumerate([*range(0, 20_000, 1_000), *range(21_000, 41_000, 1_000), 20_000]):
        document = {"kind": "ab"}
        found = both.observe(state, None, Observation(at, 41_000, f"e{number}", 1, document))
    assert 20_000 not in [event.at for event in state.events]
    assert found is not None
    assert "e40" in found.causes
