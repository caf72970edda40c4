"""The daemon behind its doors: acts, reloads, deliveries, test pages and how it is."""

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any

import pytest

from rulesd.model.errors import Located, StoreError
from rulesd.model.inputs import Delivered, PlanReplaced
from rulesd.model.instant import HOUR, SECOND
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.ports.daemon import Done
from rulesd.ports.store import OutboxDone
from rulesd.runners import codec, local
from rulesd.runners.local import cannot_commit, commit_age_s
from tests.core.plans import T0, burst, plan, rule
from tests.runners.room import BOTH, Room, denied, in_room, loaded, out_of_scope
from tests.runners.test_emergency import with_channels

WRONG = Located("rules/x.yaml", 3, 1, "bad", "it is wrong", "Write it right.")


def done(state: str = "delivered", **more: Any) -> OutboxDone:
    values: dict[str, Any] = {
        "id": "msg-2", "receiver": "default", "channel": "webhook[0]", "state": state, "attempts": 1,
        "next_at": 0, "detail": "ok", "at": T0,
    }  # fmt: skip
    return OutboxDone(**{**values, **more})


async def one_alert(room: Room) -> str:
    await room.send(out_of_scope(1))
    (alert,) = room.daemon.alerts()
    return alert.alert


# ---------------------------------------------------------------------- people


def test_acts_are_done_once_and_say_what_they_found() -> None:
    async def story(room: Room) -> None:
        alert, daemon = await one_alert(room), room.daemon
        assert await daemon.acknowledge(alert, "ana", "mine") is Done.DONE
        assert await daemon.acknowledge(alert, "ana", "mine") is Done.ALREADY
        assert await daemon.unacknowledge(alert, "ana") is Done.DONE
        assert await daemon.unacknowledge(alert, "ana") is Done.ALREADY
        assert await daemon.resolve(alert, "ana", "over") is Done.DONE
        assert await daemon.resolve(alert, "ana", "over") is Done.ALREADY
        assert await daemon.acknowledge(alert, "ana", "") is Done.NOT_ACTIVE
        assert await daemon.acknowledge("nobody-knows", "ana", "") is Done.UNKNOWN

    assert [k for k in in_room(story).kinds() if k != "event"] == [
        "plan",
        "ack",
        "ack",
        "unack",
        "unack",
        "resolve",
    ]


def test_a_deadline_that_ran_on_the_way_is_not_taken_for_the_act() -> None:
    async def story(room: Room) -> None:
        await room.send(*[denied(n) for n in range(3)])
        await room.send(out_of_scope("x", tenant="globex"))
        alert = next(a.alert for a in room.daemon.alerts() if a.rule == "tool.scope")
        assert await room.daemon.acknowledge(alert, "ana", "") is Done.DONE
        room.clock.at += 60 * SECOND  # the burst's page is due
        assert await room.daemon.acknowledge(alert, "ana", "") is Done.ALREADY

    in_room(story)


def test_alerts_that_are_over_are_shown_for_an_hour() -> None:
    async def story(room: Room) -> None:
        alert = await one_alert(room)
        await room.daemon.resolve(alert, "ana", "")
        assert [a.alert for a in room.daemon.alerts()] == [alert]
        room.clock.at += HOUR + SECOND
        assert list(room.daemon.alerts()) == []

    in_room(story)


# ---------------------------------------------------------------------- reload


def test_a_broken_set_is_refused_whole(caplog: pytest.LogCaptureFixture) -> None:
    async def story(room: Room) -> None:
        room.load.append(loaded(None, [WRONG]))
        assert list(await room.daemon.reload()) == [WRONG]
        assert room.daemon.plan is BOTH
        assert room.daemon.refused == (WRONG,)
        assert any(
            "last reload was refused: 1 problems" in s for s in room.daemon.health().degraded
        )
        room.load.append(loaded(BOTH))
        assert list(await room.daemon.reload()) == []
        assert not room.daemon.refused

    assert in_room(story).kinds() == ["plan"]
    assert "rules/x.yaml:3:1" in caplog.text


def test_a_new_set_is_on_record_and_keeps_windows_and_page_limit() -> None:
    more = plan(
        *BOTH.rules,
        rule("tool.more"),
        when={"tool.denied": lambda d: d["data"].get("outcome") == "denied"},
    )

    async def story(room: Room) -> None:
        await room.crank.replace(BOTH, PlanReplaced(digest=BOTH.digest, owner_pages=4), b"")
        await room.send(denied(1), denied(2))
        room.load.append(loaded(more))
        told: list[int] = []
        room.daemon.on_reload = lambda: told.append(1)
        assert list(await room.daemon.reload()) == []
        assert room.daemon.plan is more
        assert told == [1]
        assert len(room.courier.reloaded) == 1
        await room.send(denied(3))
        assert [a.rule for a in room.daemon.alerts() if a.rule == "tool.denied"] == ["tool.denied"]

    room = in_room(story)
    plans = [codec.read_input(row) for _, row in room.store.tail(0) if row.kind == "plan"]
    assert [p.owner_pages for p in plans if isinstance(p, PlanReplaced)] == [10, 4, 4]


def test_the_same_set_again_changes_nothing() -> None:
    released: list[int] = []

    async def story(room: Room) -> None:
        same = replace(BOTH, release=lambda: released.append(1))
        room.load.append(loaded(same))
        await room.daemon.reload()
        assert room.daemon.plan is BOTH
        assert room.courier.reloaded == []

    assert in_room(story).kinds() == ["plan"]
    assert released == [1]


def test_the_plan_that_was_replaced_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "KEEP_S", 0.01)
    released: list[str] = []

    async def story(room: Room) -> None:
        for name in ("one", "two"):
            new = plan(rule("tool.denied", detector=burst(2), digest=name), rule("tool.scope"))
            room.load.append(loaded(replace(new, release=lambda name=name: released.append(name))))
            await room.daemon.reload()
        while not released:
            await asyncio.sleep(0.01)
        assert released == ["one"]

    in_room(story)


# ---------------------------------------------------------------------- delivery


def test_what_became_of_a_page_is_durable_and_an_input_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)

    async def story(room: Room) -> None:
        await one_alert(room)
        room.daemon.delivered(
            done("pending", next_at=T0 + SECOND, detail="server_error: HTTP 500"), None
        )
        over = Delivered(
            notification="msg-2", receiver="default", channel="webhook[0]",
            outcome=DeliveryOutcome.DELIVERED, reason=DeliveryReason.OK,
        )  # fmt: skip
        room.daemon.delivered(done(), over)
        room.crank.reports.flush()

    room = in_room(story)
    assert room.kinds() == ["plan", "event", "delivered"]
    assert list(room.store.pending()) == []
    assert (
        "a page was not taken and will be sent again: receiver=default channel=webhook[0]"
        in caplog.text
    )
    assert room.daemon.given_up == {}


def test_a_page_that_was_given_up_is_said_and_remembered(caplog: pytest.LogCaptureFixture) -> None:
    async def story(room: Room) -> None:
        await one_alert(room)
        room.daemon.delivered(done("failed", detail="refused_by_receiver: HTTP 400"), None)

    room = in_room(story)
    assert room.daemon.given_up == {("default", "webhook[0]"): T0}
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "a page was given up" in record.getMessage()
    assert "HTTP 400" in record.getMessage()


def test_a_test_page_takes_the_owners_whole_path() -> None:
    async def story(room: Room) -> None:
        found = await room.daemon.test_page("safety", "high", "ana")
        assert [(a.receiver, a.channel, a.outcome, a.seconds) for a in found] == [
            ("default", "webhook[0]", "delivered", 0.012),
            ("default", "webhook[1]", "delivered", 0.012),
        ]
        assert all(page.test for _, _, page in room.courier.tried)

    assert in_room(story, made=with_channels()).kinds() == ["plan"]


def test_settings_are_durable_when_the_call_returns_and_references_are_the_stores() -> None:
    async def story(room: Room) -> None:
        await room.daemon.put_setting("web/x", b"1")
        assert room.store.setting("web/x") == b"1"
        assert await room.daemon.references("nothing") == {}
        assert room.daemon.runbook_link("tool.scope") == ""

    in_room(story)


# ---------------------------------------------------------------------- how it is


def test_degraded_is_not_dead_and_every_reason_is_said() -> None:
    async def story(room: Room) -> None:
        assert room.daemon.health().ready
        room.courier.bad = [("pager", "slack[0]")]
        room.daemon.channel_problems = ("slack[0] has no token",)
        room.daemon.loaded = loaded(plan())
        room.clock.at += HOUR
        room.daemon.parts.sources = {"mqtt": lambda: "the broker is away"}
        health = room.daemon.health()
        assert (health.live, health.ready) == (True, True)
        assert list(health.degraded) == [
            "mqtt: the broker is away",
            "receiver pager slack[0] does not accept pages",
            "slack[0] has no token",
            "no rules are loaded",
        ]

    in_room(story)


def test_while_a_broker_has_not_answered_it_waits_a_little_before_it_says_ready() -> None:
    async def story(room: Room) -> None:
        room.daemon.parts.sources = {"mqtt": lambda: "not connected yet"}
        assert not room.daemon.health().ready
        room.clock.at += local.PATIENCE
        assert room.daemon.health().ready

    in_room(story)


def test_it_is_not_ready_while_the_store_refuses_or_hangs() -> None:
    async def story(room: Room) -> None:
        room.writer.failing = StoreError("the disk is full")
        assert not room.daemon.health().ready
        assert cannot_commit(room.writer) == "the disk is full"
        assert (
            commit_age_s(room.writer) == 0.0
        )  # it refuses, it does not hang: no reason to be killed for
        room.writer.failing = None
        room.writer.committing_since = time.monotonic() - 60
        assert not room.daemon.health().ready
        assert commit_age_s(room.writer) >= 60
        assert "has not ended for 60 s" in cannot_commit(room.writer)
        room.writer.committing_since = time.monotonic()
        assert cannot_commit(room.writer) == ""
        room.writer.committing_since = None
        assert commit_age_s(room.writer) == 0.0

    in_room(story)


def test_the_console_gets_facts() -> None:
    async def story(room: Room) -> None:
        await room.send(out_of_scope(1), denied(2))
        room.daemon.parts.sources = {"mqtt": lambda: ""}
        facts = room.daemon.status()
        assert facts["rules"] == 2
        assert facts["alerts"] == 1
        assert facts["outcomes"] == {"matched": 2, "unmatched": 0, "duplicate": 0, "rejected": 0}
        assert facts["sources"] == {"mqtt": "ok"}
        assert room.daemon.intake is room.crank
        assert room.daemon.store is room.store

    in_room(story)
