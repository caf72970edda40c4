"""How an alert and a group stand, for whoever asks: API v2, ``why`` and the console.

Law: derived from what Dispatch holds, at the moment of asking; nothing is decided by asking.
"""

from dataclasses import dataclass

from rulesd.core.plan import Route
from rulesd.model.alert import Alert
from rulesd.model.instant import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether an alert reaches people now, and what holds it back."""

    state: str
    "Alertmanager's word: ``active``, ``suppressed``, or ``unprocessed`` for one that is not firing yet."

    inhibited_by: tuple[str, ...] = ()
    "Fingerprints of alerts."

    silenced_by: tuple[str, ...] = ()
    "Ids of silences."

    muted_by: tuple[str, ...] = ()
    "Names of time intervals, when every route of it is quiet now."

    receivers: tuple[str, ...] = ()
    "Where it goes, in the order of the routes."


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group as it stands."""

    key: str
    "Alertmanager's group key."

    receiver: str
    route: Route
    labels: dict[str, str]
    alerts: tuple[Alert, ...]
    "Those that fire and those that are over but not yet told so; in order of arrival."

    muted_by: tuple[str, ...] = ()
    due: Instant | None = None
    "When it speaks next, if anything changed."
