"""The page about a store that cannot commit: past the outbox, once, and again every hour."""

import asyncio
import time

from rulesd.core.plan import ChannelSpec, Receiver
from rulesd.model.errors import StoreError
from rulesd.notify.compose import NoLinks
from rulesd.runners.emergency import AGAIN, PATIENCE, RULE, Emergency, due_for, pages
from tests.core.plans import T0, plan, rule
from tests.runners.room import BOTH, Room, in_room


def with_channels(made=BOTH):
    from dataclasses import replace

    specs = tuple(
        ChannelSpec(receiver="default", kind="webhook", name=f"webhook[{n}]", settings={}, send_resolved=True,
                    for_people=False, per_alert=True, updates_in_place=False)
        for n in range(2)
    )  # fmt: skip
    return replace(
        made, receivers={**made.receivers, "default": Receiver(name="default", channels=specs)}
    )


def test_it_is_patient_then_tells_once_and_again_after_an_hour() -> None:
    async def story(room: Room) -> None:
        emergency = Emergency(room.daemon, room.daemon.parts)
        assert not emergency.look(T0)
        room.writer.failing = StoreError("the disk is full")
        assert not emergency.look(T0)
        assert not emergency.look(T0 + PATIENCE - 1)
        assert emergency.look(T0 + PATIENCE)
        assert not emergency.look(T0 + PATIENCE + 1)
        assert not emergency.look(T0 + PATIENCE + AGAIN - 1)
        assert emergency.look(T0 + PATIENCE + AGAIN)
        room.writer.failing = None
        assert not emergency.look(T0 + 2 * AGAIN)
        room.writer.failing = StoreError("again")
        assert not emergency.look(T0 + 3 * AGAIN)  # patience begins afresh
        assert emergency.look(T0 + 3 * AGAIN + PATIENCE)
        room.writer.failing = None

    in_room(story)


def test_a_commit_that_does_not_end_is_an_emergency_too() -> None:
    async def story(room: Room) -> None:
        emergency = Emergency(room.daemon, room.daemon.parts)
        room.writer.committing_since = time.monotonic() - 1
        emergency.look(T0)
        assert not emergency.look(T0 + PATIENCE)
        room.writer.committing_since = time.monotonic() - 60
        emergency.look(T0)
        assert emergency.look(T0 + PATIENCE)
        room.writer.committing_since = None

    in_room(story)


def test_every_channel_is_told_at_once_and_a_hanging_one_delays_none() -> None:
    async def story(room: Room) -> None:
        emergency = Emergency(room.daemon, room.daemon.parts)
        room.writer.failing = StoreError("the disk is full")
        emergency.look(T0)
        gate, asked = asyncio.Event(), 0

        async def answers() -> None:
            nonlocal asked
            asked += 1
            if asked == 1:
                await gate.wait()

        room.courier.answers = answers
        task = asyncio.create_task(emergency.tell(T0 + PATIENCE))
        while len(room.courier.tried) < 1:
            await asyncio.sleep(0.001)
        assert not task.done()
        gate.set()
        await task
        assert len(room.courier.tried) == 2
        room.writer.failing = None

    in_room(story, made=with_channels())


def test_the_page_is_the_built_in_rules_own_with_owner_and_runbook() -> None:
    made = with_channels(plan(rule(RULE), rule("tool.scope")))
    due = due_for(made, T0, T0 + PATIENCE)
    (told,) = due.alerts
    assert (told.alert.rule, told.alert.owner, told.alert.severity) == (RULE, "safety", "critical")
    assert told.alert.labels == {"component": "store", "status": "cannot_commit"}
    found = pages(due, made, NoLinks())
    assert [(receiver, channel) for receiver, channel, _ in found] == [
        ("default", "webhook[0]"),
        ("default", "webhook[1]"),
    ]
    page = found[0][2].alerts[0]
    assert page.owner == "safety"
    assert page.first_five_minutes
    assert page.runbook_title
    # The same incident until it is over, another after that.
    assert due_for(made, T0, T0 + AGAIN).incident == due.incident
    assert due_for(made, T0 + 1, T0 + AGAIN).incident != due.incident


def test_without_the_rule_somebody_is_told_all_the_same() -> None:
    due = due_for(BOTH, T0, T0)
    assert due.receiver == "default"
    assert due.alerts[0].alert.owner == "safety"
