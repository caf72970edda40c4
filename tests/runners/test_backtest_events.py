from rulesd.model.event import Event
from rulesd.runners.backtest_events import distinct_events, from_lines
from tests.runners.recorded import LINES, decoder


def test_an_event_counts_once_and_refusals_not_at_all() -> None:
    got = list(distinct_events(from_lines([LINES[0], LINES[0], b"{", b"\n", LINES[1]], decoder())))
    assert [e.id for e, _ in got] == ["e0", "e1"]


def test_an_arrival_that_goes_back_is_the_latest_known() -> None:
    got = list(from_lines([LINES[1], LINES[0]], decoder()))
    assert got[0][1] == got[1][1]
    assert isinstance(got[1][0], Event)
