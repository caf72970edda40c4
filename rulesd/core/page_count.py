"""Who was paged, how often, about what and when: counted from the lines of the decision log.

Law: pure. A page is what woke people: a firing notification that is a page and not for machines alone. It counts as acknowledged when
somebody took one of its alerts later. Pages that were spared (a digest, a spent budget, a storm) are counted beside them, not among them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rulesd.model.event import Json

HOURS = 24
MOST_WAITING = 100_000
"Alerts whose acknowledgement is waited for."


@dataclass(slots=True)
class _Page:
    """One page."""

    owner: "_Owner"
    rule: "_Rule"
    taken: bool = False


@dataclass(slots=True)
class _Rule:
    """What one rule cost."""

    pages: int = 0
    acknowledged: int = 0


@dataclass(slots=True)
class _Owner:
    """What one owner's people had to bear."""

    pages: int = 0
    acknowledged: int = 0
    escalated: int = 0
    spared: int = 0
    budget_spent: int = 0
    rules: dict[str, _Rule] = field(default_factory=dict)
    hours: list[int] = field(default_factory=lambda: [0] * HOURS)


class PageCount:
    """Counts line by line."""

    def __init__(self, owner_of: Mapping[str, str], tenant: str = "") -> None:
        """``owner_of``: the owner of each rule; ``tenant``: count only what is about it."""
        self._owner_of, self._tenant = owner_of, tenant
        self._owners: dict[str, _Owner] = {}
        self._waiting: dict[str, list[_Page]] = {}

    def see(self, body: Mapping[str, Any]) -> None:
        """One line of the decision log, in order."""
        match body["kind"]:
            case "notification.due" if body["page"] and body["status"] == "firing":
                self._page(body)
            case "alert.updated" if body["reason"] == "acknowledged":
                self._taken(str(body["alert"]))
            case "notice.due" if body["reason"] == "page_budget_spent" and not self._tenant:
                self._of(str(body["owner"])).budget_spent += 1
            case _:
                pass

    def _page(self, body: Mapping[str, Any]) -> None:
        told = [t for t in body["alerts"] if self._tenant in ("", t["labels"].get("tenant"))]
        if not told:
            return
        first = told[0]
        name = str(first["rule"])
        owner = self._of(self._owner_of.get(name) or str(first["labels"].get("owner", "")))
        if body.get("audience") == "machines":
            owner.spared += 1
            return
        if body["reason"] in ("escalated", "nobody_acknowledged"):
            owner.escalated += 1
            return
        rule = owner.rules.setdefault(name, _Rule())
        owner.pages += 1
        rule.pages += 1
        owner.hours[int(str(body["at"])[11:13])] += 1
        page = _Page(owner, rule)
        for each in told:
            if len(self._waiting) < MOST_WAITING or each["alert"] in self._waiting:
                self._waiting.setdefault(str(each["alert"]), []).append(page)

    def _taken(self, alert: str) -> None:
        for page in self._waiting.pop(alert, ()):
            if not page.taken:
                page.taken = True
                page.owner.acknowledged += 1
                page.rule.acknowledged += 1

    def _of(self, owner: str) -> _Owner:
        return self._owners.setdefault(owner, _Owner())

    def owners(self) -> list[dict[str, Json]]:
        """Each owner with its rules, the loudest first; ``hours`` are of the day, in UTC."""
        loud = sorted(self._owners.items(), key=lambda item: (-item[1].pages, item[0]))
        return [{"owner": name, **_told(found)} for name, found in loud]


def _told(owner: _Owner) -> dict[str, Json]:
    loud = sorted(owner.rules.items(), key=lambda item: (-item[1].pages, item[0]))
    rules: list[Json] = [
        {"rule": name, "pages": rule.pages, "acknowledged": rule.acknowledged}
        for name, rule in loud
    ]
    hours: list[Json] = list(owner.hours)
    return {
        "pages": owner.pages,
        "acknowledged": owner.acknowledged,
        "escalated": owner.escalated,
        "spared": owner.spared,
        "budget_spent": owner.budget_spent,
        "rules": rules,
        "hours": hours,
    }
