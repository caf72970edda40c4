"""What an incident does to traffic: for a while, where labels fit, a share is another one.

Law: an effect changes chances, never events; what is not touched stays as usual.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Effect:
    """One change of one share."""

    what: str
    start: float
    end: float
    labels: Mapping[str, str]
    value: float


@dataclass(slots=True)
class Effects:
    """All changes of a world, by what they change."""

    by: dict[str, list[Effect]] = field(default_factory=dict)

    def add(
        self, what: str, start: float, end: float, value: float, labels: Mapping[str, str]
    ) -> None:
        """From ``start`` to ``end`` ``what`` is ``value`` where ``labels`` fit."""
        self.by.setdefault(what, []).append(Effect(what, start, end, labels, value))

    def of(self, what: str, usual: float, at: float, labels: Mapping[str, str]) -> float:
        """The share at a moment."""
        for each in self.by.get(what, ()):
            if each.start <= at < each.end and all(
                labels.get(k) == v for k, v in each.labels.items()
            ):
                return each.value
        return usual
