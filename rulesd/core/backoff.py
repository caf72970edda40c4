"""How long to wait before reminding again: each reminder in vain doubles the time, up to a limit.

Law: pure. With ``repeats`` reminders since anything changed, the wait is ``min(base * 2 ** repeats, most)``, and never less than
``base``; any change of the group starts it again at ``base``. (ElastAlert's exponential re-alerting also decays while an alert
stays away; here its end closes the group, so there is nothing to decay.)
"""

from rulesd.model.instant import Milliseconds

DOUBLINGS = 40
"More make no difference to any wait a person would set."


def wait(base: Milliseconds, repeats: int, most: Milliseconds) -> Milliseconds:
    """The time until the next reminder; ``most`` 0: always ``base``."""
    if most <= base:
        return base
    return min(base << min(repeats, DOUBLINGS), most)
