"""JSON Logic: accept it safely, find the true rules among thousands, explain and check them."""

from rulesd.logic.errors import EvaluationError, RaiseReason, RuleError
from rulesd.logic.matcher import Evaluation, Matcher, Positions
from rulesd.logic.predicate import predicate, value_of

__all__ = ["Evaluation", "EvaluationError", "Matcher", "Positions", "RaiseReason", "RuleError", "predicate", "value_of"]
