import asyncio
from typing import Any

from rulesd.ports.daemon import Done
from rulesd.ports.meter import Meter
from rulesd.ports.store import Commit, OutboxRow
from rulesd.runners.dead_letters import DeadLetters
from rulesd.runners.writer import Writer
from rulesd.stores.memory import MemoryStore
from tests.contracts.store import done, page


def play(story: Any) -> None:
    async def run() -> None:
        store = MemoryStore()
        store.open()
        store.commit(
            Commit(
                outbox=[page("n1"), page("n1", receiver="safety"), page("n2"), page("n3")],
                done=[
                    done("n1", "failed", attempts=3),
                    done("n1", "failed", receiver="safety"),
                    done("n2"),
                ],
            )
        )
        writer = Writer(store, Meter())
        writer.start()
        sent: list[OutboxRow] = []
        letters = DeadLetters(store, writer, deliver=sent.extend, now=lambda: 77)
        try:
            await story(store, letters, sent)
        finally:
            await writer.stop()

    asyncio.run(run())


def test_a_page_that_was_given_up_is_owed_again_with_its_id() -> None:
    async def story(store: MemoryStore, letters: DeadLetters, sent: list[OutboxRow]) -> None:
        assert await letters.redeliver("n1", "", "kim") is Done.DONE
        assert [(row.id, row.receiver, row.attempts) for row in sent] == [
            ("n1", "safety", 0),
            ("n1", "ops", 0),
        ]
        owed = {(row.id, row.receiver) for row in store.pending()}
        assert {("n1", "ops"), ("n1", "safety")} <= owed  # durable: a crash now loses nothing
        assert store.read_outbox(page="n1")[0][1].detail == "sent again by kim"  # type: ignore[union-attr]
        # Asking is no attempt; those that were made are still there.
        assert [one.number for one in store.read_attempts("n1")] == [3, 1]
        assert await letters.redeliver("n1", "", "kim") is Done.ALREADY
        assert len(sent) == 2

    play(story)


def test_only_what_was_given_up_and_only_to_whom_it_is_asked_for() -> None:
    async def story(store: MemoryStore, letters: DeadLetters, sent: list[OutboxRow]) -> None:
        for name, wanted in (("n2", Done.ALREADY), ("n3", Done.ALREADY), ("n9", Done.UNKNOWN)):
            assert await letters.redeliver(name, "", "kim") is wanted
        assert await letters.redeliver("n1", "nobody", "kim") is Done.UNKNOWN
        assert await letters.redeliver("n1", "safety", "kim") is Done.DONE
        assert [row.receiver for row in sent] == ["safety"]

    play(story)


def test_two_who_ask_at_once_send_it_once() -> None:
    async def story(store: MemoryStore, letters: DeadLetters, sent: list[OutboxRow]) -> None:
        asked = [letters.redeliver("n1", "ops", name) for name in ("kim", "lee")]
        assert sorted(await asyncio.gather(*asked)) == [Done.ALREADY, Done.DONE]
        assert len(sent) == 1

    play(story)
