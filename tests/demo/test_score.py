"""The verdict: missed, paged once, paged twice, and pages about nothing planted."""

from rulesd.demo.pages import Channel
from rulesd.demo.score import belongs, judge
from tests.demo.samples import AT, BY_ID, SCOPE, page, trace

SLACK, DUTY = Channel.SLACK, Channel.PAGERDUTY


def test_slack_and_pagerduty_together_are_one_page() -> None:
    score = judge([trace()], [page("s1"), page("p1", channel=DUTY, at=AT + 0.01)])
    (result,) = score.results
    assert (result.pages, result.detected, result.good) == (1, True, True)
    assert result.seconds is not None
    assert abs(result.seconds - 0.01) < 1e-4
    assert score.good
    assert score.complete
    assert score.unexpected == []


def test_a_withheld_incident_is_missed() -> None:
    score = judge([trace(), trace(BY_ID["break-glass"], "e2", sent_at=0)], [page()])
    assert [r.detected for r in score.results] == [True, False]
    assert [r.sent for r in score.results] == [True, False]
    assert not score.good
    assert not score.complete


def test_two_messages_are_two_pages() -> None:
    score = judge([trace()], [page("s1"), page("s2"), page("p1", channel=DUTY)])
    assert score.results[0].pages == 2
    assert score.complete
    assert not score.good


def test_two_incidents_in_pagerduty_are_two_pages() -> None:
    score = judge([trace()], [page("s1"), page("p1", channel=DUTY), page("p2", channel=DUTY)])
    assert score.results[0].pages == 2


def test_a_page_of_another_rule_or_about_other_events_is_unexpected() -> None:
    other = page("s1", rule="tool.loop")
    stranger = page("s2", text="evidence e9")
    score = judge([trace()], [other, stranger])
    assert not score.results[0].detected
    assert score.unexpected == [other, stranger]
    assert not belongs(other, trace())
    assert not belongs(stranger, trace())


def test_the_median_is_over_what_was_paged() -> None:
    traces = [trace(), trace(BY_ID["break-glass"], "e2"), trace(BY_ID["denied-burst"], "e3")]
    pages = [
        page("s1", at=AT + 0.1),
        page("s2", at=AT + 0.3, rule="tool.break_glass", text="e2"),
    ]
    score = judge(traces, pages)
    assert score.p50 is not None
    assert abs(score.p50 - 0.2) < 1e-4
    assert judge(traces, []).p50 is None


def test_a_page_before_the_last_event_left_took_no_time() -> None:
    assert judge([trace(sent_at=AT + 1)], [page(at=AT)]).results[0].seconds == 0


def test_the_incident_of_the_samples_is_planted() -> None:
    assert SCOPE.rule == "tool.scope_violation"
