"""An on-call override that a person made while the daemon runs: who stands in, on which schedule, from when until when, and why.

Law: a value. It goes before what the files say, for its time only; the files stay as they are.
"""

from dataclasses import dataclass

from rulesd.model.instant import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallOverride:
    """Somebody else is on call, for a while."""

    id: str
    "Given by whoever wrote it down first."

    schedule: str
    people: tuple[str, ...]
    "Names of owners.yaml; at least one."

    begins: Instant
    ends: Instant
    by: str
    "Who made it."

    reason: str
    made_at: Instant

    def holds(self, at: Instant) -> bool:
        """Whether it speaks of this instant."""
        return self.begins <= at < self.ends
