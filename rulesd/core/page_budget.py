"""The page budget of an owner: so many pages in a shift; what is not grave waits once they are spent.

Law: pure. High and critical pages, must-never-happen alerts and those of other systems always page, and count. Spending the last page
of a shift is told once, with the rules that spent them.
"""

from dataclasses import dataclass, field

from rulesd.core import shifts
from rulesd.core.digest import may_wait
from rulesd.core.people import SHIFT
from rulesd.core.plan import Owner, Plan
from rulesd.model.decision import NoticeDue, NotificationDue
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, format_instant
from rulesd.model.reasons import Reason

WAITING = ("medium", "low")
"The severities that wait once the budget is spent."

WITHOUT_SHIFT = 12 * HOUR
"The length of a shift where the schedule never changes."

MOST_RULES = 10


@dataclass(slots=True)
class _Spent:
    """The pages of one owner in the shift that goes on."""

    ends: Instant
    pages: int = 0
    told: bool = False
    rules: dict[str, int] = field(default_factory=dict)
    "Pages of each rule."


class Budgets:
    """The budgets of all owners."""

    def __init__(self, plan: Plan) -> None:
        """Nothing is spent."""
        self.plan = plan
        self._spent: dict[str, _Spent] = {}
        self._leaving: dict[str, int] = {}
        "Pages that may go out and have not been counted: of one moment, so never kept."

    def until(self, due: NotificationDue) -> Instant | None:
        """When a page must wait: the end of the shift whose budget is spent; ``None`` when it may go out."""
        owner = self._owner(due)
        if owner is None or owner.page_budget is None:
            return None
        spent = self._shift(owner, due.at)
        leaving = self._leaving.get(owner.name, 0)
        if spent.pages + leaving < owner.page_budget.pages:
            self._leaving[owner.name] = leaving + 1
            return None
        waits = all(may_wait(t.alert, WAITING) for t in due.alerts)
        return spent.ends if waits else None

    def counted(self) -> None:
        """All that may have gone out is counted."""
        self._leaving.clear()

    def spend(self, due: NotificationDue) -> list[NoticeDue]:
        """Count a page that wakes people; the notice that these were all, once."""
        owner = self._owner(due)
        if owner is None or owner.page_budget is None:
            return []
        spent = self._shift(owner, due.at)
        spent.pages += 1
        rule = due.alerts[0].alert.rule
        spent.rules[rule] = spent.rules.get(rule, 0) + 1
        if spent.told or spent.pages < owner.page_budget.pages:
            return []
        spent.told = True
        return [self._notice(owner, spent, due)]

    def _owner(self, due: NotificationDue) -> Owner | None:
        return self.plan.owners.get(due.alerts[0].alert.owner) if due.alerts else None

    def _shift(self, owner: Owner, now: Instant) -> _Spent:
        known = self._spent.get(owner.name)
        if known is None or known.ends <= now:
            known = self._spent[owner.name] = _Spent(self._end(owner, now))
        return known

    def _end(self, owner: Owner, now: Instant) -> Instant:
        assert owner.page_budget is not None
        schedule = self.plan.schedules.get(owner.schedule)
        if owner.page_budget.per != SHIFT:
            return now + owner.page_budget.per
        if schedule is None:
            return now + WITHOUT_SHIFT
        return min(schedule.next_change(now), now + 14 * 2 * WITHOUT_SHIFT)

    def _notice(self, owner: Owner, spent: _Spent, due: NotificationDue) -> NoticeDue:
        assert owner.page_budget is not None
        loud = sorted(spent.rules.items(), key=lambda item: (-item[1], item[0]))
        lines = [f"{n} of {spent.pages} pages: {rule}" for rule, n in loud[:MOST_RULES]]
        lines.append("High and critical alerts still page; the others come in the digest.")
        place = shifts.of_owner(self.plan, owner.name, "", due.at)[0]
        return NoticeDue(
            at=due.at,
            reason=Reason.BUDGET,
            receiver=place.receiver,
            owner=owner.name,
            title=f"{owner.name} has used its {owner.page_budget.pages} pages; "
            f"the budget begins again at {format_instant(spent.ends)}",
            lines=tuple(lines),
        )

    def dump(self) -> Json:
        """Plain data."""
        return {name: [s.ends, s.pages, s.told, dict(s.rules)] for name, s in self._spent.items()}

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        for name, row in data.items():
            assert isinstance(row, list)
            self._spent[name] = _Spent(*row)  # type: ignore[arg-type]
