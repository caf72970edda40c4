from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.known import PANE
from rulesd.core.detectors.new_value import NewValue
from rulesd.core.detectors.protocol import Observation
from rulesd.model.alert import OVERFLOW
from rulesd.model.instant import DAY, HOUR, MINUTE
from tests.core.detectors.harness import Seen, episodes, run
from tests.core.detectors.metamorphic import fired, same_alerts
from tests.core.plans import field

TOOL = field("tool")


def calls(tool: str, *hours: float) -> list[Seen]:
    return [Seen(round(h * HOUR), {"tool": tool}, (tool,)) for h in hours]


def one_key(events: list[Seen]) -> list[Seen]:
    return [e._replace(key=("k",)) for e in events]


SHARED = NewValue(TOOL, DAY, position=0)
OWN = NewValue(TOOL, DAY)


def test_the_first_sight_after_learning_fires_and_only_that() -> None:
    events = calls("a", 0, 1, 2) + calls("b", 5) + calls("a", 30) + calls("b", 31)
    events += calls("new", 32, 33)
    said = run(SHARED, events, restart=True)
    assert {k for k, r in said.items() if r} == {("new",)}
    (found,) = said[("new",)]
    assert (found.at, found.value, found.until) == (32 * HOUR, 1.0, 32 * HOUR)
    assert found.detail == {"tool": "new"}
    assert found.causes == ("e6",)
    (own,) = run(OWN, one_key(events), restart=True).values()
    assert [r.detail for r in own] == [{"tool": "new"}]
    assert OWN.hold == DAY


def test_keys_share_what_is_known_only_within_their_other_labels() -> None:
    by = NewValue(TOOL, DAY, position=1)
    events = [
        Seen(0, {"tool": "a"}, ("x", "a")),
        Seen(0, {"tool": "b"}, ("y", "b")),
        Seen(2 * DAY, {"tool": "b"}, ("x", "b")),
        Seen(2 * DAY, {"tool": "b"}, ("y", "b")),
    ]
    assert fired(by, events) == {("x", "b")}


def test_near_the_end_of_learning_it_waits_for_an_earlier_sight() -> None:
    events = calls("a", 0) + calls("new", 24.001)
    (found,) = run(SHARED, events)[("new",)]
    assert found.at == round(24.001 * HOUR)
    early = [*events, *calls("new", 23.999)]
    assert fired(SHARED, early) == set()
    state, pool = OWN.start(("k",), 0), OWN.pool()
    for at, tool in ((0, "a"), (DAY + 5, "b"), (DAY + 9, "c"), (DAY + 3, "b")):
        assert OWN.observe(state, pool, Observation(at, at, tool, 1, {"tool": tool})) is None
    assert OWN.deadline(state, pool) == DAY + 3
    state = OWN.load(OWN.dump(state))
    assert [r.at for r in OWN.advance(state, pool, DAY + 3)] == [DAY + 3]
    assert [r.at for r in OWN.advance(state, pool, DAY + 9)] == [DAY + 9]
    assert OWN.deadline(state, pool) is None


def test_what_was_forgotten_is_new_again() -> None:
    forgets = NewValue(TOOL, HOUR, forget_after=DAY, position=0)
    events = calls("a", 0) + calls("b", 0.5, 20, 50) + calls("a", 50)
    assert fired(forgets, events) == {("a",), ("b",)}


def test_an_event_without_a_value_says_nothing() -> None:
    for odd in ({}, {"tool": ["x"]}, {"tool": ""}):
        assert fired(SHARED, [*calls("a", 0), Seen(3 * DAY, odd, ("(missing)",))]) == set()


def test_groups_are_bounded() -> None:
    by = NewValue(TOOL, DAY, position=0)
    pool = by.pool()
    for n in range(1_100):
        state = by.start(("a", f"g{n}"), 0)
        by.observe(state, pool, Observation(0, 0, "e", 1, {"tool": "a"}))
    assert len(pool) == 1_000


def traffic(
    part: float, minutes: int, *, old: str = "wiki", new: str = "paste", key: str = ""
) -> list[Seen]:
    """Three days of one index, then a new one takes ``part`` of a search a minute."""
    out = [Seen(at * MINUTE, {"tool": old}, (key or old,)) for at in range(0, 3 * 1440, 10)]
    took = 0.0
    for at in range(3 * 1440, 3 * 1440 + minutes):
        took += part
        tool = new if took >= 1 else old
        took -= took >= 1
        out.append(Seen(at * MINUTE, {"tool": tool}, (key or tool,)))
    return out


TAKES = NewValue(TOOL, DAY, share=0.15, position=0)
END = 3 * DAY + 40 * HOUR


def test_a_new_value_that_takes_over_fires_and_a_small_one_does_not() -> None:
    said = run(TAKES, traffic(0.5, 240), until=3 * DAY + 4 * HOUR)
    assert said[("wiki",)] == []
    found = said[("paste",)][0]
    assert found.active
    assert 3 * DAY + 10 * MINUTE <= found.at <= 3 * DAY + HOUR
    assert found.detail is not None
    assert found.detail["tool"] == "paste"
    assert found.value > 0.15
    assert fired(TAKES, traffic(0.1, 1440), until=END) == set()
    assert fired(TAKES, traffic(0.5, 4), until=END) == set()


def test_it_clears_when_the_share_is_back_or_the_value_is_known_by_now() -> None:
    ((came, went),) = episodes(run(TAKES, traffic(0.5, 120), until=END)[("paste",)])
    assert came < 3 * DAY + HOUR
    assert went is not None
    assert went <= 3 * DAY + 4 * HOUR + PANE
    ((came, went),) = episodes(run(TAKES, traffic(0.5, 40 * 60), until=END)[("paste",)])
    assert went is not None
    assert 4 * DAY <= went <= 4 * DAY + PANE


def test_a_slow_takeover_shows_in_the_window_of_a_day() -> None:
    slow = NewValue(TOOL, 3 * DAY, share=0.15, position=0)
    events = [Seen(at * HOUR // 2, {"tool": "wiki"}, ("wiki",)) for at in range(160)]
    for n in range(60):
        tool = "paste" if n % 2 else "wiki"
        events.append(Seen(80 * HOUR + n * 40 * MINUTE, {"tool": tool}, (tool,)))
    assert fired(slow, events, until=130 * HOUR) == {("paste",)}


def test_panes_without_news_are_passed_over() -> None:
    events = calls("wiki", *range(80)) + calls("paste", 80.1, 80.5, 80.6, 81, 81.1)
    state, pool = TAKES.start(("paste",), 0), TAKES.pool()
    for e in events:
        TAKES.observe(state, pool, Observation(e.at, e.at, "e", 1, e.document))
    waits = []
    while (due := TAKES.deadline(state, pool)) is not None:
        waits.append(due / HOUR)
        assert not TAKES.advance(state, pool, due)
    assert [round(w, 2) for w in waits] == [80.12, 80.52, 80.62, 81.0, 81.02, 81.12, 82.0]


def test_without_the_label_each_key_knows_its_own() -> None:
    own = NewValue(TOOL, DAY, share=0.15)
    events = traffic(0.5, 120, key="k")
    found = run(own, events, until=END, restart=True)[("k",)]
    assert len(episodes(found)) == 1
    assert found[0].detail is not None
    assert found[0].detail["tool"] == "paste"


def test_a_value_seen_while_learning_never_takes_over() -> None:
    events = traffic(0.5, 240)
    assert fired(TAKES, calls("paste", 0.5) + events, until=END) == set()
    late = [*events, Seen(HOUR, {"tool": "paste"}, ("paste",))]
    assert fired(TAKES, sorted(late[:400]) + late[400:], until=END) in (set(), {("paste",)})


def test_only_keys_that_share_and_are_quiet_are_forgotten() -> None:
    assert not OWN.forgettable(OWN.start(("k",), 0), DAY)
    state = TAKES.start(("k",), 0)
    assert TAKES.forgettable(state, DAY)
    state.waits = 5
    assert not TAKES.forgettable(state, DAY)
    assert TAKES.deadline(state, {}) == 6 * PANE
    assert TAKES.start((OWN.name,), 0).value == OWN.name
    assert TAKES.start((OVERFLOW,), 0).value == ""


@given(
    st.lists(st.tuples(st.integers(0, 3 * 1440), st.sampled_from("abcd")), max_size=25),
    st.integers(0, 9),
)
def test_order_and_restarts_change_nothing(given_: list[tuple[int, str]], seed: int) -> None:
    events = [Seen(at * MINUTE, {"tool": tool}, (tool,)) for at, tool in given_]
    plain = same_alerts(SHARED, events, seed, until=4 * DAY)
    if given_:
        first = min(at for at, _ in given_) * MINUTE
        new = {
            t
            for t in "abcd"
            if (seen := [a for a, x in given_ if x == t]) and min(seen) * MINUTE >= first + DAY
        }
        assert plain == {(t,) for t in new}
    same_alerts(OWN, one_key(events), seed, until=4 * DAY)


@given(st.integers(0, 99), st.sampled_from([0.1, 0.2, 0.5]))
def test_order_changes_no_takeover(seed: int, part: float) -> None:
    same_alerts(TAKES, traffic(part, 60)[300:], seed, until=3 * DAY + 3 * HOUR)


def test_values_that_go_for_want_of_room_are_counted_and_told() -> None:
    state, pool = OWN.start(("k",), 0), OWN.pool()

    def give(at: int, tool: str) -> tuple[int, str]:
        OWN.observe(state, pool, Observation(at, at, "e", 1, {"tool": tool} if tool else {}))
        return OWN.dropped(state, pool)

    assert [give(n, f"t{n}") for n in range(40)] == [(40, "")] * 40
    limit, said = give(40, "t40")
    assert limit == 40
    assert said.startswith("40 values of tool are kept; 1 went for want of room")
    assert give(41, "") == (40, "")
    assert give(42, "t40") == (40, "")
    again = OWN.load(OWN.dump(state))
    assert again.known is not None
    assert again.known.lost == 1
    shared = SHARED.start(("a",), 0)
    assert SHARED.dropped(shared, SHARED.pool()) == (1_000, "")
