"""What the daemon's doors may ask about what rules have learned.

Promises: looking changes nothing, and never holds the daemon up: many keys are looked through a part at a time.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from rulesd.core.baselines import Baseline
from rulesd.core.labels import Key


class Place(NamedTuple):
    """Where a page of baselines ended: the next one begins after it."""

    rule: str
    key: Key


class Baselines(NamedTuple):
    """One page."""

    rows: Sequence[Baseline]
    "By rule in the order of the plan, and by key."

    more: Place | None
    "Where to go on; ``None``: that was all."


class Relearned(NamedTuple):
    """What became of the wish that keys learn afresh."""

    keys: int
    "How many do."

    refused: str = ""
    "Why none does, in a word for programs; empty when some do."


class Learning(Protocol):
    """What the rules of one daemon have learned."""

    def rules(self) -> Sequence[str]:
        """The ids of the rules that learn, in the order of the plan."""
        ...

    def labels(self, rule: str) -> Sequence[str]:
        """The names of the labels that tell the keys of such a rule apart."""
        ...

    async def page(
        self, rule: str, labels: Mapping[str, str], after: Place | None, most: int
    ) -> Baselines:
        """At most ``most`` baselines: of one rule or (empty) of all, of the keys that have these labels."""
        ...

    async def relearn(
        self, rule: str, labels: Mapping[str, str], by: str, reason: str
    ) -> Relearned:
        """Keys of a rule learn afresh: those with these labels, or the whole rule without any. Durable when it returns."""
        ...
