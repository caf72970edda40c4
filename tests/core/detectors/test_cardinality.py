"""``cardinality`` against a plain count of every window, in every order of arrival."""

from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.cardinality import Cardinality
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.model.event import Json
from rulesd.model.instant import HOUR
from tests.core.detectors.harness import Seen, episodes, run
from tests.core.detectors.metamorphic import same_alerts
from tests.core.plans import field

DOC = field("doc")


def feed(detector: Cardinality, events: list[tuple[int, Json]]) -> list[Reading | None]:
    state = detector.start(("k",), 0)
    out = []
    for n, (at, doc) in enumerate(events):
        out.append(detector.observe(state, None, Observation(at, at, f"e{n}", 1, {"doc": doc})))
        state = detector.load(detector.dump(state))
    return out


def test_strictly_above_and_not_at_the_bound() -> None:
    found = feed(Cardinality(DOC, 100, above=2), [(0, "a"), (1, "b"), (2, "b"), (99, "c")])
    assert found[:3] == [None] * 3
    assert found[3] == Reading(99, True, 3.0, 2, until=100, since=0)
    assert feed(Cardinality(DOC, 100, above=2), [(0, "a"), (1, "b"), (100, "c")])[2] is None
    assert feed(Cardinality(DOC, 100, above=1.5), [(0, "a"), (1, "b")])[1] is not None


def test_a_list_counts_each_element_and_odd_values_nothing() -> None:
    assert feed(Cardinality(DOC, 100, above=2), [(0, ["a", "b", "c"])])[0] is not None
    odd: list[tuple[int, Json]] = [(0, None), (1, {"a": 1}), (2, [["a"], None]), (3, "")]
    assert feed(Cardinality(DOC, 100, above=0), odd) == [None] * 4
    assert feed(Cardinality(DOC, 100, above=1), [(0, 1), (1, 1.0), (2, True)])[1:] == [
        None,
        Reading(2, True, 2.0, 1, until=101, since=1),
    ]


def test_a_late_value_completes_the_window_it_belongs_to() -> None:
    found = feed(Cardinality(DOC, 10, above=2), [(0, "a"), (1, "b"), (100, "a"), (2, "c")])
    assert found[3] is not None
    assert (found[3].since, found[3].until) == (0, 10)
    best = feed(Cardinality(DOC, 10, above=1), [(5, "a"), (8, "b"), (12, "c"), (4, "d")])[3]
    assert best is not None
    assert best.value == 4.0


def test_repetitions_cost_no_exactness() -> None:
    detector = Cardinality(DOC, 1_000, above=3)
    state = detector.start(("k",), 0)

    def give(at: int, doc: str) -> Reading | None:
        return detector.observe(state, None, Observation(at, at, "e", 1, {"doc": doc}))

    give(0, "a")
    give(1, "b")
    give(2, "c")
    for at in range(3, 900):
        assert give(at, "a") is None
    assert len(state.at) <= 48
    assert give(999, "d") is not None


def test_memory_is_bounded_whatever_comes() -> None:
    detector = Cardinality(DOC, 10**9, above=3)
    state = detector.start(("k",), 0)
    for at in range(1_000):
        detector.observe(state, None, Observation(at, at, "e", 1, {"doc": f"d{at}"}))
        assert len(state.at) <= 48
    sparse = Cardinality(DOC, 10, above=3)
    state = sparse.start(("k",), 0)
    for at in range(0, 10_000, 100):
        sparse.observe(state, None, Observation(at, at, "e", 1, {"doc": "same"}))
        assert len(state.at) <= 48


def test_a_large_bound_is_judged_by_a_sample() -> None:
    detector = Cardinality(DOC, 10**9, above=2_000)
    assert detector.sample == 18
    first = None
    state = detector.start(("k",), 0)
    for n in range(4_000):
        found = detector.observe(state, None, Observation(n, n, "e", 1, {"doc": f"d{n}"}))
        if found is not None and first is None:
            first = n
    assert first is not None
    assert 1_500 < first < 2_600
    assert len(state.at) <= 4 * 112 + 32


def test_too_few_is_judged_once_a_window_has_passed_and_clears() -> None:
    detector = Cardinality(DOC, 200_000, below=2)
    events = [Seen(at * 1000, {"doc": "a" if at < 300 else f"d{at}"}) for at in range(0, 600, 20)]
    (found,) = run(detector, events, until=590_000).values()
    assert episodes(found) == [(200_000, 300_000)]
    assert found[0].value == 1.0
    early = Seen(-10_000, {"doc": "a"})
    assert episodes(run(detector, [events[0], early], until=199_000)[("k",)]) == [(190_000, None)]


def test_a_quiet_key_has_too_few_and_asks_for_nothing_more() -> None:
    detector = Cardinality(DOC, 1_000, below=1)
    state = detector.start(("k",), 0)
    assert detector.deadline(state, None) is None
    detector.observe(state, None, Observation(0, 0, "e", 1, {}))
    detector.observe(state, None, Observation(500, 500, "e", 1, {"doc": "a"}))
    said = detector.advance(state, None, 10**6)
    assert episodes(said) == [(1_500, None)]
    assert detector.deadline(state, None) is None
    assert not detector.forgettable(state, 10**9)
    silent = detector.start(("k",), 0)
    detector.observe(silent, None, Observation(0, 0, "e", 1, {}))
    assert episodes(detector.advance(silent, None, 10**6)) == [(1_000, None)]


def test_both_bounds() -> None:
    detector = Cardinality(DOC, 100, above=4, below=2)
    assert detector.count == 5
    assert Cardinality(DOC, 100, below=7).count == 8
    assert feed(Cardinality(DOC, 100, below=7), [(0, "a")]) == [None]


def test_it_is_forgotten_when_nothing_is_in_a_window() -> None:
    detector = Cardinality(DOC, 100, above=4)
    state = detector.start(("k",), 0)
    assert detector.forgettable(state, 100 + HOUR)
    detector.observe(state, None, Observation(50, 50, "e", 1, {"doc": "a"}))
    assert not detector.forgettable(state, 149 + HOUR)
    assert detector.forgettable(state, 150 + HOUR)
    assert detector.hold == 100
    assert detector.advance(state, None, 10**9) == []


@given(
    st.lists(st.tuples(st.integers(0, 300_000), st.sampled_from("abcdef")), max_size=25),
    st.integers(1, 4),
    st.integers(0, 9),
)
def test_order_and_restarts_change_nothing(
    given_: list[tuple[int, str]], above: int, seed: int
) -> None:
    within = 60_000
    events = [Seen(at, {"doc": doc}) for at, doc in given_]
    fired = same_alerts(Cardinality(DOC, within, above=above), events, seed, until=10**7)
    full = any(len({d for t, d in given_ if end - within < t <= end}) > above for end, _ in given_)
    assert bool(fired) is full
    same_alerts(Cardinality(DOC, within, below=above), events, seed, until=10**6)


def test_what_it_measures_now_is_what_the_window_of_now_holds() -> None:
    detector = Cardinality(field("doc"), 100, above=2)
    state = detector.start((), 0)
    for at, doc in ((0, "a"), (10, "b"), (20, "a"), (30, "c")):
        detector.observe(state, None, Seen(at, {"doc": doc}))
    assert [detector.current(state, at) for at in (30, 109, 110, 120, 130)] == [3, 3, 2, 1, 0]
