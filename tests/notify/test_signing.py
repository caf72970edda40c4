import pytest
from standardwebhooks import Webhook as Verifier

from rulesd.notify.signing import read_secret, sign
from tests.notify.samples import SECRET


def test_the_official_package_accepts_every_signature() -> None:
    import time

    other = "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    now, body = int(time.time()), b'{"a":1}'
    headers = sign([read_secret(SECRET), read_secret(other)], "msg_1", now, body)
    for secret in (SECRET, other):  # the receiver may have either during a rotation
        assert Verifier(secret).verify(body, headers) == {"a": 1}
    with pytest.raises(Exception, match="signature"):
        Verifier(SECRET).verify(b'{"a":2}', headers)
    with pytest.raises(Exception, match="signature"):
        Verifier("whsec_" + "A" * 32).verify(body, headers)


def test_the_prefix_may_be_missing() -> None:
    assert read_secret(SECRET) == read_secret(SECRET.removeprefix("whsec_"))


@pytest.mark.parametrize("bad", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_***", "é", "A" * 200])
def test_a_bad_secret_says_how_to_make_one_and_is_not_shown(bad: str) -> None:
    with pytest.raises(ValueError, match="openssl rand") as caught:
        read_secret(bad)
    assert len(bad) < 8 or bad not in str(caught.value)


def test_without_a_key_there_is_no_signature() -> None:
    assert sign([], "m", 5, b"") == {"webhook-id": "m", "webhook-timestamp": "5"}
