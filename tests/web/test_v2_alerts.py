"""Alerts and groups as Alertmanager shows them."""

import asyncio
from typing import Any

import orjson
import pytest

from rulesd.core.standing import Standing
from rulesd.model.reasons import AlertState
from rulesd.web import v2_alerts
from rulesd.web.tokens import Scope
from tests.web.fakes import alert
from tests.web.v2_world import V2Daemon, ask, foreign, v2, view


def full() -> V2Daemon:
    daemon = V2Daemon()
    daemon.shown = [
        foreign("f2", "bb", alertname="Disk", team="db"),
        alert("own", fingerprint="cc"),
        foreign("f1", "aa", alertname="Net"),
        alert("over", fingerprint="dd", state=AlertState.RESOLVED),
        alert("soon", fingerprint="ee", state=AlertState.PENDING),
    ]
    daemon.standings = {
        "f2": Standing(state="suppressed", silenced_by=("s1",), receivers=("db", "pager")),
        "soon": Standing(state="unprocessed", receivers=("pager",)),
    }
    return daemon


def got(query: str = "", path: str = "/api/v2/alerts", daemon: V2Daemon | None = None) -> Any:
    async def story() -> Any:
        async with v2(daemon or full()) as (world, _):
            status, text = await ask(world, "GET", path + query)
            assert status == 200, text
            return orjson.loads(text)

    return asyncio.run(story())


def fingerprints(query: str = "") -> list[str]:
    return [one["fingerprint"] for one in got(query)]


def test_an_alert_of_another_system() -> None:
    assert got("?filter=alertname%3DDisk") == [
        {
            "annotations": {"summary": "disk full"},
            "endsAt": "2026-01-05T09:01:00.000Z",
            "fingerprint": "bb",
            "receivers": [{"name": "db"}, {"name": "pager"}],
            "startsAt": "2026-01-05T08:59:00.000Z",
            "status": {"inhibitedBy": [], "silencedBy": ["s1"], "mutedBy": [], "state": "suppressed"},
            "updatedAt": "2026-01-05T08:59:59.000Z",
            "generatorURL": "http://prometheus/graph",
            "labels": {"alertname": "Disk", "team": "db"},
        }
    ]  # fmt: skip


def test_an_own_alert() -> None:
    (own,) = got("?filter=tool%3Dshell&unprocessed=false")
    assert own["labels"] == {
        "alertname": "tool.scope_violation",
        "owner": "platform-safety",
        "severity": "critical",
        "tenant": "acme",
        "tool": "shell",
        "route": "/chat",
    }
    assert own["annotations"] == {"summary": "it happened"}
    assert own["startsAt"] == "2026-01-05T08:59:01.000Z"
    assert own["endsAt"] == "2026-01-05T09:05:00.000Z"
    assert "generatorURL" not in own


def test_order_and_choice() -> None:
    assert fingerprints() == ["aa", "bb", "cc", "ee"]
    assert fingerprints("?silenced=false") == ["aa", "cc", "ee"]
    assert fingerprints("?active=false") == ["bb", "ee"]
    assert fingerprints("?unprocessed=false") == ["aa", "bb", "cc"]
    assert fingerprints("?receiver=db") == ["bb"]
    assert fingerprints("?receiver=d") == []
    assert fingerprints("?receiver=nobody&filter=a%3Db") == []
    assert got(daemon=V2Daemon()) == []


def test_many_alerts_are_written_in_portions() -> None:
    daemon = V2Daemon()
    daemon.shown = [foreign(f"f{n}", f"{n:04}", n=str(n)) for n in range(250)]
    assert [one["fingerprint"] for one in got(daemon=daemon)] == [f"{n:04}" for n in range(250)]


def test_groups() -> None:
    daemon = full()
    disk, own, net, over, _ = daemon.shown
    daemon.views = [
        view("pager", [own, over, net], alertname="Z"),
        view("db", [disk], alertname="Disk"),
        view("pager", [disk], alertname="Disk"),
        view("pager", [over], alertname="Over"),
    ]

    def shape(query: str = "") -> list[tuple[str, str, list[str]]]:
        return [
            (
                g["labels"]["alertname"],
                g["receiver"]["name"],
                [a["fingerprint"] for a in g["alerts"]],
            )
            for g in got(query, "/api/v2/alerts/groups", daemon)
        ]

    assert shape() == [
        ("Disk", "db", ["bb"]),
        ("Disk", "pager", ["bb"]),
        ("Z", "pager", ["aa", "cc"]),
    ]
    assert shape("?receiver=db") == [("Disk", "db", ["bb"])]
    assert shape("?silenced=false") == [("Z", "pager", ["aa", "cc"])]
    assert shape("?filter=alertname%3DNet") == [("Z", "pager", ["aa"])]


def test_many_alerts_of_one_group() -> None:
    daemon = V2Daemon()
    daemon.views = [view("pager", [foreign(f"f{n}", f"{n:04}", n=str(n)) for n in range(250)])]
    (group,) = got("", "/api/v2/alerts/groups", daemon)
    assert len(group["alerts"]) == 250
    assert group["labels"] == {}


def test_a_tenant_sees_its_own() -> None:
    async def story() -> None:
        daemon = full()
        daemon.shown.append(foreign("f3", "ff", alertname="Theirs", tenant="other"))
        daemon.views = [view("pager", daemon.shown)]
        async with v2(daemon) as (world, _):
            headers = await world.token("other", Scope.READ, tenant="other")
            for path in ("/api/v2/alerts", "/api/v2/alerts/groups"):
                async with world.nobody.get(path, headers=headers) as response:
                    text = await response.text()
                assert '"ff"' in text
                assert '"aa"' not in text
                assert "acme" not in text

    asyncio.run(story())


def test_what_is_no_query() -> None:
    async def story() -> None:
        async with v2(full()) as (world, _):
            for path in ("/api/v2/alerts", "/api/v2/alerts/groups"):
                assert await ask(world, "GET", f"{path}?filter=a") == (
                    400,
                    '"bad matcher format: a"',
                )
                status, text = await ask(world, "GET", f"{path}?receiver=%5B")
                assert status == 400
                assert text.startswith('"failed to parse receiver param: ')

    asyncio.run(story())


def test_a_long_list_is_written_while_it_is_made_and_says_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    daemon = full()
    daemon.views = [view("pager", daemon.shown)]
    paths = ("/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/alerts?filter=alertname%3DNone")
    whole = [got(path=path, daemon=daemon) for path in paths]
    groups_of_none = "/api/v2/alerts/groups?filter=alertname%3DNone"
    monkeypatch.setattr(v2_alerts, "WHOLE", 0)
    monkeypatch.setattr(v2_alerts, "STRIDE", 2)
    assert [got(path=path, daemon=daemon) for path in paths] == whole
    assert got(path=groups_of_none, daemon=daemon) == []
    assert (len(whole[0]), len(whole[1]), whole[2]) == (4, 1, [])
