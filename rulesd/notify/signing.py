"""Standard Webhooks signatures: who sent this body, and when.

Law: pure but for the time it is given. ``v1`` is HMAC-SHA256 over ``id.timestamp.body``; there is one signature for each
secret, so that a receiver can rotate its secret without losing a message.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from hashlib import sha256

SHORTEST, LONGEST = 24, 64
"Bytes of a secret, by the specification."


def read_secret(text: str) -> bytes:
    """The key in ``whsec_<base64>`` (the prefix may be missing).

    Raises:
        ValueError: when it is no such secret; the text says how to make one and does not quote it.
    """
    hint = "Make one with: printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\""
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"is not whsec_ and base64. {hint}") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"must be {SHORTEST} to {LONGEST} bytes. {hint}")
    return key


def sign(keys: Sequence[bytes], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt; without keys only id and time."""
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp_s)}
    if keys:
        signed = f"{message_id}.{timestamp_s}.".encode() + body
        headers["webhook-signature"] = " ".join(
            "v1," + base64.b64encode(hmac.digest(key, signed, sha256)).decode() for key in keys
        )
    return headers
