"""``/v1/reports/pages`` over a real store."""

import asyncio
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from rulesd.core.people import SHIFT, Budget
from rulesd.core.plan import Owner
from rulesd.model.decision import NotificationDue, Status, Told
from rulesd.model.instant import DAY, HOUR, format_instant
from rulesd.model.reasons import Reason
from rulesd.ports.store import Commit
from rulesd.runners import codec
from rulesd.stores.memory import MemoryStore
from rulesd.web import reports
from rulesd.web.openapi import document
from tests.notify.samples import alert
from tests.web.fakes import NOW, FakeDaemon, opened


def due(at: int, **changes: Any) -> NotificationDue:
    told = Told(alert=alert(), status=Status.FIRING, changed=True)
    values: dict[str, Any] = {
        "at": at,
        "reason": Reason.FIRST,
        "receiver": "oncall",
        "group": "g",
        "group_labels": {},
        "status": Status.FIRING,
        "alerts": (told,),
        "incident": "i",
        "page": True,
    }
    return NotificationDue(**{**values, **changes})


class Daemon(FakeDaemon):
    def __init__(self, pages: int = 10) -> None:
        super().__init__()
        self.store: Any = MemoryStore()
        self.store.open()
        self.plan = SimpleNamespace(
            **{
                **vars(self.plan),
                "rules": (SimpleNamespace(id=alert().rule, owner="safety"),),
                "owners": {
                    "safety": Owner(name="safety", page_budget=Budget(pages=5, per=12 * HOUR)),
                },
            }
        )
        rows = [due(NOW - (pages - n) * DAY) for n in range(pages)]
        made = [codec.decision_row(n + 1, d) for n, d in enumerate(rows)]
        self.store.commit(Commit(decisions=made))


def get(path: str, daemon: Daemon | None = None, status: int = 200) -> Any:
    async def story() -> Any:
        async with (
            opened(daemon or Daemon()) as world,
            world.admin.get(path) as response,
        ):
            assert response.status == status, await response.text()
            return await response.json()

    return asyncio.run(story())


def test_the_pages_of_the_last_week_unless_asked_for_more() -> None:
    body = get("/v1/reports/pages")
    described: Any = document("1")
    schema = described["paths"]["/v1/reports/pages"]["get"]["responses"]["200"]["content"]
    whole = {**schema["application/json"]["schema"], "components": described["components"]}
    jsonschema.Draft202012Validator(whole).validate(body)
    (owner,) = body["owners"]
    assert (owner["owner"], owner["pages"]) == ("safety", 7)
    assert owner["budget"] == {"pages": 5, "per": "12h"}
    assert body["complete"] is True
    assert (body["since"], body["until"]) == (format_instant(NOW - 7 * DAY), format_instant(NOW))
    assert get("/v1/reports/pages?since=36h")["owners"][0]["pages"] == 1
    assert (
        get(f"/v1/reports/pages?since={format_instant(NOW - 3 * DAY)}")["owners"][0]["pages"] == 3
    )
    assert get("/v1/reports/pages?since=1y")["owners"][0]["pages"] == 10


def test_nothing_to_tell() -> None:
    empty = Daemon(pages=0)
    assert get("/v1/reports/pages", empty)["owners"] == []


@pytest.mark.parametrize("since", ["soon", "2026-13-01T00:00:00Z", "7"])
def test_a_time_that_is_none(since: str) -> None:
    assert get(f"/v1/reports/pages?since={since}", status=400)["error"] == "invalid_since"


def test_budgets_by_the_shift_and_owners_without_one() -> None:
    daemon = Daemon(pages=2)
    daemon.plan.owners["safety"] = Owner(name="safety", page_budget=Budget(pages=3, per=SHIFT))
    assert get("/v1/reports/pages", daemon)["owners"][0]["budget"]["per"] == "shift"
    daemon.plan.owners.clear()
    assert "budget" not in get("/v1/reports/pages", daemon)["owners"][0]


def test_more_than_may_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_ROWS", 4)
    body = get("/v1/reports/pages?since=1y")
    assert body["complete"] is False
    assert body["owners"][0]["pages"] == 4
