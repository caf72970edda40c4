"""The parameters of every detector, as a rule file writes them (contract 2.3).

Law: names, bounds and defaults only; what they mean is the detector's business.
"""

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from rulesd.config.problems import Code
from rulesd.config.shape import Names, Strict, Window
from rulesd.model.instant import DAY, MINUTE

Logic = Annotated[
    Any,
    WithJsonSchema(
        {
            "description": "JSON Logic: a mapping of one operator to its arguments, or a constant",
            "anyOf": [
                {"type": "object", "minProperties": 1},
                {"type": ["array", "string", "number", "boolean", "null"]},
            ],
        }
    ),
]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Share = Annotated[
    float, Field(gt=0, lt=1), BeforeValidator(lambda v: float(v) if type(v) is int else v)
]
Number = Annotated[float, BeforeValidator(lambda v: float(v) if type(v) is int else v)]
Part = Annotated[
    float, Field(ge=0, le=1), BeforeValidator(lambda v: float(v) if type(v) is int else v)
]
Inner = Annotated[float, Field(gt=0, lt=1)]
"A share that neither never nor always happens."
Above0 = Annotated[float, Field(gt=0), BeforeValidator(lambda v: float(v) if type(v) is int else v)]


class Parameters(Strict):
    """What every detector's parameters have in common: nothing."""


class OneBound(Parameters):
    """``above`` or ``below`` (or both)."""

    above: Number | None = None
    below: Number | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "OneBound":
        if self.above is None and self.below is None:
            raise PydanticCustomError(
                Code.MISSING_FIELD.value, 'needs "above" or "below". Add "above: ...".'
            )
        if self.above is not None and self.below is not None and self.below > self.above:
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                '"below" is greater than "above", so one of them always holds. Write the lower bound as "below".',
            )
        return self


_NO_SHARE = "is no bound that a share can cross. Write 0.05 for 5 %."


class Never(Parameters):
    """Any matching event."""

    again_after: Window = 15 * MINUTE


class Burst(Parameters):
    """So many (or so many different values) in a window."""

    count: Count
    within: Window
    distinct: str | None = None
    mode: Literal["sliding", "tumbling_on_match"] = "sliding"


class Repeat(Parameters):
    """The same thing again and again."""

    same: Annotated[Names, Field(min_length=1)]
    count: Count
    within: Window


class Rate(OneBound):
    """A share of the matching events crosses a bound."""

    numerator: Logic
    within: Window
    min_denominator: Count = 30

    @model_validator(mode="after")
    def _shares(self) -> "Rate":
        if self.above is not None and not 0.0 <= self.above < 1.0:
            raise PydanticCustomError(Code.OUT_OF_RANGE.value, f'"above" {_NO_SHARE}')
        if self.below is not None and not 0.0 < self.below <= 1.0:
            raise PydanticCustomError(Code.OUT_OF_RANGE.value, f'"below" {_NO_SHARE}')
        return self


class PinnedShare(Strict):
    """A share that people agreed on, for the keys with these labels."""

    labels: Annotated[dict[str, str], Field(min_length=1, max_length=20)]
    share: Inner


class Shift(Parameters):
    """A rate left its own baseline for good."""

    numerator: Logic
    baseline: Window = 7 * DAY
    ratio: Annotated[Above0, Field(gt=1, le=1000)] = 2.0
    tolerance: Annotated[Number, Field(ge=0, le=10)] = 0.15
    direction: Literal["up", "down", "both"] = "both"
    budget: Above0 = 0.1
    pinned: Number | Annotated[list[PinnedShare], Field(min_length=1, max_length=500)] | None = None

    @model_validator(mode="after")
    def _share(self) -> "Shift":
        if isinstance(self.pinned, int | float) and not 0.0 < self.pinned < 1.0:
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                '"pinned" is no share. Write one above 0 and below 1, or a list: [{labels: {tenant: acme}, share: 0.02}].',
            )
        return self


class Spike(Parameters):
    """More events, or with ``field`` another level of a measure, than its own history explains."""

    within: Window
    reference: Window = 28 * DAY
    min_count: Count = 10
    ratio: Annotated[Above0, Field(gt=1, le=1000)] = 2.0
    budget: Above0 = 0.1
    field: str | None = None
    direction: Literal["up", "down", "both"] = "both"

    @model_validator(mode="after")
    def _enough(self) -> "Spike":
        if self.reference < 3 * self.within:
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                '"reference" must hold three windows. Write a longer "reference" or a shorter "within".',
            )
        of_counts = {"min_count", "ratio"} & self.model_fields_set
        if self.field is not None and of_counts:
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                '"min_count" and "ratio" are about counts. With "field" write only "within", "reference", "budget" and "direction".',
            )
        if self.field is None and "direction" in self.model_fields_set:
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                '"direction" is about a measure. Name it with "field", or leave "direction" out: counts are watched upwards.',
            )
        return self


class Rollout(Parameters):
    """A release shifted a rate."""

    numerator: Logic
    change: Logic
    alpha: Share = 0.01
    tolerance: Annotated[Number, Field(ge=0, le=10)] = 0.25
    watch: Window = DAY


class Absence(Parameters):
    """An expected event did not come."""

    period: Window | None = None
    missed: Annotated[int, Field(ge=1, le=1000)] = 3
    expected: Annotated[list[str | list[str]], Field(max_length=10_000)] | None = None
    schedule: str | None = None


class NewValue(Parameters):
    """A value never seen before, or one that takes over."""

    field: str
    learn_for: Window = 7 * DAY
    forget_after: Window | None = None
    share: Share | None = None


class Cardinality(OneBound):
    """Too many or too few different values."""

    field: str
    within: Window

    @model_validator(mode="after")
    def _numbers(self) -> "Cardinality":
        if (self.above is not None and self.above < 0) or (
            self.below is not None and self.below <= 0
        ):
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                'no number of values is below 0. Write "above" as 0 or more, "below" as more than 0.',
            )
        return self


class Step(Strict):
    """One step of a sequence."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    when: Logic


class Sequence(Parameters):
    """Steps of one key within a time."""

    steps: Annotated[list[Step], Field(min_length=2, max_length=20)]
    within: Window
    ordered: bool = True
    without: Logic = None

    @model_validator(mode="after")
    def _apart(self) -> "Sequence":
        names = [step.name for step in self.steps]
        if len(set(names)) < len(names):
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                "two steps have one name. Give each step a name of its own: pages tell them apart by it.",
            )
        return self


class Budget(Parameters):
    """Spend passed, or will pass, its cap."""

    sum: str
    cap: Above0
    within: Window
    horizon: Window | None = None


class Drift(Parameters):
    """A distribution moved."""

    field: str
    bins: (
        Annotated[list[Number], Field(min_length=1, max_length=49)]
        | Annotated[int, Field(ge=2, le=50)]
        | None
    ) = None
    top: Annotated[int, Field(ge=2, le=50)] | None = None
    baseline: Window = 7 * DAY
    budget: Above0 = 0.1
    pinned: (
        Annotated[dict[str, Part], Field(min_length=2, max_length=50)]
        | Annotated[list[Part], Field(min_length=2, max_length=50)]
        | None
    ) = None

    @model_validator(mode="after")
    def _one(self) -> "Drift":
        if self.bins is not None and self.top is not None:
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                'has "bins" and "top". Keep "bins" for a number, "top" for labels.',
            )
        edges = self.bins if isinstance(self.bins, list) else []
        if any(high <= low for low, high in pairwise(edges)):
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                'the edges in "bins" do not rise. Write each one once, from the lowest to the highest.',
            )
        return self

    @model_validator(mode="after")
    def _whole(self) -> "Drift":
        if self.pinned is None:
            return self
        if isinstance(self.pinned, dict):
            fits, total = self.bins is None, sum(self.pinned.values())
            fits = fits and total <= 1.01
        else:
            fits = isinstance(self.bins, list) and len(self.pinned) == len(self.bins) + 1
            fits = fits and 0.99 <= sum(self.pinned) <= 1.01
        if not fits:
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                '"pinned" does not fit. Write a share for each label, {pass: 0.9, fail: 0.1}, or with edges in "bins" one share more than edges, together 1.',
            )
        return self


class BurnWindows(Strict):
    """A long and a short window that must both burn so fast."""

    long: Window
    short: Window
    burn: Above0

    @model_validator(mode="after")
    def _longer(self) -> "BurnWindows":
        if not 2 * self.short <= self.long <= 40 * self.short:
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                '"long" must be 2 to 40 times "short". Write for example {long: 1h, short: 5m, burn: 14.4}.',
            )
        return self


class BurnRate(Parameters):
    """An SLO's error budget burns."""

    good: Logic
    objective: Share
    windows: Annotated[list[BurnWindows], Field(min_length=1, max_length=4)] | None = None

    @model_validator(mode="after")
    def _reachable(self) -> "BurnRate":
        fastest = 1.0 / (1.0 - self.objective)
        if any(w.burn >= fastest for w in self.windows or ()):
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                f'"burn" cannot be reached. When everything fails this objective burns {fastest:.6g} times its budget; write less.',
            )
        return self


class Disagreement(Parameters):
    """Two judgements differ too often."""

    left: str
    right: str
    within: Window
    above: Share

    @model_validator(mode="after")
    def _two(self) -> "Disagreement":
        if self.left == self.right:
            raise PydanticCustomError(
                Code.OUT_OF_RANGE.value,
                '"left" and "right" are one field, which never differs from itself. Name two.',
            )
        return self


class Quantile(Parameters):
    """A quantile of a measure is too high."""

    field: str
    q: Share
    above: Number
    within: Window


class Aggregate(OneBound):
    """A measure's aggregate leaves its bounds."""

    field: str
    fn: Literal["sum", "avg", "min", "max", "count"]
    within: Window
    min_count: Count = 1


class Change(Parameters):
    """A value differs from the last one of its key."""

    field: str
    ignore_null: bool = True
    within: Window | None = None


class Accumulation(Parameters):
    """Near misses pile up."""

    half_life: Window
    threshold: Above0


class Composite(Parameters):
    """Alerts together."""

    all: Names | None = None
    any: Names | None = None
    not_: Annotated[Names | None, Field(alias="not")] = None
    within: Window
