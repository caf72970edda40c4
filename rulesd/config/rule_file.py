"""A rule file, field by field (contract 2.3 and 2.6).

Law: shape only; what the words mean together is checked where they are compiled.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from rulesd.config.parameters import Logic
from rulesd.config.shape import Duration, Free, Hold, Names, Strict

Fraction = Annotated[
    float, Field(ge=0, le=1), BeforeValidator(lambda v: float(v) if type(v) is int else v)
]


class Review(Strict):
    """``review``: which share of alerts a person looks at."""

    sample: Fraction


class SeverityRow(Strict):
    """One row of a severity map."""

    if_: Annotated[Logic, Field(alias="if")] = None
    then: Literal["critical", "high", "medium", "low"]


class RuleFile(Strict):
    """``rules/<area>/<name>.yaml``."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    summary: Annotated[str, Field(max_length=1000)] = ""
    description: Annotated[str, Field(max_length=4000)] = ""
    owner: Annotated[str, Field(min_length=1)]
    runbook: Annotated[str, Field(min_length=1)]
    maturity: Literal["stable", "incubating", "shadow", "deprecated"] = "stable"
    on: Names = ()
    when: Logic = None
    detect: Free
    by: Names = ()
    severity: Free
    context: Names = ()
    lateness: Hold = 30_000
    for_: Annotated[Hold, Field(alias="for")] = 0
    keep_firing_for: Hold | None = None
    max_keys: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    actions: Names = ()
    covers: Names = ()
    review: Review | None = None
    tests: Free = None


class EventRow(Strict):
    """One row of a test's ``events``: an event, or a train of them. Other fields are CloudEvents attributes."""

    model_config = Strict.model_config | {"extra": "allow"}

    at: str | int
    repeat: Annotated[int, Field(ge=1, le=100_000)] = 1
    every: Duration = 0
    type: Annotated[str, Field(min_length=1)]
    id: str | None = None
    source: str | None = None
    time: str | None = None
    tenant: str | None = None
    data: dict[str, Free] = Field(default_factory=dict)


class ExpectRow(Strict):
    """One row of ``expect``."""

    at: Duration
    alert: Literal["pending", "firing", "updated", "resolved"] = "firing"
    severity: Literal["critical", "high", "medium", "low"] | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    receiver: str | None = None
    value: float | int | None = None
    action: str | None = None


class AckRow(Strict):
    """Someone takes the alerts that carry ``labels``."""

    at: Duration
    labels: dict[str, str] = Field(default_factory=dict)
    by: str = "on-call"


class SilenceRow(Strict):
    """Someone silences alerts from ``at`` for ``for``."""

    at: Duration
    for_: Annotated[Duration, Field(alias="for")] = 3_600_000
    matchers: Names = ()
    by: str = "on-call"
    comment: str = ""
    approved: bool = False


class DeployRow(Strict):
    """A deploy: short for an event of type ``deploy.change``."""

    model_config = Strict.model_config | {"extra": "allow"}

    at: str | int
    tenant: str | None = None


class TestEntry(Strict):
    """One of ``tests``."""

    name: Annotated[str, Field(min_length=1)]
    events: list[EventRow] = Field(default_factory=list)
    expect: list[ExpectRow]
    until: Duration | None = None
    acks: list[AckRow] = Field(default_factory=list)
    silences: list[SilenceRow] = Field(default_factory=list)
    deploys: list[DeployRow] = Field(default_factory=list)


class TestsOfRule(Strict):
    """The ``tests`` of a rule file."""

    tests: list[TestEntry]
