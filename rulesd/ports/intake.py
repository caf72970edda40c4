"""The door through which sources hand over events: one for HTTP, MQTT, OTLP, hooks and files.

Promises:

* ``submit`` returns only after the commit that holds every accepted event (fsync), so a source may acknowledge at once.
* It raises ``Overloaded`` (with a time to wait) instead of queueing without bound, and when the store cannot commit.
* Batches are taken in order; nothing is taken twice; a duplicate is reported as one and waits for the commit of its first copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rulesd.model.errors import RulesdError
from rulesd.model.event import Event, Rejected


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch."""

    accepted: int
    duplicates: int


class Overloaded(RulesdError):
    """The daemon cannot take more now; nothing was taken. Try again after ``retry_after_s``."""

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        """Say why and for how long."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Intake(Protocol):
    """Takes decoded batches and answers when they are durable."""

    async def submit(
        self, source: str, events: Sequence[Event], rejected: Sequence[Rejected]
    ) -> Receipt:
        """Take a batch from ``source`` (a metric label such as ``http`` or ``mqtt``)."""
        ...
