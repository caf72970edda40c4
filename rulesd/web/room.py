"""Room for bodies: how many bytes of requests may lie in memory at one moment.

Law: a body that does not fit is refused before it is read; nothing waits without bound.
"""

import asyncio
from types import TracebackType
from typing import Self

from rulesd.web.answers import Refused

INFLATING = 2
"Bodies that are inflated at one moment; others wait their turn."


class Room:
    """A number of bytes that all requests share."""

    def __init__(self, size: int) -> None:
        """``size`` in bytes."""
        self.size, self.used = size, 0
        self.inflating = asyncio.Semaphore(INFLATING)

    def place(self) -> "Place":
        """A place for one request; use it with ``with``."""
        return Place(self)


class Place:
    """What one request holds of the room; given back when the ``with`` block ends."""

    __slots__ = ("_held", "_room")

    def __init__(self, room: Room) -> None:
        """Nothing is held yet."""
        self._room, self._held = room, 0

    def hold(self, size: int) -> None:
        """Hold at least ``size`` bytes. Raises ``Refused`` (503) when they are not there."""
        more = size - self._held
        if more <= 0:
            return
        if self._room.used + more > self._room.size:
            raise Refused(
                503,
                "overloaded",
                "too many large bodies are being taken right now; nothing of this one was. Send it again later",
                headers={"Retry-After": "2"},
                close=True,
            )
        self._room.used += more
        self._held = size

    def inflating(self) -> asyncio.Semaphore:
        """Wait for one's turn to inflate: how large a body becomes is known only afterwards."""
        return self._room.inflating

    def __enter__(self) -> Self:
        """The place itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give everything back."""
        self._room.used -= self._held
        self._held = 0
