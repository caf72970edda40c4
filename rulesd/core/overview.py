"""Every group as it stands, for API v2 and the console.

Law: derived from what Dispatch holds, at the moment of asking; in order of group key and receiver.
"""

from collections.abc import Mapping

from rulesd.core.group import Group, GroupId
from rulesd.core.mute import muting
from rulesd.core.standing import GroupView
from rulesd.model.instant import Instant


def overview(groups: Mapping[GroupId, Group], now: Instant) -> list[GroupView]:
    """Every group that has alerts; ``now`` tells which routes are quiet."""
    return [
        GroupView(
            key=group.key,
            receiver=group.receiver,
            route=group.route,
            labels=dict(group.labels),
            alerts=tuple(member.alert for member in group.members.values()),
            muted_by=muting(group.route, now),
            due=group.tick,
        )
        for _, group in sorted(groups.items())
        if group.members
    ]
