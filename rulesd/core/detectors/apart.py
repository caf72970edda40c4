"""What a detector is when its keys share nothing and time alone changes nothing: the answers to most of the protocol.

Law: stateless. A detector overrides what is different about it.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.model.event import Json
from rulesd.model.instant import Instant


class Apart:
    """Every key on its own, judged by its events."""

    __slots__ = ()

    version: ClassVar[int] = 1
    clock: ClassVar[Clock] = Clock.EVENT
    counts: ClassVar[bool] = False
    pooled: ClassVar[bool] = False

    def pool(self) -> object:
        """Keys share nothing."""
        return None

    def advance(self, state: Any, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Nothing happens by time alone."""
        return ()

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """Every observation is one of a key."""
        return False

    def deadline(self, state: Any, pool: object) -> Instant | None:
        """No deadline of its own."""
        return None

    def dump_pool(self, pool: object) -> Json:
        """Nothing."""
        return None

    def load_pool(self, data: Json) -> object:
        """Nothing."""
        return None
