"""What of an incident may be told now: asked when an escalation's next step is due.

Law: pure; a view of Dispatch. Alerts that are over or held back (silenced, inhibited, muted) are no reason to climb.
"""

from collections.abc import Iterator, Mapping, Sequence

from rulesd.core.dispatch import Dispatch
from rulesd.core.group import Group
from rulesd.model.alert import Alert
from rulesd.model.instant import Instant

MOST = 1_000
"Alerts that are looked at."


def tellable(
    dispatch: Dispatch, group: str, receiver: str, owner: str, now: Instant
) -> tuple[Mapping[str, str], Sequence[Alert]]:
    """A group's labels and its alerts that fire and may be told; with an empty ``group`` those of all that a storm folded."""
    found: list[Alert] = []
    labels: Mapping[str, str] = {}
    for each in _groups(dispatch, group, receiver, owner):
        labels = each.labels if group else {}
        for member in each.members.values():
            if len(found) >= MOST:
                break
            if member.firing and dispatch.standing(member.alert, now).state == "active":
                found.append(member.alert)
    return labels, found


def _groups(dispatch: Dispatch, group: str, receiver: str, owner: str) -> Iterator[Group]:
    ids = [(group, receiver)]
    if not group:
        pages = dispatch.throttle.owners.get(owner)
        ids = [] if pages is None else list(pages.groups)
    for id_ in ids:
        if id_ in dispatch.groups:
            yield dispatch.groups[id_]
