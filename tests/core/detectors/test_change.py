"""``change`` against the sorted series of values, in every order of arrival."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.change import Change
from rulesd.core.detectors.protocol import Observation
from rulesd.model.event import Json
from rulesd.model.instant import HOUR
from tests.core.detectors.harness import Seen
from tests.core.detectors.metamorphic import same_alerts
from tests.core.plans import field

VERSION = field("version")


def feed(change: Change, *events: tuple[int, Json]) -> list[tuple[int, str, str] | None]:
    state = change.start(("k",), 0)
    out: list[tuple[int, str, str] | None] = []
    for n, (at, version) in enumerate(events):
        document = {"version": version}
        found = change.observe(state, None, Observation(at, at, f"e{n}", 1, document))
        detail = found.detail if found is not None else None
        assert found is None or (found.until == found.at and found.value == 1.0)
        out.append(found and detail and (found.at, detail["from"], detail["to"]))
        state = change.load(change.dump(state))
    return out


def test_another_value_than_the_last_is_a_change() -> None:
    assert feed(Change(VERSION), (0, "a"), (1, "a"), (2, "b"), (3, "b"), (4, "a")) == [
        None,
        None,
        (2, "a", "b"),
        None,
        (4, "b", "a"),
    ]
    assert Change(VERSION).hold == HOUR
    assert Change(VERSION, within=5).hold == 5


def test_a_late_value_takes_its_place() -> None:
    change = Change(VERSION)
    assert feed(change, (10, "b"), (0, "a"))[1] == (10, "a", "b")
    assert feed(change, (0, "a"), (10, "b"), (5, "a"))[2] is None
    assert feed(change, (0, "a"), (10, "b"), (5, "b"))[2] is None
    assert feed(change, (0, "a"), (10, "a"), (5, "b"))[2] == (10, "b", "a")
    assert feed(change, (0, "a"), (10, "b"), (5, "c"))[2] == (10, "c", "b")
    assert feed(change, (0, "a"), (10, "a"), (5, "a"), (10, "a")) == [None] * 4
    assert feed(change, (5, "a"), (0, "a"), (7, "a")) == [None] * 3
    assert feed(change, (0, "a"), (5, "b"), (5, "a"))[2] == (5, "b", "a")


def test_a_run_that_was_joined_can_be_split() -> None:
    many: list[tuple[int, Json]] = [(at, "a") for at in range(0, 100, 2)]
    assert feed(Change(VERSION), *many, (3, "b"), (5, "a"))[-2:] == [(52, "b", "a"), None]


def test_null_is_passed_over_or_a_value_of_its_own() -> None:
    assert feed(Change(VERSION), (0, "a"), (1, None), (2, "a")) == [None] * 3
    assert feed(Change(VERSION, ignore_null=False), (0, "a"), (1, None))[1] == (
        1,
        "a",
        "(missing)",
    )
    assert feed(Change(VERSION), (0, 1), (1, 1.0), (2, ["x"]))[2] == (2, "1", "(invalid)")


def test_a_change_after_a_long_pause_is_none_with_within() -> None:
    change = Change(VERSION, within=10)
    assert feed(change, (0, "a"), (11, "b"), (20, "c")) == [None, None, (20, "b", "c")]
    assert feed(change, (0, "a"), (10, "b")) == [None, (10, "a", "b")], "exactly that far apart"
    assert feed(change, (0, "a"), (11, "b"), (1, "a"))[2] == (11, "a", "b")


def test_runs_are_bounded() -> None:
    change = Change(VERSION)
    state = change.start(("k",), 0)
    for at in range(50):
        change.observe(state, None, Observation(at, at, "e", 1, {"version": str(at)}))
    assert len(state) == 24
    assert change.observe(state, None, Observation(1, 1, "e", 1, {"version": "x"})) is None
    assert len(state) == 24


def test_a_value_is_remembered_for_as_long_as_it_is_compared_with() -> None:
    for change, forgotten in ((Change(VERSION), False), (Change(VERSION, within=10), True)):
        state = change.start(("k",), 0)
        assert change.forgettable(state, 0)
        change.observe(state, None, Observation(0, 0, "e", 1, {"version": "a"}))
        assert not change.forgettable(state, HOUR)
        assert change.forgettable(state, HOUR + 10) is forgotten


@given(
    st.lists(st.tuples(st.integers(0, 200_000), st.sampled_from("ab")), max_size=9),
    st.sampled_from([None, 20_000]),
    st.integers(0, 9),
)
def test_order_and_restarts_change_nothing(
    given_: list[tuple[int, str]], within: int | None, seed: int
) -> None:
    one_each = sorted(dict(given_).items())
    events = [Seen(at, {"version": v}) for at, v in one_each]
    fired = same_alerts(Change(VERSION, within=within), events, seed, until=10**7)
    differ = any(
        a != b and (within is None or t - s <= within) for (s, a), (t, b) in pairwise(one_each)
    )
    assert bool(fired) is differ
