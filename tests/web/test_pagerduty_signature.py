from rulesd.web.pagerduty_signature import verify
from tests.web.integrating import NEWER, PAGERDUTY, pagerduty_headers

RAW = b'{"event":{}}'
KEYS = (PAGERDUTY.encode(), NEWER.encode())


def test_any_of_several_signatures_with_any_of_several_secrets() -> None:
    assert verify(KEYS, pagerduty_headers(RAW, PAGERDUTY), RAW)
    assert verify(KEYS, pagerduty_headers(RAW, "gone", NEWER), RAW)
    assert verify((KEYS[1],), pagerduty_headers(RAW, PAGERDUTY, NEWER), RAW)


def test_everything_else_is_refused() -> None:
    good = pagerduty_headers(RAW, PAGERDUTY)
    assert not verify(KEYS, good, RAW + b" ")
    assert not verify((), good, RAW)
    assert not verify(KEYS, {}, RAW)
    assert not verify(KEYS, pagerduty_headers(RAW, "guess"), RAW)
    value = good["X-PagerDuty-Signature"]
    assert not verify(KEYS, {"X-PagerDuty-Signature": value.replace("v1=", "v0=")}, RAW)
    assert not verify(KEYS, {"X-PagerDuty-Signature": "v1=é, ,"}, RAW)
    # A list without end is not read without end.
    assert not verify(KEYS, {"X-PagerDuty-Signature": "v1=x," * 20 + value}, RAW)
