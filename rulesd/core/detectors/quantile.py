"""``quantile``: the slow (or dear) end is too slow.

Law: the q-quantile of a measure is above a bound exactly when more than 1 - q of its values are; so no sketch is needed and nothing is
approximate. A value that is no number, and a truth value, is not counted.

Method: ``sliding`` over "is above the bound" with the share 1 - q: the window slides by a sixtieth, at least 20 values, and the exact binomial chance of so
many at a true share of 1 - q is at most 1 %. The alert's value is the share of values above the bound, its threshold is 1 - q; the words for people
are in the details (``above``, ``share``, ``allowed``, ``events``).

Memory per key: 2.5 kB. Cost per observation: 1 us; 3 to 20 us for each pane that has something to say.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from rulesd.core.detectors.protocol import Reading
from rulesd.core.detectors.sliding import Sliding, Window
from rulesd.core.field import Field
from rulesd.model.event import Document
from rulesd.model.instant import Milliseconds

LEAST = 20
"How many values a quantile is told from."


@dataclass(frozen=True, slots=True)
class Quantile(Sliding):
    """Fires when the q-quantile of ``field`` is above ``limit``."""

    field: Field
    limit: float

    name: ClassVar[str] = "quantile"

    def hit(self, document: Document) -> bool | None:
        """Whether the value is above the bound."""
        value = self.field.get(document)
        if type(value) is float or type(value) is int:
            return value > self.limit
        return None

    def _judge(self, state: Window, last: int) -> Reading | None:
        found = Sliding._judge(self, state, last)  # noqa: SLF001 - the same object
        if found is None:
            return None
        detail = dict(found.detail or {})
        detail |= {
            "above": f"{self.limit:g}",
            "share": f"{found.value:.1%}",
            "allowed": f"{found.threshold:.1%}",
        }
        return replace(found, detail=detail)


def quantile(field: Field, q: float, above: float, within: Milliseconds) -> Quantile:
    """The detector of a rule file."""
    return Quantile(
        within=within,
        above=round(1.0 - q, 12),
        below=None,
        min_denominator=LEAST,
        field=field,
        limit=above,
    )
