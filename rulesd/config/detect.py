"""The table of detectors: the word in ``detect:``, its parameters, and what builds it.

Law: adding a detector is one row here and one model in ``parameters.py``. A row without a builder is a word of the contract that
this version cannot run yet: a located error, never silence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from rulesd.config import parameters as p
from rulesd.config.fields import field
from rulesd.core.detectors.protocol import Detector

Build: TypeAlias = Callable[[Any], "Detector[Any]"]


@dataclass(frozen=True, slots=True)
class Row:
    """One word of ``detect:``."""

    parameters: type[p.Parameters]
    build: Build | None = None
    "Parameters in, detector out; ``None``: not built yet. May raise ``ValueError`` for a name that is none."

    fields: tuple[str, ...] = ()
    "Parameters that name a field of the event."

    logic: tuple[str, ...] = ()
    "Parameters that are JSON Logic over the event."

    unit: str = "events"
    "What ``value`` counts."


def _never(_: p.Never) -> "Detector[Any]":
    from rulesd.core.detectors.never import Never

    return Never()


def _burst(given: p.Burst) -> "Detector[Any]":
    from rulesd.core.detectors.burst import Burst

    return Burst(
        count=given.count,
        within=given.within,
        distinct=field(given.distinct) if given.distinct is not None else None,
        tumbling=given.mode == "tumbling_on_match",
    )


TABLE: dict[str, Row] = {
    "never": Row(p.Never, _never),
    "burst": Row(p.Burst, _burst, fields=("distinct",)),
    "repeat": Row(p.Repeat, fields=("same",)),
    "rate": Row(p.Rate, logic=("numerator",), unit="share"),
    "shift": Row(p.Shift, logic=("numerator",), unit="share"),
    "spike": Row(p.Spike),
    "rollout": Row(p.Rollout, logic=("numerator", "change"), unit="share"),
    "absence": Row(p.Absence),
    "new_value": Row(p.NewValue, fields=("field",)),
    "cardinality": Row(p.Cardinality, fields=("field",), unit="values"),
    "sequence": Row(p.Sequence, logic=("without",), unit="steps"),
    "budget": Row(p.Budget, fields=("sum",)),
    "drift": Row(p.Drift, fields=("field",), unit="PSI"),
    "burn_rate": Row(p.BurnRate, logic=("good",), unit="x budget"),
    "disagreement": Row(p.Disagreement, fields=("left", "right"), unit="share"),
    "quantile": Row(p.Quantile, fields=("field",), unit=""),
    "aggregate": Row(p.Aggregate, fields=("field",), unit=""),
    "change": Row(p.Change, fields=("field",)),
    "accumulation": Row(p.Accumulation),
    "composite": Row(p.Composite, unit="alerts"),
}
"Every detector of the contract."


def built() -> tuple[str, ...]:
    """The detectors this version can run."""
    return tuple(name for name, row in TABLE.items() if row.build is not None)
