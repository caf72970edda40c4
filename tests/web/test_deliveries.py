"""``/v1/deliveries`` over a real store."""

import asyncio
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from rulesd.model.notification import Notification
from rulesd.notify.compose import encode_notification
from rulesd.ports.daemon import Done
from rulesd.ports.store import Commit, OutboxDone, OutboxRow
from rulesd.stores.memory import MemoryStore
from rulesd.web.openapi import document
from rulesd.web.tokens import Scope
from tests.notify.samples import alert, note, told
from tests.web.fakes import NOW, FakeDaemon, opened


def row(id_: str, page: Notification, receiver: str = "oncall") -> OutboxRow:
    return OutboxRow(
        id=id_,
        receiver=receiver,
        channel="slack[0]",
        incident=page.incident,
        priority=0,
        created=NOW,
        body=encode_notification(replace(page, id=id_, receiver=receiver)),
        alerts=tuple(one.alert for one in page.alerts),
    )


def done(id_: str, state: str, at: int, **given: Any) -> OutboxDone:
    values = {
        "receiver": "oncall",
        "channel": "slack[0]",
        "attempts": 1,
        "next_at": 0,
        "detail": "ok: HTTP 200",
    }
    return OutboxDone(id=id_, state=state, at=at, **{**values, **given})


ACME = note(told(alert(1)))
OTHER = note(told(alert(2, labels={"tenant": "zeta", "tool": "x"})))
A1 = alert(1).alert


class Daemon(FakeDaemon):
    def __init__(self) -> None:
        super().__init__()
        self.store: Any = MemoryStore()
        self.store.open()
        self.asked: list[tuple[str, str, str]] = []
        self.store.commit(
            Commit(
                outbox=[row("n1", ACME), row("n2", OTHER), row("n3", ACME, "second")],
                done=[
                    done("n1", "pending", NOW + 1, detail="timeout: no answer", next_at=NOW + 9),
                    done("n1", "failed", NOW + 2, attempts=2, detail="refused: no: really"),
                    done("n3", "delivered", NOW + 3, receiver="second", reference=b'{"ts":"1"}'),
                ],
            )
        )

    async def put_setting(self, name: str, value: bytes) -> None:
        self.store.commit(Commit(settings=[(name, value)]))

    async def redeliver(self, page: str, receiver: str, by: str) -> Done:
        self.asked.append((page, receiver, by))
        return Done.DONE if page == "n1" else Done.UNKNOWN


def get(path: str, headers: dict[str, str] | None = None, status: int = 200) -> Any:
    async def story() -> Any:
        async with (
            opened(Daemon()) as world,
            world.admin.get(path, headers=headers or {}) as response,
        ):
            assert response.status == status, await response.text()
            return await response.json()

    return asyncio.run(story())


def as_described(path: str, body: Any) -> None:
    described: Any = document("1")
    schema = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    whole = {**schema["schema"], "components": described["components"]}
    jsonschema.Draft202012Validator(whole).validate(body)


def ids(body: Any) -> list[str]:
    return [one["id"] for one in body["deliveries"]]


def test_pages_newest_first_and_chosen() -> None:
    whole = get("/v1/deliveries")
    as_described("/v1/deliveries", whole)
    assert ids(whole) == ["n3", "n2", "n1"]
    assert ids(get("/v1/deliveries?state=failed")) == ["n1"]
    assert ids(get("/v1/deliveries?receiver=second")) == ["n3"]
    assert ids(get(f"/v1/deliveries?alert={A1}")) == ["n3", "n1"]
    assert ids(get(f"/v1/deliveries?alert={A1}&state=failed&limit=1")) == ["n1"]
    (failed,) = get("/v1/deliveries?state=failed")["deliveries"]
    assert failed["detail"] == "refused: no: really"
    assert (failed["severity"], failed["status"], failed["attempts_made"]) == (
        "critical",
        "firing",
        2,
    )


@pytest.mark.parametrize("query", ["state=lost", "limit=0", "limit=x", "limit=1001", "limit=-1"])
def test_what_cannot_be_chosen(query: str) -> None:
    assert "message" in get(f"/v1/deliveries?{query}", status=400)


def test_the_proof_of_delivery_is_every_attempt_in_order() -> None:
    body = get(f"/v1/alerts/{A1}/deliveries")
    as_described("/v1/alerts/{id}/deliveries", body)
    assert ids(body) == ["n1", "n3"]
    first, second = (one["attempts"] for one in body["deliveries"])
    assert [(a["number"], a["outcome"], a["reason"], a["detail"]) for a in first] == [
        (1, "retry", "timeout", "no answer"),
        (2, "failed", "refused", "no: really"),
    ]
    assert second[0]["reference"] == {"ts": "1"}
    assert second[0]["at"] == "2026-01-05T09:00:00.003Z"
    assert get("/v1/alerts/unknown/deliveries")["deliveries"] == []


def test_a_tenants_token_sees_its_tenants_pages_alone() -> None:
    async def story() -> None:
        daemon = Daemon()
        async with opened(daemon) as world:
            mine = await world.token("zeta", Scope.READ, Scope.ADMIN, tenant="zeta")
            async with world.nobody.get("/v1/deliveries", headers=mine) as answer:
                assert ids(await answer.json()) == ["n2"]
            async with world.nobody.get(f"/v1/alerts/{A1}/deliveries", headers=mine) as answer:
                assert ids(await answer.json()) == []
            path = "/v1/deliveries/n1/redeliver"
            async with world.nobody.post(path, headers=mine) as answer:
                assert answer.status == 404
            assert daemon.asked == []

    asyncio.run(story())


def test_sending_again_is_the_daemons_under_the_callers_name() -> None:
    async def story() -> None:
        daemon = Daemon()
        async with opened(daemon) as world:
            path = "/v1/deliveries/n1/redeliver"
            said = {"by": "kim", "receiver": "oncall"}
            async with world.admin.post(path, json=said) as answer:
                assert await answer.json() == {"id": "n1", "result": "done"}
            assert daemon.asked == [("n1", "oncall", "kim (admin)")]
            async with world.admin.post("/v1/deliveries/n9/redeliver") as answer:
                assert answer.status == 404
            reader = await world.token("r", Scope.READ)
            async with world.nobody.post(path, headers=reader) as answer:
                assert answer.status == 403

    asyncio.run(story())


def test_a_page_nobody_can_read_is_still_listed() -> None:
    async def story() -> None:
        daemon = Daemon()
        daemon.store.commit(Commit(outbox=[replace(row("n4", ACME), body=b"[]")]))
        daemon.store.commit(Commit(outbox=[replace(row("n5", ACME), body=b"\xff")]))
        async with opened(daemon) as world, world.admin.get("/v1/deliveries") as answer:
            assert ids(await answer.json())[:2] == ["n5", "n4"]

    asyncio.run(story())
