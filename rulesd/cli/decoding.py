"""How commands that run without a daemon decode events.

Law: nothing they decode is ever stored, and the same input gives the same output everywhere; so texts that are masked are masked under
one fixed key, and identities use a cheap digest.
"""

from collections.abc import Callable

from rulesd.ingest.event import EventDecoder
from rulesd.model.event import Event, Rejected
from rulesd.model.instant import Instant
from rulesd.privacy.redact import Redactor

_FIXED_KEY = b"rulesd offline: nothing is kept."


def recorded_decoder() -> EventDecoder:
    """For ``replay``: its output is for the terminal of whoever has the recording."""
    return EventDecoder(Redactor(_FIXED_KEY), digest=hash, identity=_identity)


def _identity(tenant: str, source: str, event: str) -> int:
    """Differs from run to run, as the digest of a body does, which nobody can see: both only tell whether an event was here before."""
    return hash((tenant, source, event))


def offline_decoder() -> Callable[[bytes, Instant, str], Event | Rejected]:
    """For rule tests: bytes, arrival and the vouched tenant in."""
    decoder = recorded_decoder()

    def decode(text: bytes, now: Instant, tenant: str) -> Event | Rejected:
        return decoder.one(text, now=now, tenant=tenant)

    return decode
