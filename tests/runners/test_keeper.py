"""The second hand: it looks at everything, waits for nothing, and what is wrong becomes an event."""

import asyncio

import pytest

from rulesd.config.settings import Settings
from rulesd.model.errors import StoreError
from rulesd.model.instant import MINUTE, SECOND
from rulesd.runners import keeper as module
from rulesd.runners.housekeeping import Lag
from rulesd.runners.keeper import Keeper
from tests.core.plans import plan
from tests.runners.room import Room, denied, in_room, loaded

SETTINGS = Settings()


def told(room: Room) -> list[tuple[str, str, str]]:
    """(component, subject, status) of the events about rulesd in the journal."""
    import orjson

    out = []
    for _, row in room.store.tail(0):
        if row.kind == "event":
            document = orjson.loads(row.payload)[2]
            if document["source"] == "/rulesd":
                out.append(
                    (
                        document["data"]["component"],
                        document["data"]["subject"],
                        document["data"]["status"],
                    )
                )
    return out


async def ticks(room: Room, keeper: Keeper, seconds: int = 1) -> None:
    for _ in range(seconds):
        room.clock.at += SECOND
        await keeper.tick(Lag())
        if begun := list(keeper._running):
            await asyncio.wait(begun, timeout=0.1)  # not for ever: some stories hold the store
        for _ in range(10):
            await asyncio.sleep(0.001)


def kept(story):
    async def run(room: Room) -> None:
        await story(room, Keeper(room.daemon, room.daemon.parts, SETTINGS))

    return in_room(run)


def test_all_well_says_nothing() -> None:
    async def story(room: Room, keeper: Keeper) -> None:
        await ticks(room, keeper, 3)

    assert told(kept(story)) == []


def test_each_thing_that_would_make_rulesd_silent_is_told_and_its_end_too() -> None:
    async def story(room: Room, keeper: Keeper) -> None:
        room.courier.age = MINUTE + 1
        room.courier.bad = [("pager", "slack[0]")]
        room.daemon.refused = ("a problem",)
        room.daemon.loaded = loaded(plan())
        await ticks(room, keeper)
        assert told(room) == [
            ("outbox", "outbox", "stuck"),
            ("receiver", "pager/slack[0]", "failing"),
            ("rules", "rules", "none_loaded"),
            ("rule_set", "rules", "refused"),
        ]
        room.courier.age, room.courier.bad, room.daemon.refused = MINUTE, [], ()
        await ticks(room, keeper)
        assert [status for _, _, status in told(room)[4:]] == ["ok", "ok", "ok"]

    kept(story)


def test_a_source_is_silent_after_five_minutes_and_not_before() -> None:
    async def story(room: Room, keeper: Keeper) -> None:
        down = ["the connection was lost"]
        room.daemon.parts.sources = {"mqtt": lambda: down[0]}
        await ticks(room, keeper)
        room.clock.at += 5 * MINUTE - 2 * SECOND
        await ticks(room, keeper)
        assert told(room) == []
        down[0] = ""
        await ticks(room, keeper)
        down[0] = "lost again"
        await ticks(room, keeper)
        assert told(room) == []
        room.clock.at += 5 * MINUTE
        await ticks(room, keeper)
        assert told(room) == [("source", "mqtt", "silent")]

    kept(story)


def test_a_receiver_that_refused_a_page_for_good_is_failing_for_ten_minutes() -> None:
    async def story(room: Room, keeper: Keeper) -> None:
        room.daemon.given_up["pager", "slack[0]"] = room.clock.at
        await ticks(room, keeper)
        assert told(room) == [("receiver", "pager/slack[0]", "failing")]
        room.clock.at += module.GIVEN_UP
        await ticks(room, keeper)
        assert told(room)[1:] == [("receiver", "pager/slack[0]", "ok")]

    kept(story)


def test_what_the_full_disk_would_not_take_is_told_when_there_is_room() -> None:
    async def story(room: Room, keeper: Keeper) -> None:
        room.store.refuse = StoreError("the disk is full")
        waiting = asyncio.create_task(room.send(denied(1)))
        while room.writer.failing is None:
            await asyncio.sleep(0.001)
        room.courier.bad = [("pager", "slack[0]")]
        await ticks(room, keeper, 2)
        room.store.refuse = None
        await waiting
        await ticks(room, keeper, 2)
        assert told(room) == [("receiver", "pager/slack[0]", "failing")]

    kept(story)


def test_the_second_hand_does_not_wait_for_a_page_about_the_store(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(room: Room, keeper: Keeper) -> None:
        gate = asyncio.Event()

        async def tell(now: int) -> None:
            await gate.wait()
            raise RuntimeError("a fault in telling")

        keeper._emergency.tell = tell  # type: ignore[method-assign]
        keeper._emergency.look = lambda now: True  # type: ignore[method-assign]
        async with asyncio.timeout(2):
            await ticks(room, keeper, 2)
        assert len(keeper._running) == 2
        gate.set()
        while keeper._running:
            await asyncio.sleep(0.001)

    kept(story)
    assert "page about the store: failed" in caplog.text


def test_a_checkpoint_comes_five_seconds_after_the_last_when_there_is_something_to_save() -> None:
    async def story(room: Room, keeper: Keeper) -> None:
        await room.send(denied(1))
        await ticks(room, keeper, 4)
        assert room.crank.unsaved == 1
        await ticks(room, keeper, 1)
        assert room.crank.unsaved == 0
        commits = room.store.commits
        await ticks(room, keeper, 10)
        assert room.store.commits == commits  # nothing new, nothing written

    kept(story)


def test_what_is_older_than_the_retention_goes_once_a_minute() -> None:
    async def story(room: Room, keeper: Keeper) -> None:
        asked: list[int] = []
        compact = room.store.compact

        def seen(**limits: int) -> int:
            asked.append(limits["journal_before"])
            return int(compact(**limits))

        room.store.compact = seen
        for _ in range(3):
            room.clock.at += MINUTE
            await ticks(room, keeper)
            await room.writer.call(lambda: None)  # in order: what the tick asked for is done
        assert len(asked) == 3
        assert asked[-1] == room.clock.at - SETTINGS.retention
        room.writer.failing = StoreError("the disk is full")
        room.clock.at += MINUTE
        await ticks(room, keeper)
        room.writer.failing = None
        await room.writer.call(lambda: None)
        assert len(asked) == 3  # not while the disk is full of other trouble

    kept(story)


def test_a_compaction_that_fails_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async def story(room: Room, keeper: Keeper) -> None:
        def fails(**_: int) -> int:
            raise StoreError("a bad block")

        room.store.compact = fails
        room.clock.at += MINUTE
        await ticks(room, keeper)

    kept(story)
    assert "compaction failed: a bad block" in caplog.text


def test_gauges_are_brought_up_to_date() -> None:
    async def story(room: Room, keeper: Keeper) -> None:
        await room.send(denied(1))
        await ticks(room, keeper)
        assert room.meter.rules._value.get() == 2

    kept(story)
