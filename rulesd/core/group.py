"""A group of alerts that share a page: who is in it, what was told, and when it speaks next.

Law: a group is state without policy: ``rulesd.core.dispatch`` decides. Deadlines are processing time.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

from rulesd.core.dedup import Sent
from rulesd.core.foreign_alert import dump_foreign, load_foreign
from rulesd.core.gate import Held
from rulesd.core.inhibit import Aim
from rulesd.core.plan import Route
from rulesd.model.alert import Alert, Foreign, severity_rank
from rulesd.model.decision import Status, Told
from rulesd.model.event import Json
from rulesd.model.instant import Instant
from rulesd.model.quick import quick
from rulesd.model.reasons import AlertState, Reason

_make_told = quick(Told, "alert", "status", "changed")

GroupId = tuple[str, str]
"(group key, receiver)"


@dataclass(slots=True)
class Member:
    """One alert in a group."""

    alert: Alert
    told: Status | None = None
    "The last status this group's receiver was told of it."

    paged_at: Instant = 0
    "When it last woke somebody."

    aims: tuple[Aim, ...] = ()
    "The inhibition rules under which it is a target."

    held: Held | None = None
    "What held it back when this group last looked."

    @property
    def firing(self) -> bool:
        """Whether the alert is still on."""
        return self.alert.state is AlertState.FIRING

    @property
    def speaks(self) -> bool:
        """Whether there is anything to tell of it: one of ours that is over and was never told is nobody's news."""
        return self.firing or self.told is not None or self.alert.foreign is not None

    def tell(self) -> Told:
        """Tell it as it stands, and remember that."""
        status = Status.RESOLVED
        if self.firing:
            status = Status.ACKNOWLEDGED if self.alert.acknowledged_by else Status.FIRING
        changed = self.told is not status
        self.told = status
        return _make_told(self.alert, status, changed)


@dataclass(slots=True)
class Group:
    """One page's worth of alerts for one receiver."""

    route: Route
    receiver: str
    key: str
    labels: dict[str, str]
    incident: str
    members: dict[str, Member] = field(default_factory=dict)
    "By ``Alert.key``, in order of arrival."

    last: Sent | None = None
    tick: Instant | None = None
    "The next regular flush: ``group_wait`` after the first alert, then every ``group_interval``."

    urgent: Instant | None = None
    "A flush that must not wait: a must-never-happen alert shares a page within one second."

    refresh: Instant | None = None
    "When the page is to be brought up to date in place."

    urgent_at: Instant = 0
    "The last urgent flush."

    folded: bool = False
    "Whether its last page went into the owner's collected page."

    notified_at: Instant = 0
    repeats: int = 0
    "Reminders since anything changed."

    flushed: bool = False
    "Whether it has ever been flushed: before that an alert that is old enough does not wait."

    fresh: bool = True
    "Whether anything changed since the last flush, or was held back by it."

    born: int = 0
    "The order in which groups were made."

    armed: Instant | None = None
    "The deadline this group is waiting for in the heap."

    alone: tuple[GroupId, ...] = ()
    "Its id as the only place of an alert: one object for all of its members."

    def __post_init__(self) -> None:
        self.alone = ((self.key, self.receiver),)

    @property
    def id(self) -> GroupId:
        """What tells it from all others."""
        return self.alone[0]

    def keep_untold(self, key: str) -> str:
        """Keep an episode that is over but not told as over beside the new one of the same alert; returns its new name."""
        member = self.members.pop(key)
        name = f"{key}/{member.alert.alert}"
        self.members[name] = member
        self._rename(key, name)
        return name

    def forget_told(self, key: str) -> None:
        """The episode that was told is over, although nobody was told that: the next one is news."""
        self._rename(key, "")

    def _rename(self, key: str, name: str) -> None:
        if self.last is not None and key in self.last.firing:
            firing = {k: v for k, v in self.last.firing.items() if k != key}
            if name:
                firing[name] = self.last.firing[key]
            self.last = replace(self.last, firing=firing)

    def due(self) -> Instant | None:
        """The earliest deadline."""
        due = self.tick
        if self.urgent is not None and (due is None or self.urgent < due):
            due = self.urgent
        if self.refresh is not None and (due is None or self.refresh < due):
            due = self.refresh
        return due

    def dump(self) -> Json:
        """Plain data; the route is found again by its key, firing alerts by their names."""
        last = self.last
        sent: Json = None if last is None else [last.at, dict(last.firing), list(last.resolved)]
        members: list[Json] = [_dump_member(name, m) for name, m in self.members.items()]
        labels: dict[str, Json] = dict(self.labels)
        return [
            self.route.key,
            labels,
            self.incident,
            members,
            sent,
            [self.tick, self.urgent, self.refresh, self.urgent_at, self.notified_at],
            [self.folded, self.flushed, self.fresh, self.born, self.repeats],
        ]


def _dump_member(name: str, member: Member) -> Json:
    """Short for the common case: there may be a hundred thousand."""
    told = None if member.told is None else str(member.told)
    over = None
    if member.alert.foreign is not None and not member.firing:
        over = dump_foreign(member.alert)
    held: Json = None
    if member.held is not None:
        held = [str(member.held.reason), *member.held.by]
    if held is None and over is None and member.paged_at == 0:
        return [name, told]
    return [name, told, member.paged_at, held, over]


def dump_alert(alert: Alert) -> Json:
    """An alert as plain data."""
    out: dict[str, Json] = {}
    for f in fields(alert):
        value = getattr(alert, f.name)
        if f.name == "foreign" and value is not None:
            value = asdict(value)
        if isinstance(value, tuple):
            out[f.name] = list(value)
        elif hasattr(value, "items"):
            out[f.name] = dict(value)
        else:
            out[f.name] = value
    out["state"] = str(alert.state)
    return out


def load_alert(data: Json) -> Alert:
    """From what ``dump_alert`` gave."""
    assert isinstance(data, dict)
    causes, foreign = data["causes"], data.get("foreign")
    assert isinstance(causes, list)
    values: dict[str, object] = {
        **data,
        "state": AlertState(str(data["state"])),
        "causes": tuple(str(c) for c in causes),
        "foreign": Foreign(**foreign) if isinstance(foreign, dict) else None,  # type: ignore[arg-type]
    }
    return Alert(**values)  # type: ignore[arg-type]


def load_group(
    id_: GroupId,
    data: Json,
    route: Route,
    alerts: Mapping[str, Alert],
) -> Group:
    """From what ``Group.dump`` gave; ``alerts``: every alert in it by its name."""
    _, labels, incident, members, sent, times, flags = _list(data)
    assert isinstance(labels, dict)
    group = Group(route, id_[1], id_[0], {k: str(v) for k, v in labels.items()}, str(incident))
    for row in _list(members):
        name, told, *more = _list(row)
        paged_at, held, over = more or (0, None, None)
        alert = alerts.get(str(name)) if over is None else _over(str(name), over)
        if alert is not None:
            status = None if told is None else Status(str(told))
            group.members[str(name)] = Member(alert, status, _int(paged_at), (), _held(held))
    group.last = load_sent(sent)
    group.tick, group.urgent, group.refresh, urgent_at, notified_at = (
        None if t is None else _int(t) for t in _list(times)
    )
    group.urgent_at, group.notified_at = urgent_at or 0, notified_at or 0
    folded, flushed, fresh, born, *rest = _list(flags)
    repeats = rest[0] if rest else 0
    group.repeats = repeats if isinstance(repeats, int) else 0
    group.folded, group.flushed, group.fresh = folded is True, flushed is True, fresh is True
    group.born = _int(born)
    return group


def _over(name: str, data: Json) -> Alert:
    """A foreign alert that is over; an older version wrote it as an object."""
    return load_alert(data) if isinstance(data, dict) else load_foreign(name, data, dict)


def load_sent(data: Json) -> Sent | None:
    """What was told last; ``None``: nothing."""
    if data is None:
        return None
    at, firing, resolved = _list(data)
    assert isinstance(firing, dict)
    return Sent(
        at=_int(at),
        firing={k: _int(v) for k, v in firing.items()},
        resolved={str(k): None for k in _list(resolved)},
    )


def rank(member: Member) -> int:
    """How bad it is: 0 is the worst."""
    return severity_rank(member.alert.severity)


def _held(data: Json) -> Held | None:
    if data is None:
        return None
    reason, *by = _list(data)
    return Held(Reason(str(reason)), tuple(str(b) for b in by))


def _list(data: Json) -> list[Json]:
    assert isinstance(data, list)
    return data


def _int(data: Json) -> int:
    assert isinstance(data, int)
    return data
