"""The page limit of an owner: more than ten pages in five minutes become one page that counts them all.

Law: nothing is dropped. Machines' channels get every page; people's channels get one collected page, brought up to date in place, which
counts what was folded into it and is resolved when all of that is over. A critical page is counted against critical ones only: however many
milder ones there are, they never fold it. A group that was folded stays folded until a page of its own
goes out again: bringing it up to date must not open what people were spared.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from rulesd.core.group import Group, GroupId
from rulesd.model.decision import Audience, Decision, NotificationDue, Status, Told
from rulesd.model.event import Json
from rulesd.model.fingerprint import episode_id
from rulesd.model.instant import MINUTE, SECOND, Instant, Milliseconds
from rulesd.model.reasons import Reason

REFRESH: Milliseconds = 10 * SECOND
"How often a page may be brought up to date in place."


class OwnerPages:
    """The pages of one owner within the window, and the collected page if one is open."""

    __slots__ = (
        "_limit",
        "_times",
        "_window",
        "folded",
        "groups",
        "refresh",
        "refreshed",
        "started",
    )

    def __init__(self, limit: int, window: Milliseconds) -> None:
        """Allow ``limit`` pages in ``window`` milliseconds."""
        self._limit = limit
        self._window = window
        self._times: dict[int, deque[Instant]] = {}
        "Of critical pages (0), and of all others (1)."
        self.folded = 0
        "Pages in the collected page; 0 when there is none."
        self.started: Instant = 0
        "When the collected page was opened: its identity."
        self.refreshed: Instant = 0
        self.refresh: Instant | None = None
        "When the collected page is to be brought up to date."
        self.groups: dict[GroupId, None] = {}
        "The folded groups that are not over, the latest last."

    def admit(self, now: Instant, rank: int = 0) -> bool:
        """Count a page, critical (``rank`` 0) or not (1); ``False`` when it must be folded."""
        mine = self._times.setdefault(rank, deque())
        mine.append(now)
        count = 0
        for each, times in self._times.items():
            while times and now - times[0] >= self._window:
                times.popleft()
            count += len(times) if each <= rank else 0
        if count <= self._limit:
            return True
        if len(mine) > 4 * self._limit:
            mine.popleft()
        if self.folded == 0:
            self.started = now
        self.folded += 1
        return False

    def allow(self, limit: int, window: Milliseconds) -> None:
        """Another limit from now on; what was sent or folded stays so."""
        self._limit, self._window = limit, window

    def dump(self) -> Json:
        """Plain data."""
        times: list[Json] = [[rank, list(found)] for rank, found in self._times.items()]
        groups: list[Json] = [list(id_) for id_ in self.groups]
        return [times, self.folded, self.started, self.refreshed, self.refresh, groups]

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, list)
        times, folded, started, refreshed, refresh, groups = data
        assert isinstance(times, list)
        assert isinstance(groups, list)
        assert isinstance(folded, int)
        assert isinstance(started, int)
        assert isinstance(refreshed, int)
        for row in times:
            rank, found = row if isinstance(row, list) else (0, [row])  # as it once was
            assert isinstance(rank, int)
            assert isinstance(found, list)
            self._times.setdefault(rank, deque()).extend(t for t in found if isinstance(t, int))
        self.folded, self.started, self.refreshed = folded, started, refreshed
        self.refresh = refresh if isinstance(refresh, int) else None
        for id_ in groups:
            assert isinstance(id_, list)
            self.groups[str(id_[0]), str(id_[1])] = None


class Throttle:
    """The page limits of all owners."""

    def __init__(self, *, limit: int = 10, window: Milliseconds = 5 * MINUTE) -> None:
        """Allow each owner ``limit`` pages in ``window`` milliseconds."""
        self._limit, self._window = limit, window
        self.owners: dict[str, OwnerPages] = {}

    @property
    def allowed(self) -> tuple[int, Milliseconds]:
        """So many pages, in so many milliseconds."""
        return self._limit, self._window

    def allow(self, limit: int, window: Milliseconds) -> None:
        """Another limit from now on, for every owner."""
        self._limit, self._window = limit, window
        for pages in self.owners.values():
            pages.allow(limit, window)

    def _pages(self, owner: str) -> OwnerPages:
        pages = self.owners.get(owner)
        if pages is None:
            pages = self.owners[owner] = OwnerPages(self._limit, self._window)
        return pages

    def page(self, group: Group, due: NotificationDue, out: list[Decision]) -> None:
        """Let a page out, or fold it."""
        owner = _owner(due)
        pages = self._pages(owner)
        id_ = (group.key, group.receiver)
        if pages.admit(due.at, _rank(due)):
            group.folded = False
            pages.groups.pop(id_, None)
            out.append(due)
            return
        group.folded = True
        pages.groups.pop(id_, None)
        pages.groups[id_] = None
        out.append(replace(due, audience=Audience.MACHINES))
        if pages.folded == 1:
            pages.refreshed = due.at
            out.append(_collected(due, owner, pages, page=True))
        elif pages.refresh is None:
            pages.refresh = max(due.at, pages.refreshed + REFRESH)

    def tell(self, group: Group, due: NotificationDue, out: list[Decision]) -> None:
        """Let out what wakes nobody: a resolve, or an update in place."""
        if not group.folded:
            out.append(due)
        elif due.status is Status.RESOLVED:
            out.append(replace(due, audience=Audience.MACHINES))
        if due.status is Status.RESOLVED:
            self._over(group, due, out)

    def _over(self, group: Group, due: NotificationDue, out: list[Decision]) -> None:
        """A folded group is over; with the last one the collected page is."""
        owner = _owner(due)
        pages = self.owners.get(owner)
        id_ = (group.key, group.receiver)
        if pages is None or id_ not in pages.groups:
            return
        del pages.groups[id_]
        if not pages.groups:
            over = _collected(due, owner, pages, page=True)
            out.append(replace(over, reason=Reason.ALL_RESOLVED))
            pages.folded, pages.refresh = 0, None

    def next_timer(self) -> Instant | None:
        """When some collected page is to be brought up to date."""
        times = [p.refresh for p in self.owners.values() if p.refresh is not None]
        return min(times) if times else None

    def handle_timer(
        self, groups: Mapping[GroupId, Group], now: Instant, out: list[Decision]
    ) -> None:
        """Bring collected pages up to date, each with the group folded last."""
        for owner, pages in self.owners.items():
            if pages.refresh is None or pages.refresh > now:
                continue
            pages.refresh, pages.refreshed = None, now
            alive = [groups[id_] for id_ in pages.groups if id_ in groups]
            if alive:
                group = alive[-1]
                told = tuple(m.tell() for m in group.members.values() if m.firing)
                due = due_of(group, Reason.STORM, Status.FIRING, told, page=False, now=now)
                out.append(_collected(due, owner, pages, page=False))

    def dump(self) -> Json:
        """Plain data."""
        return {name: pages.dump() for name, pages in self.owners.items()}

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        for name, pages in data.items():
            self._pages(name).load(pages)


def _owner(due: NotificationDue) -> str:
    """Whose pages are counted: the owner's, or the receiver's where an alert names nobody."""
    return due.alerts[0].alert.owner or f"@{due.receiver}"


def _rank(due: NotificationDue) -> int:
    """0 when something critical is going on."""
    going_on = (t.alert.severity for t in due.alerts if t.status is not Status.RESOLVED)
    return 0 if "critical" in going_on else 1


def due_of(
    group: Group,
    reason: Reason,
    status: Status,
    told: tuple[Told, ...],
    *,
    page: bool,
    now: Instant,
) -> NotificationDue:
    """A notification of a group."""
    return NotificationDue(
        at=now,
        reason=reason,
        receiver=group.receiver,
        group=group.key,
        group_labels=dict(group.labels),
        status=status,
        alerts=told,
        incident=group.incident,
        page=page,
    )


def _collected(
    due: NotificationDue, owner: str, pages: OwnerPages, *, page: bool
) -> NotificationDue:
    return replace(
        due,
        audience=Audience.PEOPLE,
        reason=Reason.STORM,
        incident=episode_id("storm", (owner, due.receiver), "", pages.started),
        page=page,
        storm=pages.folded,
    )
