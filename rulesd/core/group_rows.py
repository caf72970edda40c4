"""Groups as rows: a checkpoint writes the groups that changed, not all there are.

Law: what is loaded is what was dumped. A group is one row, with its members by name; an alert of ours that is a member is a row
of its own, because it is large and seldom changes; a foreign alert is kept by ``rulesd.core.foreign``. Times that have not been reached stay
as they are: a restart neither skips nor moves a flush.
"""

from collections import ChainMap
from collections.abc import Callable, Iterator

from rulesd.core.group import Group, GroupId, dump_alert, load_alert, load_group
from rulesd.core.labels import Key
from rulesd.core.plan import Route
from rulesd.model.alert import Alert
from rulesd.model.event import Json

Find = Callable[[str, str], Route]
"(route key, receiver) in; the route of the plan in force out."


class GroupRows:
    """Knows which groups and members changed since the last checkpoint."""

    def __init__(self, groups: dict[GroupId, Group]) -> None:
        """Watch these groups."""
        self._groups = groups
        self._dirty: dict[Key, None] = {}
        self._read: dict[Key, Json] = {}
        self._alerts: dict[GroupId, dict[str, Alert]] = {}

    def touch(self, group: Group) -> None:
        """The group changed, or is gone."""
        self._dirty[group.id] = None

    def keep(self, group: Group, name: str) -> None:
        """A member of ours came, changed or went."""
        self._dirty[*group.id, name] = None

    def changes(self) -> Iterator[tuple[Key, Json]]:
        """Rows that changed since the last call; ``None``: it is gone."""
        dirty, self._dirty = self._dirty, {}
        for key in dirty:
            yield key, self._row(key)

    def _row(self, key: Key) -> Json:
        group = self._groups.get((key[0], key[1]))
        if group is None:
            return None
        if len(key) == 2:
            return group.dump()
        member = group.members.get(key[2])
        return None if member is None else dump_alert(member.alert)

    def rows(self) -> Iterator[tuple[Key, Json]]:
        """Every row."""
        for group in self._groups.values():
            yield group.id, group.dump()
            for name, member in group.members.items():
                if member.alert.foreign is None:
                    yield (*group.id, name), dump_alert(member.alert)

    def load_row(self, key: Key, data: Json) -> None:
        """One row, in any order."""
        if len(key) == 2:
            self._read[key] = data
        else:
            self._alerts.setdefault((key[0], key[1]), {})[key[2]] = load_alert(data)

    def load_old(self, groups: list[Json]) -> None:
        """Groups as an older version wrote them: all in one piece, with their alerts."""
        for born, data in enumerate(groups):
            assert isinstance(data, dict)
            id_ = (str(data["key"]), str(data["receiver"]))
            members: list[Json] = []
            assert isinstance(data["members"], list)
            for row in data["members"]:
                assert isinstance(row, list)
                name, alert, told, paged_at = row
                members.append([f"!{name}", told, paged_at, None, None])
                self._alerts.setdefault(id_, {})[f"!{name}"] = load_alert(alert)
            names = ("tick", "urgent", "refresh", "urgent_at", "notified_at")
            times: list[Json] = [data[name] for name in names]
            self._read[id_] = [
                data["route"],
                data["labels"],
                data["incident"],
                members,
                _marked(data["last"]),
                times,
                [data["folded"], data["notified_at"] != 0, True, born],
            ]

    def build(self, find: Find, foreign: dict[str, Alert]) -> None:
        """Make the groups of all rows that were loaded, in the order in which they were born."""
        made = []
        for key, data in self._read.items():
            id_ = (key[0], key[1])
            assert isinstance(data, list)
            alerts = self._alerts.get(id_)
            known = foreign if alerts is None else ChainMap(alerts, foreign)
            made.append(load_group(id_, data, find(str(data[0]), id_[1]), known))
        for group in sorted(made, key=lambda g: g.born):
            self._groups[group.id] = group
        self._read, self._alerts = {}, {}


def _marked(last: Json) -> Json:
    """What an older version told, when all alerts were ours."""
    if last is None:
        return None
    assert isinstance(last, list)
    at, firing, resolved = last
    assert isinstance(firing, dict)
    assert isinstance(resolved, list)
    return [at, {f"!{k}": v for k, v in firing.items()}, [f"!{k}" for k in resolved]]
