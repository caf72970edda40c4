"""Groups that became empty: how long they go on, and what their receivers still believe when they are gone.

Law: Alertmanager's. An empty group lives, and keeps its ticks, until a sweep on a fixed grid; what a receiver was told outlives the
group (the notification log), so that an alert whose end nobody was told is no news when it comes back.
"""

from rulesd.core.dedup import Sent
from rulesd.core.group import Group, GroupId, load_sent
from rulesd.core.machine import NOT_DUE
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, SECOND, Instant, Milliseconds

SWEEP: Milliseconds = 30 * SECOND
"The grid on which empty groups end, in step with the clock."

REMEMBERED: Milliseconds = 120 * HOUR
"What a receiver was told of a group that ended is remembered so long, or for two repeat intervals if that is less."


def next_sweep(now: Instant) -> Instant:
    """When empty groups end next."""
    return (now // SWEEP + 1) * SWEEP


class Ended:
    """The groups that are empty, and what is left of those that ended."""

    def __init__(self) -> None:
        """None."""
        self.due: Instant = NOT_DUE
        self._empty: dict[GroupId, None] = {}
        self._told: dict[GroupId, tuple[Instant, Sent]] = {}

    def empty(self, group: Group, now: Instant) -> None:
        """A group has no members any more."""
        self._empty[group.id] = None
        self.due = min(self.due, next_sweep(now))

    def sweep(self, groups: dict[GroupId, Group], now: Instant) -> list[Group]:
        """End the groups that are still empty."""
        self._told = {id_: kept for id_, kept in self._told.items() if now < kept[0]}
        ended = []
        for id_ in self._empty:
            group = groups.get(id_)
            if group is None or group.members:
                continue
            ended.append(groups.pop(id_))
            if group.last is not None and group.last.firing:
                kept = min(REMEMBERED, 2 * group.route.repeat_interval)
                self._told[id_] = (group.last.at + kept, group.last)
        self._empty, self.due = {}, NOT_DUE
        return ended

    def recall(self, id_: GroupId, now: Instant) -> Sent | None:
        """What the receiver of a new group was told when there was one like it."""
        until, last = self._told.pop(id_, (0, None))
        return last if now < until else None

    def dump(self) -> Json:
        """Plain data; the empty groups are found again."""
        told: list[Json] = [
            [*id_, until, [sent.at, dict(sent.firing), list(sent.resolved)]]
            for id_, (until, sent) in self._told.items()
        ]
        return [None if self.due == NOT_DUE else self.due, told]

    def load(self, data: Json, groups: dict[GroupId, Group]) -> None:
        """From what ``dump`` gave."""
        self._empty = {id_: None for id_, group in groups.items() if not group.members}
        if data is None:
            return
        assert isinstance(data, list)
        due, told = data
        assert isinstance(told, list)
        for row in told:
            assert isinstance(row, list)
            key, receiver, until, sent = row
            last = load_sent(sent)
            assert isinstance(until, int)
            assert last is not None
            self._told[str(key), str(receiver)] = (until, last)
        self.due = due if isinstance(due, int) else NOT_DUE
