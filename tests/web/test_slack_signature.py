import pytest

from rulesd.web.hook_signature import Verdict
from rulesd.web.slack_signature import verify
from tests.web.integrating import OTHER, SLACK, slack_headers

NOW = 1_767_603_600_000
RAW = b"payload=%7B%7D"
KEYS = (OTHER.encode(), SLACK.encode())


def test_what_slacks_own_library_signs_is_good() -> None:
    assert verify(KEYS, slack_headers(RAW, NOW), RAW, NOW) is Verdict.GOOD
    assert verify(KEYS, slack_headers(RAW, NOW, OTHER), RAW, NOW) is Verdict.GOOD


def test_what_somebody_else_signs_is_not() -> None:
    good = slack_headers(RAW, NOW)
    assert verify(KEYS, slack_headers(RAW, NOW, "guess"), RAW, NOW) is Verdict.WRONG
    assert verify(KEYS, good, RAW + b"x", NOW) is Verdict.WRONG
    later = {**good, "X-Slack-Request-Timestamp": str(NOW // 1_000 + 1)}
    assert verify(KEYS, later, RAW, NOW) is Verdict.WRONG
    assert verify((), good, RAW, NOW) is Verdict.WRONG


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(300, Verdict.GOOD), (-300, Verdict.GOOD), (301, Verdict.STALE), (-301, Verdict.STALE)],
)
def test_five_minutes_either_way(seconds: int, verdict: Verdict) -> None:
    headers = slack_headers(RAW, NOW)
    assert verify(KEYS, headers, RAW, NOW + seconds * 1_000) is verdict


@pytest.mark.parametrize("stamp", ["", "1.5", "-1", "9" * 13, "١٢"])
def test_a_call_without_its_headers_is_none(stamp: str) -> None:
    good = slack_headers(RAW, NOW)
    assert verify(KEYS, {}, RAW, NOW) is Verdict.MISSING
    headers = {**good, "X-Slack-Request-Timestamp": stamp}
    assert verify(KEYS, headers, RAW, NOW) is Verdict.MISSING
    assert verify(KEYS, {**good, "X-Slack-Signature": "v0=é"}, RAW, NOW) is Verdict.WRONG
