from typing import Any

import pytest

from rulesd.core.page_count import PageCount


def page(
    *alerts: str, rule: str = "tool.x", tenant: str = "acme", **changes: Any
) -> dict[str, Any]:
    told = [{"alert": a, "rule": rule, "labels": {"tenant": tenant}} for a in alerts or ("a1",)]
    values = {
        "kind": "notification.due",
        "page": True,
        "status": "firing",
        "reason": "first_notification",
        "at": "2026-01-05T09:14:00.000Z",
        "alerts": told,
    }
    return {**values, **changes}


def taken(alert: str) -> dict[str, Any]:
    return {"kind": "alert.updated", "reason": "acknowledged", "alert": alert}


def counted(*rows: dict[str, Any], tenant: str = "") -> list[dict[str, Any]]:
    count = PageCount({"tool.x": "safety", "tool.y": "safety", "tool.z": "other"}, tenant)
    for row in rows:
        count.see(row)
    return count.owners()


def test_pages_by_owner_rule_and_hour_the_loudest_first() -> None:
    first, second = counted(
        page(rule="tool.z"),
        page(),
        page(at="2026-01-06T23:00:00.000Z"),
        page(rule="tool.y"),
    )
    assert (first["owner"], first["pages"]) == ("safety", 3)
    assert first["rules"] == [
        {"rule": "tool.x", "pages": 2, "acknowledged": 0},
        {"rule": "tool.y", "pages": 1, "acknowledged": 0},
    ]
    assert [n for n, count in enumerate(first["hours"]) if count] == [9, 23]
    assert (second["owner"], second["pages"]) == ("other", 1)


def test_a_page_is_acknowledged_once_by_whoever_takes_one_of_its_alerts() -> None:
    (safety,) = counted(
        page("a1", "a2"), taken("a1"), taken("a2"), taken("a9"), page("a1"), taken("a1")
    )
    assert (safety["pages"], safety["acknowledged"]) == (2, 2)
    assert safety["rules"][0]["acknowledged"] == 2


def test_what_people_did_not_get_is_counted_beside_it() -> None:
    (safety,) = counted(
        page(audience="machines"),
        page(reason="escalated"),
        page(reason="nobody_acknowledged"),
        {"kind": "notice.due", "reason": "page_budget_spent", "owner": "safety"},
        {"kind": "notice.due", "reason": "digest", "owner": "safety"},
        page(status="resolved"),
        page(page=False),
        {"kind": "alert.updated", "reason": "seen_again", "alert": "a1"},
        {"kind": "alert.firing", "reason": "condition_met", "alert": "a1"},
    )
    assert [safety[k] for k in ("pages", "spared", "escalated", "budget_spent")] == [0, 1, 2, 1]


def test_a_tenant_sees_what_is_about_it_alone() -> None:
    rows = [
        page(),
        page(tenant="b"),
        {"kind": "notice.due", "reason": "page_budget_spent", "owner": "safety"},
    ]
    (safety,) = counted(*rows, tenant="b")
    assert (safety["pages"], safety["budget_spent"]) == (1, 0)


def test_alerts_of_other_systems_say_who_owns_them() -> None:
    told = [{"alert": "f", "rule": "Up", "labels": {"owner": "infra"}}]
    nobody = [{"alert": "g", "rule": "Up", "labels": {}}]
    assert [o["owner"] for o in counted(page(alerts=told), page(alerts=nobody))] == ["", "infra"]


def test_the_memory_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesd.core.page_count.MOST_WAITING", 1)
    (safety,) = counted(page("a1"), page("a2"), page("a1"), taken("a2"), taken("a1"))
    assert (safety["pages"], safety["acknowledged"]) == (3, 2)
