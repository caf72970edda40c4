"""The operator's files: read, checked all at once, and compiled to an immutable plan."""

from rulesd.config.load import Loaded, load, load_archive, load_files
from rulesd.config.rule_tests import RuleTest

__all__ = ["Loaded", "RuleTest", "load", "load_archive", "load_files"]
