"""Label values of an event: how any JSON value becomes the text that tells alerts apart.

Law: total and stable. Every value has exactly one text; what is absent is visible as ``(missing)``, what cannot be a label
as ``(invalid)``. Numbers that are whole are written without a fraction, so that 1 and 1.0 are one segment.
"""

from collections.abc import Callable
from functools import partial

from rulesd.core.field import Field
from rulesd.model.alert import INVALID, MISSING
from rulesd.model.event import Document, Json

Key = tuple[str, ...]
"The values of a rule's ``by`` labels, in order."

Getter = Callable[[Document], Json]
"Reads one label of a document."

_ERROR = "\x00"
_LONGEST = 256


def label_text(value: Json) -> str:
    """A value as a label, empty when absent."""
    if type(value) is str:
        if len(value) <= _LONGEST and "\x00" not in value:
            return value
        return INVALID
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return str(value)
    return INVALID


def key_of(getters: tuple[Getter, ...], document: Document) -> Key:
    """The key an event belongs to, read by the getters of a rule's ``by``."""
    return tuple([label_text(get(document)) or MISSING for get in getters])


def key_reader(getters: tuple[Getter, ...]) -> Callable[[Document], Key]:
    """``key_of`` for these getters: most rules have two labels at most, and most values are plain texts, which cost one look."""

    def of_none(document: Document) -> Key:
        return ()

    def of_one(document: Document) -> Key:
        value = getters[0](document)
        if type(value) is str and 0 < len(value) <= _LONGEST and "\x00" not in value:
            return (value,)
        return (label_text(value) or MISSING,)

    def of_two(document: Document) -> Key:
        first, second = getters
        return (
            label_text(first(document)) or MISSING,
            label_text(second(document)) or MISSING,
        )

    return {0: of_none, 1: of_one, 2: of_two}.get(len(getters), partial(key_of, getters))


def labels_of(by: tuple[Field, ...], key: Key) -> dict[str, str]:
    """The identity labels of a key."""
    return {f.label: value for f, value in zip(by, key, strict=True)}


def error_key(source: str, type_: str) -> Key:
    """The key under which evaluations that raised are gathered: one for each (source, type)."""
    return (_ERROR, source[:_LONGEST], type_[:_LONGEST])


def is_error(key: Key) -> bool:
    """Whether a key is an ``error_key``."""
    return len(key) == 3 and key[0] == _ERROR


def error_labels(key: Key) -> dict[str, str]:
    """The identity labels of a "could not evaluate" alert."""
    return {"problem": "could_not_evaluate", "source": key[1], "type": key[2]}
