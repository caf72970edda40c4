"""What the running daemon has learned: page by page, and the loop has its turn."""

import asyncio
from typing import Any

from rulesd.core.detectors.drift import Drift
from rulesd.core.engine import Engine, Limits
from rulesd.model.inputs import BaselinesRelearned
from rulesd.model.instant import MINUTE
from rulesd.ports.learning import Baselines, Place, Relearned
from rulesd.runners import learning
from rulesd.runners.learning import LocalLearning, find
from rulesd.runners.recovery import recover
from rulesd.runners.replay import replay_journal
from tests.core.plans import T0, event, field, plan, rule
from tests.core.test_baselines import learns, shift
from tests.runners.room import Room, in_room
from tests.web.acting import HandCrank
from tests.web.fakes import NOW


def seen(keys: int) -> HandCrank:
    crank = HandCrank()
    by = (field("tenant"), field("tool"))
    rules = (rule(f"t.{n}", detector=learns(), by=by) for n in "ab")
    crank.engine = Engine(plan(*rules, rule("t.never")))
    for n in range(keys):
        at = NOW + n
        crank.engine.receive(event(n, at, tenant=f"{n:04}", tool="sh"), at)
    return crank


def names(found: Baselines) -> list[str]:
    return [f"{one.rule} {one.labels['tenant']}" for one in found.rows]


def test_pages_go_from_rule_to_rule_and_end_where_nothing_is_left() -> None:
    async def story() -> None:
        local: Any = LocalLearning(seen(3))  # type: ignore[arg-type]
        assert local.rules() == ["t.a", "t.b"]
        assert local.labels("t.a") == ["tenant", "tool"]
        assert local.labels("t.never") == []
        first = await local.page("", {}, None, 4)
        assert names(first) == ["t.a 0000", "t.a 0001", "t.a 0002", "t.b 0000"]
        assert first.more == Place("t.b", ("0000", "sh"))
        rest = await local.page("", {}, first.more, 4)
        assert (names(rest), rest.more) == (["t.b 0001", "t.b 0002"], None)
        whole = await local.page("", {}, None, 6)
        assert (len(whole.rows), whole.more) == (6, None)
        exact = await local.page("", {}, None, 3)
        assert exact.more == Place("t.a", ("0002", "sh"))
        assert names(await local.page("t.b", {"tenant": "0001"}, None, 4)) == ["t.b 0001"]
        assert names(await local.page("", {"color": "red"}, None, 4)) == []
        assert names(await local.page("", {}, Place("t.gone", ()), 4)) == []

    asyncio.run(story())


def test_the_loop_has_its_turn_while_many_keys_are_looked_through(monkeypatch: Any) -> None:
    monkeypatch.setattr(learning, "SLICE", 100)
    monkeypatch.setattr(learning, "ROWS", 2)

    async def story() -> None:
        crank = seen(1_000)
        turns = 0
        done = False

        async def other() -> None:
            nonlocal turns
            while not done:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        found = await LocalLearning(crank).page("t.b", {}, None, 5)  # type: ignore[arg-type]
        done = True
        await task
        assert (len(found.rows), turns >= 11) == (5, True)

    asyncio.run(story())


def test_what_is_gone_by_its_turn_is_left_out(monkeypatch: Any) -> None:
    monkeypatch.setattr(learning, "SLICE", 2)

    async def story() -> None:
        crank = seen(6)
        book = crank.engine.detection.books[0]
        task = asyncio.create_task(LocalLearning(crank).page("t.a", {}, None, 9))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        book.forget(("0004", "sh"))
        assert names(await task) == [f"t.a {n:04}" for n in (0, 1, 2, 3, 5)]
        assert await find(book, {}) == [(f"{n:04}", "sh") for n in (0, 1, 2, 3, 5)]

    asyncio.run(story())


def test_asking_changes_nothing() -> None:
    async def story() -> None:
        crank = seen(20)
        crank.engine.handle_timer(NOW + 30 * MINUTE)
        before = crank.engine.snapshot()
        await LocalLearning(crank).page("", {}, None, 100)  # type: ignore[arg-type]
        assert crank.engine.snapshot() == before

    asyncio.run(story())


def test_keys_learn_afresh_in_parts_and_the_count_is_told(monkeypatch: Any) -> None:
    monkeypatch.setattr(learning, "PART", 2)

    async def story() -> None:
        crank = seen(5)
        local = LocalLearning(crank)  # type: ignore[arg-type]
        items: list[BaselinesRelearned] = []
        act = crank.act

        async def noting(*given: Any) -> Any:
            items.extend(given)
            return await act(*given)

        crank.act = noting  # type: ignore[method-assign]
        assert await local.relearn("t.a", {"tool": "sh"}, "ana", "r") == Relearned(5)
        assert [len(i.keys) for i in items] == [2, 2, 1]
        assert {(i.rule, i.by, i.reason) for i in items} == {("t.a", "ana", "r")}
        assert await local.relearn("t.b", {}, "ana", "r") == Relearned(5)
        assert len(crank.engine.detection.books[1]) == 0
        assert len(crank.engine.detection.books[0]) == 5

    asyncio.run(story())


def test_what_cannot_learn_afresh_says_why(monkeypatch: Any) -> None:
    monkeypatch.setattr(learning, "MOST", 4)

    async def story() -> None:
        crank = seen(5)
        local = LocalLearning(crank)  # type: ignore[arg-type]
        for name, labels, word in (
            ("t.none", {}, "unknown_rule"),
            ("t.never", {}, "unknown_rule"),
            ("t.a", {"tool": "py"}, "unknown_keys"),
            ("t.a", {"tool": "sh"}, "too_many_keys"),
        ):
            assert await local.relearn(name, labels, "ana", "r") == Relearned(0, word)
        pinned = Drift(
            field=field("v"),
            bins=None,
            top=5,
            baseline=MINUTE,
            budget=1.0,
            pinned=(("a", 0.5), ("b", 0.5)),
        )
        crank.engine = Engine(plan(rule("t.p", detector=pinned)))
        assert await local.relearn("t.p", {}, "ana", "r") == Relearned(0, "pinned")

    asyncio.run(story())


def test_a_replay_of_the_journal_learns_afresh_at_the_same_moment() -> None:
    made = plan(rule("t.shift", detector=shift(), on=("tool.call", "deploy.change")))

    async def story(room: Room) -> None:
        async def feed(start: int, end: int, often: int) -> None:
            for n in range(start, end):
                room.clock.at = T0 + n * MINUTE
                await room.send(event(f"e{n}", room.clock.at, bad=n % often == 0))

        await feed(0, 370, 10)
        local = LocalLearning(room.crank)
        assert await local.relearn("t.shift", {"tenant": "acme"}, "ana", "r") == Relearned(1)
        await room.send(event("d", room.clock.at, type_="deploy.change"))
        await feed(371, 390, 1)
        assert await local.relearn("t.shift", {}, "bo", "all of it") == Relearned(1)
        await feed(390, 400, 1)

    room = in_room(story, made=made)
    lines: list[bytes] = []
    replay_journal(room.store, lambda _: made, lines.append)
    assert [line.rstrip(b"\n") for line in lines] == room.log()
    kinds = [row.kind for row in room.store.read_decisions(limit=1_000)]
    assert kinds.count("baseline.changed") == 3


def test_a_whole_rule_that_was_had_forgotten_stays_forgotten_over_a_restart() -> None:
    made = plan(rule("t.shift", detector=shift()), rule("t.other", detector=shift()))

    async def story(room: Room) -> None:
        async def feed(start: int, end: int, tenant: str) -> None:
            for n in range(start, end):
                room.clock.at = T0 + n * MINUTE
                await room.send(event(f"{tenant}{n}", room.clock.at, tenant=tenant))

        await feed(0, 10, "acme")
        await feed(10, 20, "globex")
        await room.crank.checkpoint()
        await LocalLearning(room.crank).relearn("t.shift", {}, "ana", "r")
        await feed(20, 25, "acme")
        await room.crank.checkpoint()
        await feed(25, 30, "acme")

    room = in_room(story, made=made)
    store = room.store
    store.close()
    again = recover(store, store.open(), made, Limits(), lambda _: made).engine
    assert again.snapshot() == room.engine.snapshot()
    books = again.detection.books
    assert list(books[0].young) == [("acme",)]
    assert len(books[1]) == 2
