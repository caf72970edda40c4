"""How an act that was made in PagerDuty is signed, so that it is not told to PagerDuty again.

Law: the mark stands at the end of the name, in words a person reads as what they mean. Names that callers give themselves never
end so: the door adds the caller's own name behind them.
"""

ACKNOWLEDGED = " (in PagerDuty)"
RESOLVED = " (resolved in PagerDuty)"


def acknowledged_there(by: str) -> bool:
    """Whether this acknowledgement came from PagerDuty."""
    return by.endswith(ACKNOWLEDGED)


def resolved_there(by: str) -> bool:
    """Whether it was PagerDuty that said it is over."""
    return by.endswith(RESOLVED)
