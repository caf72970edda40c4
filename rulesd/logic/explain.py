"""Say why a rule is true or not for one event, in words.

Law: no raw content. A value is shown only if it is a number, a boolean, or looks like a label; anything else is "text of
N characters" or "a list of N". What the rule's author wrote is shown. Every value is datalogic's own.

Example::

    no: all of
      yes: type is "tool.call", needed "tool.call"
      no: data.scope is "in", needed "out"
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import datalogic_py as datalogic

from rulesd.logic.errors import EvaluationError, RaiseReason
from rulesd.logic.evaluator import Compiled, check, handle
from rulesd.logic.guard import Logic, plain
from rulesd.logic.operators import OPERATORS

LABEL: Final = re.compile(r"[A-Za-z0-9._:/@+-]{1,128}")
"What may be shown of an event's text."

_NEEDED: Final = {
    "===": "needed {}",
    "==": "needed {}",
    "!==": "needed anything but {}",
    "!=": "needed anything but {}",
    "<": "needed less than {}",
    "<=": "needed at most {}",
    ">": "needed more than {}",
    ">=": "needed at least {}",
    "starts_with": "needed to start with {}",
    "ends_with": "needed to end with {}",
    "in": "needed one of {}",
    "matches": "needed to match {}",
    "glob": "needed to fit {}",
    "cidr": "needed to lie in {}",
    "domain": "needed to be under {}",
    "overlap": "needed one of {}",
}
_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_GROUPS: Final = {
    "and": "all of",
    "or": "any of",
    "!": "not",
    "!!": "this holds",
    "if": "depends on",
    "?:": "depends on",
}
_ITERATORS: Final = {
    "some": "some item of",
    "all": "every item of",
    "none": "no item of",
    "filter": "the items of",
    "map": "the items of",
    "reduce": "the items of",
}
_MAX_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One part of a rule and what it came to."""

    operator: str
    "The JSON Logic operator, or ``value`` for a literal."

    pointer: str
    "RFC 6901 pointer into the rule."

    sentence: str
    "What was found and what was needed."

    value: str
    "The value as far as it may be shown."

    truth: bool | None
    "Whether it held; ``None`` when it could not be evaluated."

    reason: RaiseReason | None
    "Why it could not be evaluated."

    children: "tuple[Explanation, ...]"
    "The parts it is made of, in order."

    def text(self, indent: int = 0) -> str:
        """The tree as lines of words."""
        verdict = {True: "yes", False: "no", None: f"could not evaluate ({self.reason})"}[
            self.truth
        ]
        lines = [f"{'  ' * indent}{verdict}: {self.sentence}"]
        lines.extend(child.text(indent + 1) for child in self.children)
        return "\n".join(lines)


def explain(logic: object, document: Mapping[str, object]) -> Explanation:
    """Explain a rule for a document; ``RuleError`` if the rule is not accepted."""
    tree, text = plain(logic)
    check(tree, text)
    return _Explainer(handle(document)).part(tree, "")


class _Explainer:
    """Explains against one document."""

    __slots__ = ("document",)

    def __init__(self, document: datalogic.DataHandle) -> None:
        self.document = document

    def part(self, logic: Logic, pointer: str) -> Explanation:
        """Explain a sub-expression in the document's scope."""
        value, truth, reason = self._evaluate(logic)
        if not isinstance(logic, dict) or len(logic) != 1:
            return _made(
                "value", pointer, _shown(logic, own=True), _shown(logic, own=True), truth, reason
            )
        ((operator, argument),) = logic.items()
        arguments: list[Logic] = argument if isinstance(argument, list) else [argument]
        shown = _shown(value, own=False)
        sentence = self._sentence(operator, arguments, shown)
        children: tuple[Explanation, ...] = ()
        if operator in _GROUPS:
            base = f"{pointer}/{operator}"
            listed = isinstance(argument, list)
            children = tuple(
                self.part(item, f"{base}/{i}" if listed else base)
                for i, item in enumerate(arguments)
            )
        return _made(operator, pointer, sentence, shown, truth, reason, children)

    def _sentence(self, operator: str, arguments: list[Logic], shown: str) -> str:
        if operator in _GROUPS:
            return _GROUPS[operator]
        if operator in ("var", "val"):
            return f"{_name({operator: list(arguments)})} is {shown}, needed something"
        if operator in ("missing", "exists"):
            names = (
                ".".join(map(str, arguments))
                if operator == "exists"
                else ", ".join(map(str, arguments))
            )
            return (
                f"{names} {'is there' if operator == 'exists' else 'has missing fields: ' + shown}"
            )
        if operator in _ITERATORS and arguments:
            return (
                f"{_ITERATORS[operator]} {self._subject(arguments[0])} fits {_code(arguments[1:])}"
            )
        if operator in _NEEDED and len(arguments) == 2:
            return self._comparison(operator, arguments[0], arguments[1])
        if operator in _FLIPPED and len(arguments) == 3:
            middle = f"{self._subject(arguments[1])}"
            words = "strictly between" if operator in ("<", ">") else "between"
            return f"{middle}, needed {words} {self._needed(arguments[0])} and {self._needed(arguments[2])}"
        return f"{_code({operator: list(arguments)})} is {shown}"

    def _comparison(self, operator: str, left: Logic, right: Logic) -> str:
        if not isinstance(left, dict) and isinstance(right, dict) and operator not in OPERATORS:
            if operator == "in":
                return f"{self._subject(right)}, needed to contain {_shown(left, own=True)}"
            left, right, operator = right, left, _FLIPPED.get(operator, operator)
        return f"{self._subject(left)}, {_NEEDED[operator].format(self._needed(right))}"

    def _subject(self, logic: Logic) -> str:
        """A field or expression, and what it is."""
        value, _, reason = self._evaluate(logic)
        private = _name(logic).startswith("data.content")
        return f"{_name(logic)} is {f'could not be evaluated ({reason})' if reason else _shown(value, own=False, private=private)}"

    def _needed(self, logic: Logic) -> str:
        if isinstance(logic, dict):
            return self._subject(logic)
        if isinstance(logic, list):
            shown = ", ".join(_shown(item, own=True) for item in logic[:_MAX_SHOWN])
            return shown + (
                f" and {len(logic) - _MAX_SHOWN} more" if len(logic) > _MAX_SHOWN else ""
            )
        return _shown(logic, own=True)

    def _evaluate(self, logic: Logic) -> tuple[object, bool | None, RaiseReason | None]:
        rule = Compiled(json.dumps(logic))
        try:
            return rule.value(self.document), rule.truth(self.document), None
        except EvaluationError as error:
            return None, None, error.reason


def _made(
    operator: str,
    pointer: str,
    sentence: str,
    value: str,
    truth: bool | None,
    reason: RaiseReason | None,
    children: tuple[Explanation, ...] = (),
) -> Explanation:
    return Explanation(
        operator=operator,
        pointer=pointer,
        sentence=sentence,
        value=value,
        truth=truth,
        reason=reason,
        children=children,
    )


def _name(logic: Logic) -> str:
    if isinstance(logic, dict) and len(logic) == 1:
        ((operator, argument),) = logic.items()
        items = argument if isinstance(argument, list) else [argument]
        if operator == "var" and items and isinstance(items[0], str):
            return items[0] or "the whole event"
        if operator == "val":
            return ".".join(str(item) for item in items) or "the whole event"
    return _code(logic)


def _code(logic: object) -> str:
    text = json.dumps(logic, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "..."


def _shown(value: object, *, own: bool, private: bool = False) -> str:
    """A value as far as it may be shown; ``own`` marks what the rule itself says."""
    if value is None:
        return "nothing" if not own else "null"
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    if isinstance(value, str):
        if own and len(value) <= 128:
            return json.dumps(value, ensure_ascii=False)
        if not private and LABEL.fullmatch(value):
            return f'"{value}"'
        return f"text of {len(value)} characters" if value else '""'
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"an object of {len(value)} fields" if isinstance(value, dict) else "a value"
