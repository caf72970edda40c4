"""A story: why something happened, or did not, step by step, for people and for programs.

Law: every step says one thing that was looked up, in a sentence; ``more`` holds the detail under it. No raw content.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rulesd.model.event import Json


class Part(StrEnum):
    """Which part of the line a step is about."""

    EVENT = "event"
    RULE = "rule"
    DETECTOR = "detector"
    ALERT = "alert"
    ROUTE = "route"
    HELD_BACK = "held_back"
    PAGE = "page"
    ACTION = "action"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step."""

    part: Part
    said: str
    at: str = ""
    "RFC 3339, where the step has a time."

    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The whole answer."""

    title: str
    "The answer in one sentence."

    steps: tuple[Step, ...]
    facts: Mapping[str, Json] = field(default_factory=dict)
    "For programs."

    def as_json(self) -> dict[str, Json]:
        """As the API tells it."""
        steps: list[Json] = []
        for step in self.steps:
            row: dict[str, Json] = {"part": str(step.part), "said": step.said}
            if step.at:
                row["at"] = step.at
            if step.more:
                more: list[Json] = list(step.more)
                row["more"] = more
            steps.append(row)
        return {"title": self.title, "steps": steps, "facts": dict(self.facts)}
