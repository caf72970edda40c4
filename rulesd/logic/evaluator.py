"""The meaning of a rule: datalogic, given text only, under a budget.

Law: this is the only module that talks to datalogic. Rules and documents go in as JSON text; every evaluation has an
operation budget, so no rule and no event can hold the loop. A rule is accepted exactly when ``compile_checked`` accepts
it and the added operators in it are written well.
"""

from collections.abc import Callable
from typing import Final

import datalogic_py as datalogic
import orjson

from rulesd.logic.errors import EvaluationError, RaiseReason, RuleError
from rulesd.logic.guard import Logic, escape
from rulesd.logic.operators import OPERATORS, Prepared, Unreadable, prepared
from rulesd.logic.reads import is_opaque
from rulesd.logic.syntax import Known, Node, parse

OPS_BUDGET: Final = 100_000
"Operations one evaluation of one rule may charge (datalogic's unit: a node, an item looked at)."

_HINTS: Final = {
    "UnknownOperator": "See docs/matching.md for the operators.",
    "NotAnOperator": 'An expression is a mapping with one key, such as {"===": [{"var": "data.scope"}, "out"]}.',
    "ArgumentForm": "Write the arguments as a list.",
    "ArgumentCount": "Give the operator the number of arguments it takes.",
    "Unparsable": "Flatten the expression.",
    "Compile": "Flatten the expression.",
}


class _Cache:
    """Tests of added operators by (name, argument text): the same rule meets the same pattern on every event."""

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Prepared] = {}

    def get(self, name: str, argument: Logic) -> Prepared:
        key = (name, orjson.dumps(argument).decode())
        test = self.known.get(key)
        if test is None:
            test = prepared(name, argument, "")
            if len(self.known) < 10_000:
                self.known[key] = test
        return test


_CACHE: Final = _Cache()


def _custom(name: str) -> Callable[[str], str]:
    def run(arguments: str) -> str:
        value, argument = orjson.loads(arguments)
        if _CACHE.get(name, argument)(value):
            return "true"
        return "false"

    return run


ENGINE: Final = datalogic.Engine(
    config={"ops_budget": OPS_BUDGET}, custom_operators={name: _custom(name) for name in OPERATORS}
)
"datalogic's default configuration, with a budget and the added operators."


def check(logic: Logic, text: str) -> None:
    """Accept or refuse a plain rule; the error names the place."""
    if any(name in text for name in OPERATORS):
        check_added(logic, "")
    try:
        ENGINE.compile_checked(text)
    except datalogic.CompileError as error:
        first = next(
            (d for d in error.diagnostics if d["severity"] == "error"), error.diagnostics[0]
        )
        raise RuleError(
            first["message"],
            pointer=first["pointer"],
            hint=_HINTS.get(first["code"], "Correct the expression."),
        ) from None
    except datalogic.DataLogicError as error:
        raise RuleError(str(error), hint="Correct the expression.") from None


def accept(logic: Logic, text: str, known: "Known | None" = None) -> Node:
    """The tree of a plain rule, if it is accepted; rules accepted with the same ``known`` share their parts.

    A rule that is understood in every part needs no second opinion: its operators are known and so is their number of
    arguments (a test holds this against ``compile_checked``).
    """
    node = parse(logic, known)
    if is_opaque(node):
        check(logic, text)
    elif any(name in text for name in OPERATORS):
        check_added(logic, "")
    return node


def check_added(logic: Logic, pointer: str) -> None:
    """Check every added operator in the rule: two arguments, the second a good constant."""
    if isinstance(logic, list):
        for i, item in enumerate(logic):
            check_added(item, f"{pointer}/{i}")
    elif isinstance(logic, dict):
        for key, item in logic.items():
            below = f"{pointer}/{escape(key)}"
            if key in OPERATORS:
                if not isinstance(item, list) or len(item) != 2:
                    raise RuleError(
                        f"`{key}` takes a list of two arguments",
                        pointer=below,
                        hint=OPERATORS[key].hint,
                    )
                prepared(key, item[1], f"{below}/1")
            check_added(item, below)


class Compiled:
    """One rule compiled by datalogic."""

    __slots__ = ("_rule", "_text", "_truth")

    def __init__(self, text: str) -> None:
        self._text = text
        self._rule: datalogic.Rule | None = None
        try:
            # Asking for the truth alone spares the conversion of a large result into Python objects.
            self._truth = ENGINE.compile(f'{{"!!":[{text}]}}')
        except datalogic.DataLogicError:  # One level too deep for the wrapper.
            self._truth = self._whole()

    def _whole(self) -> datalogic.Rule:
        if self._rule is None:
            self._rule = ENGINE.compile(self._text)
        return self._rule

    def truth(self, document: datalogic.DataHandle) -> bool:
        """Whether the rule's value is truthy; ``EvaluationError`` where datalogic raises."""
        try:
            return bool(self._truth.evaluate_data(document))
        except datalogic.DataLogicError as error:
            raise _raised(error) from None

    def truth_of_text(self, document: str) -> bool:
        """``truth`` of a document as JSON text, in one call: the cheapest way to ask one rule once."""
        try:
            answer = self._truth.evaluate_str(document)
        except datalogic.DataLogicError as error:
            raise _raised(error) from None
        return answer == "true" or (
            answer != "false" and self.truth(datalogic.DataHandle(document))
        )

    def value(self, document: datalogic.DataHandle) -> object:
        """The rule's value; ``EvaluationError`` where datalogic raises."""
        try:
            return self._whole().evaluate_data(document)
        except datalogic.DataLogicError as error:
            raise _raised(error) from None

    def reads(self) -> tuple[tuple[str, ...], ...] | None:
        """The paths the rule reads, or ``None`` when they cannot be known."""
        facts = self._whole().facts()
        if not facts["reads_complete"] or facts["computed_reads"]:
            return None
        return tuple(tuple(path) for path in facts["reads"])


def handle(document: object) -> datalogic.DataHandle:
    """The document as datalogic sees it: canonical text of what was decoded, so duplicate keys are already settled."""
    return datalogic.DataHandle(orjson.dumps(document).decode())


def _raised(error: datalogic.DataLogicError) -> EvaluationError:
    path = error.path
    pointer = path[-1]["json_pointer"] if path else ""
    pointer = pointer.removeprefix("/!!/0")
    return EvaluationError(_reason(error), error.operator, pointer)


def _reason(error: datalogic.DataLogicError) -> RaiseReason:
    tag = error.error_type
    if tag == "BudgetExceeded":
        return RaiseReason.BUDGET_EXCEEDED
    if tag == "Thrown":
        return RaiseReason.NOT_A_NUMBER if "NaN" in str(error) else RaiseReason.THROWN
    if tag in ("InvalidArguments", "TypeError", "ArithmeticError", "Custom"):
        return RaiseReason.INVALID_ARGUMENTS
    return RaiseReason.OTHER


__all__ = ["ENGINE", "OPS_BUDGET", "Compiled", "Unreadable", "accept", "check", "handle"]
