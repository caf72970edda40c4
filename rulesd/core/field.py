"""A name by which rules read one value of an event.

Law: reading never raises and never changes the document.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rulesd.model.event import Document, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A name in ``by``, ``context``, ``field``, ``distinct`` or ``same``: an attribute, or a field of ``data`` (dots allowed)."""

    name: str
    "As written: ``tenant``, ``data.tool``, ``region.city``."

    label: str
    "The last part of the name: the label's name."

    get: Callable[[Document], Json]
    "The value in a document, ``None`` where absent; an attribute wins over a field of ``data`` of that name."
