"""``rate``: the share of the matching events that satisfy ``numerator`` crosses a bound that people agreed on.

Law: as ``sliding``, where the method, its cost and its memory are described. A fixed bound needs no history and learns nothing.

Source: the exact binomial guard is this product's own; the window and ``min_denominator`` are those of ElastAlert's ``percentage_match``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rulesd.core.detectors.sliding import Sliding
from rulesd.model.event import Document


@dataclass(frozen=True, slots=True)
class Rate(Sliding):
    """Fires when the share of ``numerator`` within a window is above or below a bound."""

    numerator: Callable[[Document], bool]

    name: ClassVar[str] = "rate"

    def hit(self, document: Document) -> bool:
        """Whether an event satisfies the numerator."""
        return bool(self.numerator(document))
