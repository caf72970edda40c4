"""One immutable record as it arrived, already decoded and redacted.

Law: an event never changes and never holds raw content. ``document`` is what rules read (contract 2.2).
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from rulesd.model.instant import Instant

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"What a JSON text can hold once decoded."

Document: TypeAlias = Mapping[str, Json]
"The object a rule's JSON Logic reads: CloudEvents attributes at the top, and ``data``."

FUTURE_LIMIT_MS = 5 * 60 * 1_000
"An event dated further ahead than this is ``time_suspect``: it never moves a watermark."


class Event(NamedTuple):
    """A decoded, redacted CloudEvent. A tuple, because one is made for every event that arrives."""

    id: str
    source: str
    type: str
    "The bare name: ``tool.call`` for ``ai.safety.tool.call.v1``."

    tenant: str
    "The tenant the transport vouches for, else the one the event claims, else empty."

    at: Instant
    "Event time; the receive time when the event names none."

    document: Document
    "What rules see."

    key: int
    "64-bit digest of (tenant, source, id): the identity for the duplicates window."

    body: int
    "64-bit keyed digest of the event as it arrived: tells a redelivery from a re-used id."

    weight: int = 1
    "CloudEvents ``sampledrate``: how many occurrences this event stands for in counts."


class Rejected(NamedTuple):
    """An event that could not be taken, described without any of its content."""

    position: int
    "Position in its batch, from 0."

    code: str
    "A word from ``ErrorCode``."

    message: str
    "What is wrong and what to send instead; never holds a value of the event."

    pointer: str
    "RFC 6901 JSON pointer into the event (empty for the whole)."

    size: int = 0
    "Length of the refused text in bytes."
