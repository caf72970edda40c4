"""Calls that were done before."""

import asyncio

from rulesd.model.instant import MINUTE
from rulesd.web.hook_replay import KEEP_MINUTES, MOST_A_MINUTE, PREFIX, Replays
from tests.web.fakes import NOW, FakeDaemon


def test_remembered_over_a_restart_and_by_hook() -> None:
    async def story() -> None:
        daemon = FakeDaemon()
        replays = Replays(daemon)
        assert not replays.done("a", "call-1")
        await replays.remember("a", "call-1", NOW)
        assert replays.done("a", "call-1")
        assert not replays.done("b", "call-1")
        assert Replays(daemon).done("a", "call-1")
        assert "call-1" not in str(daemon.store.kept)

    asyncio.run(story())


def test_forgotten_when_it_cannot_matter() -> None:
    async def story() -> None:
        daemon = FakeDaemon()
        replays = Replays(daemon)
        await replays.remember("a", "old", NOW)
        await replays.remember("a", "young", NOW + 10 * MINUTE)
        assert replays.done("a", "old")  # a stamp 5 minutes ahead is good for 10 minutes
        await replays.remember("a", "now", NOW + (KEEP_MINUTES + 1) * MINUTE)
        assert not replays.done("a", "old")
        assert len(daemon.store.settings(PREFIX)) == 2

    asyncio.run(story())


def test_one_at_a_time_and_bounded() -> None:
    async def story() -> None:
        replays = Replays(FakeDaemon())
        assert replays.begin("a", "x")
        assert not replays.begin("a", "x")
        assert replays.begin("b", "x")
        replays.end("a", "x")
        assert replays.begin("a", "x")
        assert replays.room("a", NOW)
        for n in range(MOST_A_MINUTE):
            await replays.remember("a", str(n), NOW)
        assert not replays.room("a", NOW)
        assert replays.room("a", NOW + MINUTE)

    asyncio.run(story())
