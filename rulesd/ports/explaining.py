"""What the daemon's doors may ask about why something happened, or did not.

Promises: asking changes nothing; an answer is built from what is kept at that moment.
"""

from typing import Protocol

from rulesd.model.story import Story


class Explaining(Protocol):
    """The answers of one daemon."""

    async def why(self, alert: str) -> Story | None:
        """Why an alert is what it is, and who was told; ``None`` when nothing is known of it."""
        ...

    async def why_not(self, event: str, rule: str) -> Story:
        """What became of an event, for every rule about its type or for one."""
        ...

    def route(self, labels: dict[str, str]) -> Story:
        """Where an alert with these labels would go now."""
        ...
