"""``disagreement``: two judgements of the same thing differ too often (a classifier and its reviewers, say).

Law: as ``sliding``, where the method, its cost and its memory are described. An event that lacks one of the two judgements says nothing
about their agreement and is not counted. Judgements are compared as labels: 1 and 1.0 agree, ``true`` and "true" agree.
"""

from dataclasses import dataclass
from typing import ClassVar

from rulesd.core.detectors.sliding import Sliding
from rulesd.core.field import Field
from rulesd.core.labels import label_text
from rulesd.model.event import Document


@dataclass(frozen=True, slots=True)
class Disagreement(Sliding):
    """Fires when ``left`` and ``right`` differ in more than a share ``above`` of the events that carry both."""

    left: Field
    right: Field

    name: ClassVar[str] = "disagreement"

    def hit(self, document: Document) -> bool | None:
        """Whether the two differ."""
        left, right = self.left.get(document), self.right.get(document)
        if left is None or right is None:
            return None
        return label_text(left) != label_text(right)
