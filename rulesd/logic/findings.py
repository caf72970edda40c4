"""What a look at a rule, without any event, can say about it.

Law: a finding is located (RFC 6901 pointer into the logic) and says what to write.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias


class FindingCode(StrEnum):
    """The kinds of finding."""

    NEVER_TRUE = "never_true"
    "No event can make it true."

    ALWAYS_TRUE = "always_true"
    "It does not depend on the event."

    UNREACHABLE = "unreachable"
    "A part that can never matter."

    MAY_BE_MISSING = "may_be_missing"
    "A comparison with a field that an event may lack."

    WRONG_TYPE = "wrong_type"
    "A comparison with a value the field never has."

    UNKNOWN_FIELD = "unknown_field"
    "No event type the rule is on has this field."

    CONTENT_FIELD = "content_field"
    "Raw content is removed before rules see events."

    SHADOWED = "shadowed"
    "Another rule is true whenever this one is."

    CONTRADICTS_ON = "contradicts_on"
    "It asks for an event type that ``on`` does not list."

    EXPENSIVE = "expensive"
    "It cannot be indexed, or needs datalogic: it is looked at for every event."


Severity: TypeAlias = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing worth changing in a rule."""

    rule: str
    "The rule's id; empty when one rule was looked at alone."

    code: FindingCode
    "What kind it is."

    severity: Severity
    "``error``: the rule cannot do what it says. ``warning``: it may do what was not meant. ``info``: good to know."

    pointer: str
    "Where in the logic."

    message: str
    "What is wrong."

    hint: str
    "What to write."
