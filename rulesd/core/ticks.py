"""When groups speak next: the deadlines of all groups, earliest first.

Law: pure. A group waits for one deadline, the earliest it has (``Group.armed``); what the heap says beside that is out of date and passed
over.
"""

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush

from rulesd.core.group import Group, GroupId
from rulesd.core.machine import NOT_DUE
from rulesd.model.instant import Instant


class Ticks:
    """The deadlines of all groups."""

    def __init__(self) -> None:
        """None."""
        self._heap: list[tuple[Instant, GroupId]] = []

    @property
    def due(self) -> Instant:
        """Not later than the earliest deadline; ``NOT_DUE`` when there is none."""
        return self._heap[0][0] if self._heap else NOT_DUE

    def arm(self, group: Group) -> bool:
        """Wait for the group's earliest deadline; ``False`` when that, or an earlier one, is waited for already."""
        due = group.due()
        if due is None or (group.armed is not None and due >= group.armed):
            return False
        group.armed = due
        heappush(self._heap, (due, group.id))
        return True

    def take(self, groups: Mapping[GroupId, Group], now: Instant) -> Group | None:
        """The next group whose deadline is reached; it waits for nothing any more."""
        while self._heap and self._heap[0][0] <= now:
            due, id_ = heappop(self._heap)
            group = groups.get(id_)
            if group is not None and group.armed == due:
                group.armed = None
                return group
        return None

    def rebuild(self, groups: Iterable[Group]) -> None:
        """From the groups as they are."""
        self._heap = []
        for group in groups:
            group.armed = group.due()
            if group.armed is not None:
                self._heap.append((group.armed, group.id))
        heapify(self._heap)
