"""How much one delivery may hold, and what comes out of decoding one.

Law: every limit of the door stands here, with its reason; reaching one is an answer that says what to send instead.
"""

from collections import Counter
from dataclasses import dataclass, field

from rulesd.model.event import Event, Rejected

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of contract 2.8, and those that keep a batch from filling the memory."""

    body: int = 16 * MIB
    "Bytes of a body or message as it was sent."

    inflated: int = 64 * MIB
    "Bytes of a body after gzip."

    tokens: int = 5_000_000
    "Brackets and commas of one JSON text above 1 MiB: each may cost a hundred times its size once decoded."

    refused: int = 10_000
    "Events of one batch that may be unreadable before the whole batch is refused: each is answered with a sentence."

    weight: int = 1_000_000
    "Most occurrences one event may stand for (``sampledrate``)."


@dataclass(slots=True, kw_only=True)
class Decoded:
    """What one delivery, or one part of it, held."""

    events: list[Event] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    single: bool = False
    "It was meant as one event, or could not be read at all: a rejection is then the answer to all of it."

    notices: Counter[str] = field(default_factory=Counter)
    "Things worth knowing about accepted events, by word (``rulesd_event_notices``)."

    def add(self, item: Event | Rejected) -> None:
        """Put an outcome where it belongs."""
        if type(item) is Event:
            self.events.append(item)
        else:
            self.rejected.append(item)  # type: ignore[arg-type]

    def extend(self, part: "Decoded") -> None:
        """Append the next part of the same delivery."""
        self.events += part.events
        self.rejected += part.rejected
        if part.notices:
            self.notices.update(part.notices)
        self.single = part.single
