"""PagerDuty's signature (webhooks v3): whether a call comes from PagerDuty.

Law: checked over the bytes as they came, in constant time, every signature against every secret. Nothing of a call is believed
before that.

Theory: ``X-PagerDuty-Signature`` lists ``v1=<hex HMAC-SHA256 of the body>``, several while a secret is being changed. There is no
timestamp: what was done before is known by the call's id and by the time the event says it happened.
"""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256

SIGNATURE = "X-PagerDuty-Signature"
_MOST_SIGNATURES = 16


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether one of the signatures is made with one of the keys."""
    given = headers.get(SIGNATURE, "").split(",")[:_MOST_SIGNATURES]
    wanted = [f"v1={hmac.new(key, body, sha256).hexdigest()}".encode() for key in keys]
    good = False
    for one in given:
        said = one.strip().encode("utf-8", "surrogateescape")
        for right in wanted:
            good |= hmac.compare_digest(right, said)
    return good
