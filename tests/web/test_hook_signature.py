"""Signatures of Standard Webhooks, held against the standard's own package."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from rulesd.web.hook_signature import Verdict, bearer, key_of, verify
from tests.web.fakes import NOW

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
BODY = '{"alert": "a1", "ü": 1}'


def signed(
    secret: str = SECRET, body: str = BODY, name: str = "msg_1", seconds: int = 0
) -> dict[str, str]:
    moment = datetime.fromtimestamp(NOW // 1_000, UTC) + timedelta(seconds=seconds)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, moment, body),
    }


def verdict(headers: dict[str, str], body: str = BODY, *secrets: str) -> Verdict:
    return verify([key_of(one) for one in secrets or (SECRET,)], headers, body.encode(), NOW)


def test_the_standards_own_sender_is_believed() -> None:
    assert verdict(signed()) is Verdict.GOOD


def test_several_secrets_and_signatures() -> None:
    assert verdict(signed(OTHER), BODY, SECRET, OTHER) is Verdict.GOOD
    both = signed()
    both["webhook-signature"] = f"v1a,xyz v1,AAAA {both['webhook-signature']}"
    assert verdict(both) is Verdict.GOOD


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"webhook-id": "msg_2"}, Verdict.WRONG),
        ({"webhook-timestamp": str(NOW // 1_000 + 1)}, Verdict.WRONG),
        ({"webhook-signature": "v1,AAAA"}, Verdict.WRONG),
        ({"webhook-signature": "nonsense"}, Verdict.WRONG),
        ({"webhook-signature": ""}, Verdict.MISSING),
        ({"webhook-id": ""}, Verdict.MISSING),
        ({"webhook-id": "x" * 300}, Verdict.MISSING),
        ({"webhook-timestamp": "1e9"}, Verdict.MISSING),
        ({"webhook-timestamp": "-5"}, Verdict.MISSING),
    ],
)
def test_tampered_calls(change: dict[str, str], expected: Verdict) -> None:
    assert verdict({**signed(), **change}) is expected


def test_a_changed_body_or_another_secret_is_wrong() -> None:
    assert verdict(signed(), BODY + " ") is Verdict.WRONG
    assert verdict(signed(OTHER)) is Verdict.WRONG
    versioned = signed()
    versioned["webhook-signature"] = versioned["webhook-signature"].replace("v1,", "v2,")
    assert verdict(versioned) is Verdict.WRONG


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(300, Verdict.GOOD), (-300, Verdict.GOOD), (301, Verdict.STALE), (-301, Verdict.STALE)],
)
def test_five_minutes(seconds: int, expected: Verdict) -> None:
    assert verdict(signed(seconds=seconds)) is expected


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "é"])
def test_bad_secrets(secret: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        key_of(secret)


def test_bearer() -> None:
    keys = [b"secret-one-long-enough", b"secret-two-long-enough"]
    assert bearer(keys, "Bearer secret-two-long-enough")
    assert not bearer(keys, "Bearer secret-two")
    assert not bearer(keys, "Basic secret-two-long-enough")
    assert not bearer(keys, "")
    assert not bearer(keys, "Bearer ")
