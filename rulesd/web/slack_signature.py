"""Slack's signature: whether a call comes from Slack, and is fresh.

Law: checked over the bytes as they came, in constant time, against every secret. Nothing of a call is believed before that.

Theory: ``X-Slack-Signature`` is ``v0=`` and the hex HMAC-SHA256 of ``v0:<timestamp>:<body>``; the timestamp bounds how long a
copied call could be sent again, and the signature itself names the call for the memory of what was done.
"""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256

from rulesd.model.instant import Instant
from rulesd.web.hook_signature import TOLERANCE, Verdict

TIMESTAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: Instant) -> Verdict:
    """Check one call."""
    stamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) or not given:
        return Verdict.MISSING
    signed = f"v0:{stamp}:".encode() + body
    wanted = [f"v0={hmac.new(key, signed, sha256).hexdigest()}" for key in keys]
    said = given.encode("utf-8", "surrogateescape")
    # All are compared, so that time tells nothing about which secret fits.
    if not sum(hmac.compare_digest(one.encode(), said) for one in wanted):
        return Verdict.WRONG
    return Verdict.GOOD if abs(now - int(stamp) * 1_000) <= TOLERANCE else Verdict.STALE
