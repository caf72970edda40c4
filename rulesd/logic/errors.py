"""Tell the author of a rule, or the caller of one, exactly what went wrong and where.

Law: an error names its place (a JSON pointer into the rule) and what to write instead; it never carries event content.

    RulesdError (rulesd.model.errors)
    +-- RuleError         the rule is at fault: refused at load, with a pointer and a hint
    +-- EvaluationError   this rule could not be evaluated for this document (counted, never a silent miss)
"""

from dataclasses import dataclass
from enum import StrEnum

from rulesd.model.errors import RulesdError


class RaiseReason(StrEnum):
    """Why an evaluation gave no answer. The same word is metric label and audit entry."""

    INVALID_ARGUMENTS = "invalid_arguments"
    "A value had a type the operator cannot work on."

    NOT_A_NUMBER = "not_a_number"
    "A comparison or sum met something that is not a number."

    THROWN = "thrown"
    "The rule itself said `throw`."

    BUDGET_EXCEEDED = "budget_exceeded"
    "The evaluation was stopped because it asked for more work than one rule may do."

    OTHER = "other"
    "Any other refusal of the evaluator."


class RuleError(RulesdError, ValueError):
    """A rule that cannot be accepted, with the place and a way out."""

    def __init__(self, message: str, *, pointer: str = "", hint: str = "", rule: str = "") -> None:
        self.message = message
        self.pointer = pointer
        self.hint = hint
        self.rule = rule
        where = ": ".join(part for part in (rule, pointer or "/") if part)
        super().__init__(f"{where}: {message}." + (f" {hint}" if hint else ""))

    def of(self, rule: str) -> "RuleError":
        """The same error, naming the rule it was found in."""
        return RuleError(self.message, pointer=self.pointer, hint=self.hint, rule=rule)


class EvaluationError(RulesdError, ValueError):
    """A rule could not be evaluated for this document."""

    def __init__(self, reason: RaiseReason, operator: str | None = None, pointer: str = "") -> None:
        self.reason = reason
        self.operator = operator
        self.pointer = pointer
        at = f" in `{operator}`" if operator else ""
        super().__init__(f"could not evaluate{at}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """One rule that could not be evaluated, and why."""

    rule: str
    "The rule's id."

    reason: RaiseReason
    "The class of the failure."
