"""``repeat`` against a plain re-count of every combination, in every order of arrival."""

from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.protocol import Observation
from rulesd.core.detectors.repeat import Repeat
from rulesd.model.event import Json
from rulesd.model.instant import HOUR
from tests.core.detectors.harness import Seen
from tests.core.detectors.metamorphic import same_alerts
from tests.core.plans import field

SAME = (field("tool"), field("args"))


def see(repeat: Repeat, events: list[tuple[int, dict[str, Json]]]) -> list[object]:
    state = repeat.start(("k",), 0)
    out: list[object] = []
    for n, (at, document) in enumerate(events):
        found = repeat.observe(state, None, Observation(at, at, f"e{n}", 1, document))
        out.append(found and (found.value, found.detail, found.since, found.until))
        state = repeat.load(repeat.dump(state))
    return out


def test_the_same_call_again_and_again_fires_and_says_which() -> None:
    call: dict[str, Json] = {"tool": "shell", "args": "h1"}
    other: dict[str, Json] = {"tool": "shell", "args": "h2"}
    found = see(Repeat(SAME, 3, 100), [(0, call), (1, other), (2, call), (3, other), (99, call)])
    assert found[:4] == [None] * 4
    assert found[4] == (3.0, {"tool": "shell", "args": "h1"}, 0, 100)
    assert see(Repeat(SAME, 2, 60), [(0, call), (60, call)]) == [None, None]


def test_what_lacks_a_field_is_the_same_as_nothing() -> None:
    for odd in ({"tool": "shell"}, {"tool": "shell", "args": ["x"]}, {"args": None}):
        assert see(Repeat(SAME, 2, 100), [(0, odd), (1, odd)]) == [None, None]


def test_the_combination_that_rests_longest_goes_first() -> None:
    repeat = Repeat(SAME, 200, 10**6)
    assert repeat.most == 4
    assert Repeat(SAME, 4, 1).most == 24
    state = repeat.start(("k",), 0)

    def give(at: int, args: str) -> None:
        repeat.observe(state, None, Observation(at, at, "e", 1, {"tool": "t", "args": args}))

    for n in range(5):
        give(n, f"h{n}")
    assert len(state) == 4
    assert "t\x1fh0" not in state
    give(0, "older than all that is kept")
    assert len(state) == 4
    assert "t\x1fh1" in state


def test_a_combination_that_goes_before_its_window_is_over_is_counted_and_told() -> None:
    repeat = Repeat(SAME, 200, 1_000)
    state = repeat.start(("k",), 0)

    def give(at: int, args: str) -> tuple[int, str]:
        repeat.observe(state, None, Observation(at, at, "e", 1, {"tool": "t", "args": args}))
        return repeat.dropped(state, None)

    assert [give(n, f"h{n}") for n in range(4)] == [(4, "")] * 4
    limit, said = give(4, "h4")
    assert limit == 4
    assert said == (
        "a key keeps 4 combinations of tool, args; 1 of this key went before their window was over. "
        "Make `by` finer or `same` coarser"
    )
    assert give(5, "h4") == (4, "")
    assert "2 of this key" in give(0, "too old to be kept")[1]
    assert repeat.load(repeat.dump(state)).lost == 2
    assert give(3_000, "h9") == (4, "")  # what went had rested for longer than its window


def test_it_is_forgotten_when_every_combination_is_out_of_reach() -> None:
    repeat = Repeat(SAME, 3, 100)
    state = repeat.start(("k",), 0)
    assert repeat.forgettable(state, 100 + HOUR)
    repeat.observe(state, None, Observation(50, 50, "e", 1, {"tool": "t", "args": "a"}))
    assert not repeat.forgettable(state, 149 + HOUR)
    assert repeat.forgettable(state, 150 + HOUR)
    assert repeat.hold == 100


@given(
    st.lists(st.tuples(st.integers(0, 300_000), st.sampled_from("abc")), max_size=30),
    st.integers(1, 4),
    st.integers(0, 9),
)
def test_order_and_restarts_change_nothing(
    tries: list[tuple[int, str]], count: int, seed: int
) -> None:
    within = 60_000
    events = [Seen(at, {"tool": "t", "args": args}) for at, args in tries]
    fired = same_alerts(Repeat(SAME, count, within), events, seed, until=10**7)
    by_args = {a: sorted(t for t, x in tries if x == a) for a in "abc"}
    full = any(
        stamps[i + count - 1] - stamps[i] < within
        for stamps in by_args.values()
        for i in range(len(stamps) - count + 1)
    )
    assert bool(fired) is full


def test_what_it_measures_now_is_the_combination_tried_most() -> None:
    repeat = Repeat((field("tool"),), 3, 100)
    state = repeat.start((), 0)
    assert repeat.current(state, 0) == 0
    for at, tool in ((0, "a"), (10, "a"), (20, "b"), (30, "a")):
        repeat.observe(state, None, Observation(at, at, "e", 1, {"tool": tool}))
    assert [repeat.current(state, at) for at in (30, 105, 129, 130)] == [3, 2, 1, 0]
