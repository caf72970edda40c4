"""rulesd: the alert-rules daemon for AI products."""

__version__ = "0.1.0"
