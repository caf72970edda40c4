"""What each detector offers to calibration: its threshold, what it counts, and what a stronger effect means for it.

Law: one table; a detector without a row is replayed and nothing else is claimed about it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from typing import Any

from rulesd.core.detectors.protocol import Detector
from rulesd.core.field import Field
from rulesd.core.labels import label_text
from rulesd.model.event import Document, Json


class Method(StrEnum):
    """How false pages are estimated."""

    FORMULA = "formula"
    "Scan statistic over the keys and hours."

    SHUFFLED = "shuffled"
    "The recorded times with the recorded marks in random order, through the detector."

    SIMULATED = "simulated"
    "Independent events at the recorded rates, through the detector."

    REPLAY = "replay"
    "Only what the recording itself would have paged."


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one detector is calibrated."""

    method: Method
    parameter: str = ""
    "The field of ``detect:`` that is proposed; empty: none."

    attribute: str = ""
    "The field of the detector that holds it, where that has another name."

    budget: bool = False
    "The parameter is a budget of false pages a week of the detector's own."

    down: bool = False
    "Fires when the value is below the parameter."


_BUDGETS = ("shift", "spike", "drift")


def kind_of(detector: "Detector[Any]") -> Kind:
    """How to calibrate a detector."""
    name = detector.name
    if name in ("burst", "repeat"):
        return Kind(method=Method.FORMULA, parameter="count")
    if name == "cardinality" and _bound(detector, "above"):
        return Kind(method=Method.FORMULA, parameter="above")
    if name == "aggregate" and getattr(detector, "fn", "") == "count" and _bound(detector, "above"):
        return Kind(method=Method.FORMULA, parameter="above")
    if name in ("rate", "disagreement", "aggregate", "quantile"):
        if _bound(detector, "above"):
            attribute = "limit" if name == "quantile" else ""
            return Kind(method=Method.SHUFFLED, parameter="above", attribute=attribute)
        return Kind(method=Method.SHUFFLED, parameter="below", down=True)
    if name in ("shift", "drift") or (name == "spike" and getattr(detector, "field", None)):
        return Kind(method=Method.SHUFFLED, parameter="budget", budget=True)
    if name == "burn_rate":
        return Kind(method=Method.SHUFFLED)
    if name == "spike":
        return Kind(method=Method.SIMULATED, parameter="budget", budget=True)
    if name == "accumulation":
        return Kind(method=Method.SIMULATED, parameter="threshold")
    return Kind(method=Method.REPLAY)


def _bound(detector: "Detector[Any]", name: str) -> bool:
    return getattr(detector, name, None) is not None


def value_of(detector: "Detector[Any]", kind: Kind) -> float | None:
    """The parameter as it stands."""
    name = kind.attribute or kind.parameter
    return float(getattr(detector, name)) if name else None


def with_value(detector: "Detector[Any]", kind: Kind, value: float) -> "Detector[Any]":
    """The same detector with another parameter."""
    given: float | int = round(value) if kind.parameter == "count" else value
    changed: Detector[Any] = replace(detector, **{kind.attribute or kind.parameter: given})  # type: ignore[type-var]
    return changed


def count_of(detector: "Detector[Any]", value: float) -> int:
    """How many occurrences (or different values) in a window a parameter means: ``above: 3`` means 4."""
    return int(value) + 1 if detector.name in ("cardinality", "aggregate") else max(1, ceil(value))


def parameter_of(detector: "Detector[Any]", count: int) -> float:
    """The parameter that means so many: the inverse of ``count_of``."""
    return float(count - 1) if detector.name in ("cardinality", "aggregate") else float(count)


def values_in(detector: "Detector[Any]", document: Document) -> list[str] | None:
    """The values a detector counts once each in a window; ``None``: it counts events."""
    field: Field | None = getattr(detector, "distinct", None)
    if detector.name == "cardinality":
        field = getattr(detector, "field", None)
    if field is None:
        return None
    return texts(field.get(document))


def texts(value: Json) -> list[str]:
    """A value, or each element of a list, as labels."""
    items = value if isinstance(value, list) else [value]
    return [t for item in items if item is not None and (t := label_text(item))]


def same_in(detector: "Detector[Any]", document: Document) -> tuple[str, ...] | None:
    """The combination a ``repeat`` counts; ``()`` for other detectors; ``None`` when the event does not count."""
    if detector.name != "repeat":
        return ()
    fields: tuple[Field, ...] = getattr(detector, "same", ())
    values = tuple(label_text(f.get(document)) for f in fields)
    return values if all(values) else None


def hit_of(detector: "Detector[Any]") -> Callable[[Document], bool | None] | None:
    """Whether an event is of the kind whose share the detector watches; ``None``: it watches no share."""
    if detector.name == "burn_rate":
        good: Callable[[Document], object] = getattr(detector, "good")  # noqa: B009
        return lambda document: not good(document)
    if hasattr(detector, "hit"):
        hit: Callable[[Document], bool | None] = getattr(detector, "hit")  # noqa: B009
        return hit
    numerator: Callable[[Document], bool] | None = getattr(detector, "numerator", None)
    return numerator


def measured(detector: "Detector[Any]") -> Field | None:
    """The number the detector reads."""
    if detector.name in ("aggregate", "quantile", "drift", "spike"):
        field: Field | None = getattr(detector, "field", None)
        return field
    return None


def learns_for(detector: "Detector[Any]") -> int:
    """How long it learns before it may fire, in milliseconds."""
    given = getattr(detector, "baseline", getattr(detector, "reference", 0))
    return int(given or 0)


def changed(document: Document, field: Field, value: Json) -> Mapping[str, Json]:
    """The document with another value of a field."""
    parts = field.name.split(".")
    data = document.get("data")
    if document.get(parts[0]) is not None or not isinstance(data, dict):
        return {**document, parts[0]: _set(document.get(parts[0]), parts[1:], value)}
    return {**document, "data": {**data, parts[0]: _set(data.get(parts[0]), parts[1:], value)}}


def _set(inside: Json, rest: list[str], value: Json) -> Json:
    if not rest:
        return value
    base = inside if isinstance(inside, dict) else {}
    return {**base, rest[0]: _set(base.get(rest[0]), rest[1:], value)}
