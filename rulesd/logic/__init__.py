"""JSON Logic: accept it safely, find the true rules among thousands, explain them and check them."""

from rulesd.logic.analysis import lint_rule, lint_rules, reads
from rulesd.logic.errors import EvaluationError, RaiseReason, RuleError
from rulesd.logic.explain import Explanation, explain
from rulesd.logic.export import to_logic
from rulesd.logic.findings import Finding, FindingCode
from rulesd.logic.matcher import Evaluation, Matcher, Positions, Stats
from rulesd.logic.predicate import predicate, value_of

__all__ = [
    "Evaluation",
    "EvaluationError",
    "Explanation",
    "Finding",
    "FindingCode",
    "Matcher",
    "Positions",
    "RaiseReason",
    "RuleError",
    "Stats",
    "explain",
    "lint_rule",
    "lint_rules",
    "predicate",
    "reads",
    "to_logic",
    "value_of",
]
