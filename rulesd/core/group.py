"""A group of alerts that share a page: who is in it, what was told, and when it speaks next.

Law: a group is state without policy: ``rulesd.core.dispatch`` decides. Deadlines are processing time.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

from rulesd.core.dedup import Sent
from rulesd.core.plan import Route
from rulesd.model.alert import Alert, Foreign, severity_rank
from rulesd.model.decision import Status, Told
from rulesd.model.event import Json
from rulesd.model.instant import Instant
from rulesd.model.reasons import AlertState


@dataclass(slots=True)
class Member:
    """One alert in a group."""

    alert: Alert
    told: Status | None = None
    "The last status this group's receiver was told of it."

    paged_at: Instant = 0
    "When it last woke somebody."

    @property
    def firing(self) -> bool:
        """Whether the alert is still on."""
        return self.alert.state is AlertState.FIRING

    def tell(self) -> Told:
        """Tell it as it stands, and remember that."""
        status = Status.RESOLVED
        if self.firing:
            status = Status.ACKNOWLEDGED if self.alert.acknowledged_by else Status.FIRING
        changed = self.told is not status
        self.told = status
        return Told(alert=self.alert, status=status, changed=changed)


@dataclass(slots=True)
class Group:
    """One page's worth of alerts for one receiver."""

    route: Route
    receiver: str
    key: str
    labels: dict[str, str]
    incident: str
    members: dict[str, Member] = field(default_factory=dict)
    "By fingerprint, in order of arrival."

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
    armed: Instant | None = None
    "The deadline this group is waiting for in the heap."

    def keep_untold(self, fingerprint: str) -> None:
        """Keep an episode that is over but not told as over, beside the new one of the same alert."""
        member = self.members.pop(fingerprint)
        name = f"{fingerprint}/{member.alert.alert}"
        self.members[name] = member
        if self.last is not None and fingerprint in self.last.firing:
            firing = {k: v for k, v in self.last.firing.items() if k != fingerprint}
            firing[name] = self.last.firing[fingerprint]
            self.last = replace(self.last, firing=firing)

    def due(self) -> Instant | None:
        """The earliest deadline."""
        times = [t for t in (self.tick, self.urgent, self.refresh) if t is not None]
        return min(times) if times else None

    def firing(self) -> dict[str, int]:
        """Firing members with the rank of their severity."""
        return {fp: severity_rank(m.alert.severity) for fp, m in self.members.items() if m.firing}

    def resolved(self) -> dict[str, None]:
        """Members that are over."""
        return {fp: None for fp, m in self.members.items() if not m.firing}

    def dump(self) -> Json:
        """Plain data; the route is found again by its key."""
        last = self.last
        sent: Json = None if last is None else [last.at, dict(last.firing), list(last.resolved)]
        members: list[Json] = [
            [name, dump_alert(m.alert), None if m.told is None else str(m.told), m.paged_at]
            for name, m in self.members.items()
        ]
        return {
            "route": self.route.key,
            "receiver": self.receiver,
            "key": self.key,
            "labels": dict(self.labels),
            "incident": self.incident,
            "members": members,
            "last": sent,
            "tick": self.tick,
            "urgent": self.urgent,
            "refresh": self.refresh,
            "folded": self.folded,
            "urgent_at": self.urgent_at,
            "notified_at": self.notified_at,
        }


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


def load_group(data: Json, routes: Mapping[str, Route], root: Route) -> Group:
    """From what ``Group.dump`` gave; a route that is gone is replaced by the root."""
    assert isinstance(data, dict)
    labels, members, last = data["labels"], data["members"], data["last"]
    assert isinstance(labels, dict)
    assert isinstance(members, list)
    group = Group(
        routes.get(str(data["route"]), root),
        str(data["receiver"]),
        str(data["key"]),
        {k: str(v) for k, v in labels.items()},
        str(data["incident"]),
    )
    for name, alert, told, paged_at in (_row(m) for m in members):
        status = None if told is None else Status(str(told))
        group.members[str(name)] = Member(load_alert(alert), status, _int(paged_at))
    if isinstance(last, list):
        at, firing, resolved = last
        assert isinstance(firing, dict)
        assert isinstance(resolved, list)
        group.last = Sent(
            at=_int(at),
            firing={k: _int(v) for k, v in firing.items()},
            resolved={str(k): None for k in resolved},
        )
    group.tick, group.urgent, group.refresh = (
        None if data[n] is None else _int(data[n]) for n in ("tick", "urgent", "refresh")
    )
    group.folded = data["folded"] is True
    group.urgent_at, group.notified_at = _int(data["urgent_at"]), _int(data["notified_at"])
    return group


def _row(data: Json) -> list[Json]:
    assert isinstance(data, list)
    return data


def _int(data: Json) -> int:
    assert isinstance(data, int)
    return data
