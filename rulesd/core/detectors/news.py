"""What a detector has to say about its own baselines: that one is forgotten, or another in force.

Law: what is learned anew by itself is told. A detector with news has ``news(state)``: what happened since it was last asked, oldest first, and forgets it;
it is asked after each ``advance``, so that nothing waits in a state that is written down.
"""

from typing import NamedTuple

from rulesd.model.reasons import Reason


class News(NamedTuple):
    """One thing that happened to the baseline of a key."""

    reason: Reason
    detail: str
    "In a sentence; labels and figures only."
