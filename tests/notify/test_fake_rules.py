import pytest

from rulesd.notify.fake_rules import change_problems, pagerduty_problems, slack_problem


def section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"text": "x"}, ""),
        ({}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": "x", "blocks": [section("a")] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("a" * 3_001)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("")]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("a" * 2_900)] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "blocks": [section("a" * 2_900)] * 4}, ""),
    ],
)
def test_slack(said: dict[str, object], word: str) -> None:
    assert slack_problem(said) == word


GOOD = {
    "routing_key": "k",
    "event_action": "trigger",
    "dedup_key": "d",
    "payload": {"summary": "s", "source": "x", "severity": "info"},
}


@pytest.mark.parametrize(
    "change",
    [
        {"routing_key": ""},
        {"event_action": "explode"},
        {"dedup_key": "x" * 256},
        {"payload": {"summary": "s" * 1_025, "source": "x", "severity": "info"}},
        {"payload": {"summary": "s", "source": "", "severity": "info"}},
        {"payload": {"summary": "s", "source": "x", "severity": "high"}},
        {"links": [{"href": "javascript:x"}]},
    ],
)
def test_pagerduty(change: dict[str, object]) -> None:
    assert pagerduty_problems(GOOD, 100) == []
    assert len(pagerduty_problems({**GOOD, **change}, 100)) == 1
    assert pagerduty_problems(GOOD, 512_001) == ["the event is larger than 512 kB"]
    assert pagerduty_problems({**GOOD, "event_action": "resolve", "payload": {}}, 9) == []


def test_change_events_are_refused_for_what_the_real_api_refuses() -> None:
    good = {"routing_key": "k", "payload": {"summary": "s"}}
    assert change_problems(good, 100) == []
    for bad in (
        {},
        {"payload": {"summary": "s"}},
        {"routing_key": "k", "payload": {"summary": "s" * 1_025}},
        {**good, "event_action": "trigger"},
    ):
        assert change_problems(bad, 100)
    assert change_problems(good, 600_000)
