"""A rule's condition: ``on`` and ``when`` as one JSON Logic tree, and its mistakes at their places.

Law: the event type stands first, so that the index can use it and no other type ever reaches ``when``.
"""

import re

from rulesd.config.document import Document, Path_, at_pointer
from rulesd.config.problems import Code, Problems, did_you_mean
from rulesd.logic import RuleError
from rulesd.model.event import Json

_UNKNOWN = re.compile(r"unknown operator `(.+?)`(?:; did you mean `(.+)`\?)?", re.DOTALL)
OPERATORS = [
    "var",
    "val",
    "exists",
    "missing",
    "missing_some",
    "if",
    "?:",
    "??",
    "and",
    "or",
    "!",
    "!!",
    "==",
    "===",
    "!=",
    "!==",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "min",
    "max",
    "cat",
    "substr",
    "in",
    "merge",
    "map",
    "filter",
    "reduce",
    "all",
    "some",
    "none",
    "matches",
    "glob",
    "cidr",
    "domain",
    "overlap",
    "starts_with",
    "ends_with",
    "lower",
    "upper",
    "trim",
    "split",
    "length",
    "abs",
    "ceil",
    "floor",
    "sort",
    "slice",
    "type",
    "throw",
    "try",
    "now",
    "datetime",
    "timestamp",
    "parse_date",
    "format_date",
    "date_diff",
]
"Operators a slip may have meant; which exist is the logic's decision."

_VERSIONED = re.compile(r"ai\.safety\.(.+)\.v1")


def bare_type(name: str) -> str:
    """``tool.call`` for ``ai.safety.tool.call.v1``."""
    found = _VERSIONED.fullmatch(name)
    return found[1] if found else name


def condition(on: tuple[str, ...], when: Json) -> Json:
    """What the matcher is given for a rule."""
    types: Json
    if len(on) == 1:
        types = {"===": [{"var": "type"}, on[0]]}
    else:
        types = {"in": [{"var": "type"}, list(on)]}
    if not on:
        return when
    return types if when is None else {"and": [types, when]}


def logic_problem(error: RuleError, base: Path_, document: Document, problems: Problems) -> None:
    """A mistake in JSON Logic at its place; ``error.pointer`` counts from ``base``."""
    path = (*base, *at_pointer(error.pointer))
    unknown = _UNKNOWN.fullmatch(error.message)
    if unknown is None:
        hint = error.hint or "Correct the condition here."
        problems.at(document, path, Code.CONDITION, error.message, hint)
        return
    suggested = did_you_mean(unknown[1], OPERATORS if unknown[2] is None else [unknown[2]])
    said, hint = f"unknown operator `{unknown[1]}`", f"{suggested}{error.hint}"
    problems.at(document, (*path, unknown[1]), Code.UNKNOWN_OPERATOR, said, hint, key=True)


def type_problems(
    on: tuple[str, ...], document: Document, known: frozenset[str], problems: Problems
) -> None:
    """A type that is almost one of the contract's is a slip more often than a new type."""
    node = document.node(("on",))
    for i, name in enumerate(on):
        path: Path_ = ("on", i) if node is not None and node.items is not None else ("on",)
        if not name:
            problems.at(document, path, Code.INVALID_VALUE, "an event type is empty", "Write it.")
        elif bare_type(name) not in known and (hint := did_you_mean(bare_type(name), known)):
            said = f'"{name}" is no event type of the contract'
            problems.at(
                document,
                path,
                Code.UNKNOWN_TYPE,
                said,
                f"{hint}It is taken as your own type.",
                warning=True,
            )
