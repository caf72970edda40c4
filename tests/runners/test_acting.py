"""Wishes become inputs of the journal, and are answered when durable."""

import asyncio
from dataclasses import replace

from rulesd.model.decision import SwitchChanged
from rulesd.model.inputs import SwitchSet
from rulesd.model.reasons import Reason
from rulesd.ports.acting import Completed, Wish
from rulesd.runners.acting import LocalActing
from tests.core.plans import T0
from tests.runners.room import BOTH, Room, in_room
from tests.web.acting import LOCK

PLAN = replace(BOTH, switches={"lock_tool": LOCK})
WISH = Wish(
    switch="lock_tool", by="ana", reason="r", labels={"tool": "shell", "tenant": "acme"}, value=False
)  # fmt: skip


def test_a_wish_is_in_the_journal_and_its_answer_is_the_decision() -> None:
    async def story(room: Room) -> None:
        acting = LocalActing(room.crank)
        before = acting.version
        done = await acting.set(WISH)
        assert done.reason is Reason.SET
        assert done.setting is not None
        assert [s.id for s in acting.settings()] == [done.setting.id]
        assert acting.version > before
        kinds = [row.kind for _, row in room.store.tail(0)]
        assert kinds.count("switch") == 1
        again = await acting.set(WISH)
        assert (again.reason, again.setting) == (Reason.SET_AGAIN, acting.settings()[0])
        over = await acting.revert(done.setting.id, "bo", "over")
        assert over.reason is Reason.REVERTED
        assert list(acting.settings()) == []
        assert acting.history()[0].ended_by == "bo"

    in_room(story, made=PLAN)


def test_what_is_not_there_and_what_is_over() -> None:
    async def story(room: Room) -> None:
        acting = LocalActing(room.crank)
        assert (await acting.set(replace(WISH, switch="none"))).reason is None
        assert (await acting.revert("none", "bo", "")).reason is None
        done = await acting.set(WISH)
        assert done.setting is not None
        assert (
            await acting.approve(done.setting.id, "bo")
        ).refused == "it is not waiting for approval"
        await acting.revert(done.setting.id, "bo", "")
        again = await acting.revert(done.setting.id, "bo", "")
        assert again.refused.startswith("it has ended already: reverted at ")
        late = await acting.approve(done.setting.id, "bo")
        assert late.refused.startswith("it is not waiting for approval: reverted at ")
        refused = await acting.set(replace(WISH, value="no"))
        assert refused.refused == "the value has another type than the switch"
        assert await acting.complete("none", "ana", "fixed", "", "") is Completed.UNKNOWN

    in_room(story, made=PLAN)


def test_a_setting_that_is_not_durable_is_not_shown() -> None:
    async def story(room: Room) -> None:
        acting = LocalActing(room.crank)
        version = acting.version
        item = SwitchSet(id="w1", switch="lock_tool", by="a", reason="r", labels=WISH.labels)
        _, durable = room.crank.turn(item)
        assert "w1" in room.engine.switches.open
        assert (list(acting.settings()), acting.version) == ([], version)
        found = acting.table.verdict("tool.shell.enabled", {"tenant": "acme"})
        assert found is not None
        assert found.value is True
        await durable
        assert [s.id for s in acting.settings()] == ["w1"]
        room.crank._show(_failed(), room.engine.switches.shown())
        assert acting.version == version + 1

    in_room(story, made=PLAN)


def _failed() -> "asyncio.Future[None]":
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    return future


def test_an_answer_is_about_the_wish_and_not_about_what_was_due_before_it() -> None:
    async def story(room: Room) -> None:
        acting = LocalActing(room.crank)
        first = await acting.set(replace(WISH, ttl=1_000))
        room.clock.at += 2_000
        second = await acting.set(replace(WISH, labels={**WISH.labels, "tenant": "globex"}))
        assert first.setting is not None
        assert second.setting is not None
        assert (second.reason, second.setting.scope) == (Reason.SET, {"tenant": "globex"})
        assert [s.id for s in acting.history()] == [first.setting.id]
        room.clock.at += 8 * 3_600_000
        late = await acting.revert(second.setting.id, "bo", "")
        assert late.refused.startswith("it has ended already: expired at ")

    in_room(story, made=PLAN)


def test_asking_again_is_answered_with_the_setting_that_stands_and_no_wider_one() -> None:
    async def story(room: Room) -> None:
        acting = LocalActing(room.crank)
        wide = await acting.set(replace(WISH, labels={"tool": "shell"}))
        assert wide.setting is not None
        assert (await acting.approve(wide.setting.id, "bo")).reason is Reason.APPROVED
        narrow = await acting.set(WISH)
        again = await acting.set(WISH)
        assert narrow.setting is not None
        assert again.setting is not None
        assert again.setting.id == narrow.setting.id != wide.setting.id

    in_room(story, made=PLAN)


def test_only_people_and_waiting_for_a_change() -> None:
    async def story(room: Room) -> None:
        acting = LocalActing(room.crank)
        await acting.only_people(True, "ana", "exercise")
        assert acting.humans_only
        assert not await acting.changed(acting.version, 0.0)
        waiting = asyncio.ensure_future(acting.changed(acting.version, 5.0))
        await asyncio.sleep(0)
        await acting.set(WISH)
        assert await waiting

    in_room(story, made=PLAN)


def test_the_table_is_the_same_after_a_restart() -> None:
    async def story(room: Room) -> None:
        acting = LocalActing(room.crank)
        await acting.set(WISH)
        await room.crank.checkpoint()
        changed = [d for d in room.engine.handle_timer(T0 + 30_000) if isinstance(d, SwitchChanged)]
        assert [d.reason for d in changed] == [Reason.SETTLED]
        found = acting.table.verdict("tool.shell.enabled", {"tenant": "acme"})
        assert found is not None
        assert found.value is False

    in_room(story, made=PLAN)
