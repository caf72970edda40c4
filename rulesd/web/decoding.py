"""What the HTTP door needs of the decoder."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rulesd.model.event import Event, Rejected
from rulesd.model.instant import Instant


class Decoded(Protocol):
    """What became of one body."""

    @property
    def events(self) -> Sequence[Event]:
        """Events that can be taken, redacted."""
        ...

    @property
    def rejected(self) -> Sequence[Rejected]:
        """The others, each with its position in the body."""
        ...

    @property
    def single(self) -> bool:
        """The body was one event, or could not be read at all: a refusal of it is a 400."""
        ...

    @property
    def notices(self) -> Mapping[str, int]:
        """Things worth knowing about accepted events, counted."""
        ...


class Decoder(Protocol):
    """Turns a body into redacted events."""

    def http(
        self,
        content_type: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        now: Instant,
        tenant: str,
    ) -> Decoded:
        """Decode one body of ``POST /v1/events``."""
        ...
