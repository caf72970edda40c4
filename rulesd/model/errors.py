"""The errors of rulesd, split by who must act.

RulesdError
    ConfigurationError   the operator: a file, flag or setting is wrong (all problems at once)
    RuleError            the rule's author: a condition cannot be compiled
    EvaluationError      the rule's author: a condition raised on a document
    EventError           the producer: an event cannot be taken
    DeliveryError        the receiver: a page was not accepted
    StoreError           the machine: the disk is full, the state is damaged or from a newer version
    DaemonUnreachable    the person at the keyboard: no daemon answers

Law: no message holds raw content; every message says what to do.
"""

from collections.abc import Sequence
from typing import NamedTuple


class RulesdError(Exception):
    """Something went wrong that a person can act on."""


class Located(NamedTuple):
    """One problem in a file: where, what is wrong, what to write."""

    path: str
    line: int
    column: int
    code: str
    problem: str
    hint: str
    severity: str = "error"
    "``error`` stops a load; ``warning`` is shown and counted as a finding; ``info`` is shown."

    def __str__(self) -> str:
        """``path:line:column: code: what is wrong. what to write``."""
        return f"{self.path}:{self.line}:{self.column}: {self.code}: {self.problem}. {self.hint}"


class ConfigurationError(RulesdError):
    """The configuration cannot be used; ``problems`` lists every mistake found."""

    def __init__(self, problems: Sequence[Located]) -> None:
        """Keep all problems; the text is one line for each."""
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = tuple(problems)


class EventError(RulesdError):
    """An event cannot be taken: ``code`` is an ``ErrorCode``, ``pointer`` an RFC 6901 pointer into it."""

    def __init__(self, code: str, message: str, pointer: str = "") -> None:
        """Describe the fault without quoting the event."""
        super().__init__(message)
        self.code, self.message, self.pointer = code, message, pointer


class StoreError(RulesdError):
    """The store cannot keep its promise; nothing was acknowledged."""


class DaemonUnreachable(RulesdError):
    """No daemon answered at the address given."""
