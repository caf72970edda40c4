"""Standard Webhooks: whether a call comes from who holds the secret, and is fresh.

Law: the signature is checked over the bytes as they came, in constant time, against every secret (a secret is changed by
having two for a while). Nothing of a call is believed before that.

Theory: ``webhook-signature`` lists ``v1,<base64 of HMAC-SHA256>`` over ``<webhook-id>.<webhook-timestamp>.<body>``. The
timestamp bounds how long a copied call could be sent again; ``hook_replay`` closes that window.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from rulesd.model.instant import MINUTE, Instant

TOLERANCE = 5 * MINUTE
"How far a call's timestamp may be from our clock, either way."

_PREFIX = "whsec_"
_MOST_SIGNATURES = 16
_LONGEST_ID = 256


class Verdict(StrEnum):
    """What a signature is worth."""

    GOOD = "good"
    MISSING = "missing_signature"
    STALE = "stale_timestamp"
    WRONG = "wrong_signature"


def key_of(secret: str) -> bytes:
    """The key behind a ``whsec_...`` secret. Raises ``ValueError`` when it is none."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(_PREFIX) + "==", validate=False)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 16:
        raise ValueError("the secret is not whsec_ and at least 24 characters of base64")
    return key


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: Instant) -> Verdict:
    """Check one call."""
    name = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "").split()[:_MOST_SIGNATURES]
    plain = stamp.isascii() and stamp.isdigit() and len(stamp) <= 12
    if not name or len(name) > _LONGEST_ID or not plain or not signatures:
        return Verdict.MISSING
    signed = f"{name}.{stamp}.".encode("utf-8", "surrogateescape") + body
    wanted = [base64.b64encode(hmac.new(key, signed, sha256).digest()) for key in keys]
    good = False
    for signature in signatures:
        version, _, value = signature.partition(",")
        given = value.encode("utf-8", "replace")
        for one in wanted:
            good |= version == "v1" and hmac.compare_digest(one, given)
    if not good:
        return Verdict.WRONG
    # Only who holds the secret learns that it is the clock.
    return Verdict.GOOD if abs(now - int(stamp) * 1_000) <= TOLERANCE else Verdict.STALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Where a sender puts the HMAC-SHA256 of the bare body (GitHub, LaunchDarkly, Argo CD ...)."""

    header: str
    prefix: str = ""
    encoding: str = "hex"

    def good(self, keys: Sequence[bytes], headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of the secrets made the signature; compared in constant time."""
        given = headers.get(self.header, "").removeprefix(self.prefix).strip()
        good = False
        for key in keys:
            made = hmac.new(key, body, sha256)
            wanted = (
                base64.b64encode(made.digest()).decode()
                if self.encoding == "base64"
                else made.hexdigest()
            )
            good |= hmac.compare_digest(wanted.encode(), given.encode("utf-8", "surrogateescape"))
        return good


def bearer(keys: Sequence[bytes], authorization: str) -> bool:
    """Whether ``Authorization: Bearer`` carries one of the secrets."""
    scheme, _, given = authorization.partition(" ")
    good = False
    for key in keys:
        good |= hmac.compare_digest(key, given.strip().encode("utf-8", "surrogateescape"))
    return good and scheme.lower() == "bearer"
