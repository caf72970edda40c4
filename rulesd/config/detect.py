"""The table of detectors: the word in ``detect:``, its parameters, and what builds it.

Law: adding a detector is one row here and one model in ``parameters.py``. A row without a builder is a word of the contract that
this version cannot run yet: a located error, never silence.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import ValidationError

from rulesd.config import parameters as p
from rulesd.config.conditions import logic_problem
from rulesd.config.document import Document, Path_
from rulesd.config.fields import field
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.config.shape import report
from rulesd.core.detectors.protocol import Detector
from rulesd.core.field import Field
from rulesd.logic import RuleError, predicate

Build: TypeAlias = Callable[..., "Detector[Any]"]


@dataclass(frozen=True, slots=True)
class Row:
    """One word of ``detect:``."""

    parameters: type[p.Parameters]
    build: Build | None = None
    "Parameters (and the fields of ``by`` where ``keyed``) in, detector out; ``None``: not built yet. May raise ``ValueError`` that says what to write."

    fields: tuple[str, ...] = ()
    "Parameters that name a field of the event."

    logic: tuple[str, ...] = ()
    "Parameters that are JSON Logic over the event."

    unit: str = "events"
    "What ``value`` counts."

    keyed: bool = False
    "Whether ``build`` is also given the fields of ``by``."


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


def _rate(given: p.Rate) -> "Detector[Any]":
    from rulesd.core.detectors.rate import Rate

    return Rate(
        numerator=predicate(given.numerator),
        within=given.within,
        above=given.above,
        below=given.below,
        min_denominator=given.min_denominator,
    )


def _burn_rate(given: p.BurnRate) -> "Detector[Any]":
    from rulesd.core.detectors.burn_rate import PAIRS, BurnRate, Pair

    pairs = tuple(Pair(w.long, w.short, w.burn) for w in given.windows or ())
    return BurnRate(predicate(given.good), given.objective, pairs or PAIRS)


def _disagreement(given: p.Disagreement) -> "Detector[Any]":
    from rulesd.core.detectors.disagreement import Disagreement

    return Disagreement(
        left=field(given.left),
        right=field(given.right),
        within=given.within,
        above=given.above,
        below=None,
        min_denominator=1,
    )


def _drift(given: p.Drift) -> "Detector[Any]":
    from rulesd.core.detectors.drift import Drift

    shares = given.pinned or {}
    named = (
        shares.items() if isinstance(shares, dict) else ((str(n), s) for n, s in enumerate(shares))
    )
    return Drift(
        field=field(given.field),
        bins=tuple(sorted(given.bins)) if isinstance(given.bins, list) else given.bins,
        top=given.top or 10,
        baseline=given.baseline,
        budget=given.budget,
        pinned=tuple(named),
    )


def _shift(given: p.Shift, by: tuple[Field, ...]) -> "Detector[Any]":
    from rulesd.core.detectors.shift import Shift

    names = [f.label for f in by]
    pinned = given.pinned or []
    shares: list[tuple[tuple[str, ...], float]]
    if isinstance(pinned, int | float):
        shares = [((), float(pinned))]
    else:
        odd = next((n for one in pinned for n in one.labels if n not in names), None)
        if odd is not None:
            raise ValueError(
                f'pinned: "{odd[:60]}" is no label of this rule. Use those of "by": {", ".join(names) or "it has none"}'
            )
        shares = [(tuple(one.labels.get(n, "") for n in names), one.share) for one in pinned]

    return Shift(
        numerator=predicate(given.numerator),
        baseline=given.baseline,
        ratio=given.ratio,
        tolerance=given.tolerance,
        direction=given.direction,
        budget=given.budget,
        shares=tuple(shares),
    )


def _repeat(given: p.Repeat) -> "Detector[Any]":
    from rulesd.core.detectors.repeat import Repeat

    return Repeat(tuple(field(n) for n in given.same), given.count, given.within)


def _sequence(given: p.Sequence) -> "Detector[Any]":
    from rulesd.core.detectors.sequence import Steps

    return Steps(
        names=tuple(s.name for s in given.steps),
        whens=tuple(predicate(s.when) for s in given.steps),
        within=given.within,
        ordered=given.ordered,
        without=predicate(given.without) if given.without is not None else None,
    )


def _cardinality(given: p.Cardinality) -> "Detector[Any]":
    from rulesd.core.detectors.cardinality import Cardinality

    return Cardinality(field(given.field), given.within, given.above, given.below)


def _accumulation(given: p.Accumulation) -> "Detector[Any]":
    from rulesd.core.detectors.accumulation import Accumulation

    return Accumulation(given.half_life, given.threshold)


def _rollout(given: p.Rollout) -> "Detector[Any]":
    from rulesd.core.detectors.rollout import Rollout

    return Rollout(
        numerator=predicate(given.numerator),
        change=predicate(given.change),
        alpha=given.alpha,
        tolerance=given.tolerance,
        watch=given.watch,
    )


def _spike(given: p.Spike) -> "Detector[Any]":
    from rulesd.core.detectors.spike import Spike
    from rulesd.core.detectors.spike_measure import SpikeMeasure

    if given.field is not None:
        return SpikeMeasure(
            field=field(given.field),
            within=given.within,
            reference=given.reference,
            budget=given.budget,
            direction=given.direction,
        )
    return Spike(
        within=given.within,
        reference=given.reference,
        min_count=given.min_count,
        ratio=given.ratio,
        budget=given.budget,
    )


def _absence(given: p.Absence, by: tuple[Field, ...]) -> "Detector[Any]":
    from rulesd.config.schedule import schedule
    from rulesd.core.detectors.absence import Absence

    keys = [(k,) if isinstance(k, str) else tuple(k) for k in given.expected or ()]
    for key in keys:
        if len(key) != len(by):
            said = f"{list(key)} in expected has {len(key)} values, and by has {len(by)} labels"
            raise ValueError(f"{said}. Write one value for each label of by, in its order")
    planned = schedule(given.schedule) if given.schedule is not None else None
    return Absence(given.period, given.missed, tuple(keys), planned)


def _new_value(given: p.NewValue, by: tuple[Field, ...]) -> "Detector[Any]":
    from rulesd.core.detectors.new_value import NewValue

    watched = field(given.field)
    same = [i for i, each in enumerate(by) if each.label == watched.label]
    return NewValue(
        field=watched,
        learn_for=given.learn_for,
        forget_after=given.forget_after,
        share=given.share,
        position=same[0] if same else None,
    )


def _change(given: p.Change) -> "Detector[Any]":
    from rulesd.core.detectors.change import Change

    return Change(field(given.field), given.ignore_null, given.within)


def _composite(given: p.Composite, by: tuple[Field, ...]) -> "Detector[Any]":
    from rulesd.core.detectors.composite import Composite

    return Composite(given.all or (), given.any or (), given.not_ or (), given.within, by)


def _quantile(given: p.Quantile) -> "Detector[Any]":
    from rulesd.core.detectors.quantile import quantile

    return quantile(field(given.field), given.q, given.above, given.within)


def _aggregate(given: p.Aggregate) -> "Detector[Any]":
    from rulesd.core.detectors.aggregate import Aggregate

    bounds = (given.above, given.below, given.min_count)
    return Aggregate(field(given.field), given.fn, given.within, *bounds)


def _budget(given: p.Budget) -> "Detector[Any]":
    from rulesd.core.detectors.budget import Budget

    return Budget(field(given.sum), given.cap, given.within, given.horizon)


TABLE: dict[str, Row] = {
    "never": Row(p.Never, _never),
    "burst": Row(p.Burst, _burst, fields=("distinct",)),
    "repeat": Row(p.Repeat, _repeat, fields=("same",)),
    "rate": Row(p.Rate, _rate, logic=("numerator",), unit="share"),
    "shift": Row(p.Shift, _shift, logic=("numerator",), unit="share", keyed=True),
    "spike": Row(p.Spike, _spike, fields=("field",)),
    "rollout": Row(p.Rollout, _rollout, logic=("numerator", "change"), unit="share"),
    "absence": Row(p.Absence, _absence, unit="missed", keyed=True),
    "new_value": Row(p.NewValue, _new_value, fields=("field",), keyed=True),
    "cardinality": Row(p.Cardinality, _cardinality, fields=("field",), unit="values"),
    "sequence": Row(p.Sequence, _sequence, logic=("without",), unit="steps"),
    "budget": Row(p.Budget, _budget, fields=("sum",), unit=""),
    "drift": Row(p.Drift, _drift, fields=("field",), unit="PSI"),
    "burn_rate": Row(p.BurnRate, _burn_rate, logic=("good",), unit="times the budget"),
    "disagreement": Row(p.Disagreement, _disagreement, fields=("left", "right"), unit="share"),
    "quantile": Row(p.Quantile, _quantile, fields=("field",), unit="share"),
    "aggregate": Row(p.Aggregate, _aggregate, fields=("field",), unit="events"),
    "change": Row(p.Change, _change, fields=("field",)),
    "accumulation": Row(p.Accumulation, _accumulation, unit="points"),
    "composite": Row(p.Composite, _composite, unit="alerts", keyed=True),
}
"Every detector of the contract."


def built() -> tuple[str, ...]:
    """The detectors this version can run."""
    return tuple(name for name, row in TABLE.items() if row.build is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """What ``detect:`` says, built."""

    word: str
    parameters: p.Parameters
    detector: "Detector[Any]"
    unit: str


def read_detector(document: Document, problems: Problems) -> Detected | None:
    """The detector a rule names, or ``None`` after reporting everything wrong with it.

    ``never``, or a mapping of one word to its parameters: ``{burst: {count: 20, within: 5m}}``.
    """
    node = document.node(("detect",))
    given = node.data if node is not None else None
    data: object = {}
    base: Path_ = ("detect",)
    if isinstance(given, str):
        word = given
    elif isinstance(given, dict) and len(given) == 1:
        word = next(iter(given))
        data, base = ({} if given[word] is None else given[word]), ("detect", word)
    else:
        hint = "Write never, or one detector with its parameters: {burst: {count: 20, within: 5m}}."
        problems.at(document, base, Code.UNKNOWN_DETECTOR, "detect must name one detector", hint)
        return None
    row = TABLE.get(word)
    if row is None:
        hint = f"{did_you_mean(word, TABLE)}Known: {listed(TABLE, 30)}."
        said = f'"{word[:60]}" is no detector'
        problems.at(document, base, Code.UNKNOWN_DETECTOR, said, hint, key=True)
        return None
    return _build(word, row, data, base, document, problems)


def _build(
    word: str, row: Row, data: object, base: Path_, document: Document, problems: Problems
) -> Detected | None:
    try:
        parameters = row.parameters.model_validate(data)
    except ValidationError as error:
        report(error, row.parameters, document, problems, base=base)
        return None
    before = len(problems.errors)
    for name in row.fields:
        for one in _names(getattr(parameters, name)):
            try:
                field(one)
            except ValueError as error:
                hint = 'Write a name such as "tool".'
                problems.at(document, (*base, name), Code.INVALID_VALUE, f"{name}: {error}", hint)
    for place, logic in _conditions(row, parameters):
        try:
            predicate(logic)
        except RuleError as error:
            logic_problem(error, (*base, *place), document, problems)
    if row.build is None:
        said = f'this version cannot run the detector "{word}" yet'
        hint = f"Use one of: {', '.join(built())}."
        problems.at(document, base, Code.NOT_BUILT, said, hint, key=True)
        return None
    if len(problems.errors) > before:
        return None
    try:
        detector = row.build(parameters, *((_by(document),) if row.keyed else ()))
    except ValueError as error:
        said, _, hint = str(error).partition(". ")
        problems.at(document, base, Code.INVALID_VALUE, f"{word}: {said}", f"{hint}.")
        return None
    unit = _unit(row, parameters)
    return Detected(word=word, parameters=parameters, detector=detector, unit=unit)


def _unit(row: Row, parameters: p.Parameters) -> str:
    """What the value is counted in, for people: a sum of ``output_tokens`` is so many output tokens."""
    match parameters:
        case p.NewValue(share=float()):
            return "share"
        case p.Budget(sum=name) | p.Aggregate(field=name, fn="sum" | "avg" | "min" | "max"):
            return name.rpartition(".")[2].replace("_", " ").replace("cost usd", "USD")
    return "" if isinstance(parameters, p.Spike) and parameters.field is not None else row.unit


def _by(document: Document) -> tuple[Field, ...]:
    """The fields of ``by``; what is none there is reported where ``by`` is read."""
    node = document.node(("by",))
    named = node.data if node is not None else ()
    names = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    found = []
    for name in names:
        with suppress(ValueError):
            found.append(field(str(name)))
    return tuple(found)


def _conditions(row: Row, parameters: p.Parameters) -> list[tuple[Path_, object]]:
    """Every condition among the parameters, with its place."""
    found: list[tuple[Path_, object]] = [((name,), getattr(parameters, name)) for name in row.logic]
    if isinstance(parameters, p.Sequence):
        found += [(("steps", i, "when"), step.when) for i, step in enumerate(parameters.steps)]
    return [(place, logic) for place, logic in found if logic is not None]


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(v) for v in value) if isinstance(value, tuple) else ()
