"""What is said about a baseline: that it is learned anew, and why; that a deploy is watched; that a new level is in force.

Law: no baseline changes silently, and no such word is a page.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant
from rulesd.model.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineChanged:
    """The baseline of one key, of several or of all keys of a rule is learned anew, will be, or has been."""

    at: Instant
    reason: Reason
    rule: str
    labels: Mapping[str, str]
    "The key's, or those that all keys concerned have in common; empty: it may concern every key of the rule."

    keys: int
    "How many keys it concerns; 0: those that are seen from now on."

    detail: str = ""
    "What happened, in a sentence; labels and figures only."

    by: str = ""
    note: str = ""
    "Why, in a person's words."

    alert: str = ""
    "The alert that a person resolved."

    until: Instant | None = None
    "When what is said here ends."


def baseline_fields(changed: BaselineChanged) -> dict[str, Json]:
    """What a line of the decision log tells beside kind, time and reason."""
    out: dict[str, Json] = {
        "rule": changed.rule,
        "labels": dict(changed.labels),
        "keys": changed.keys,
        "detail": changed.detail,
    }
    if changed.by:
        out["by"], out["why"] = changed.by, changed.note
    if changed.alert:
        out["alert"] = changed.alert
    if changed.until is not None:
        out["until"] = format_instant(changed.until)
    return out
