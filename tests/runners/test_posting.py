"""Alerts of other systems at the daemon: durable before they are answered, in slices, under the limits of events."""

import asyncio
import gc
from dataclasses import replace

import pytest

from rulesd.core.engine import Engine, Limits
from rulesd.core.plan import Owner
from rulesd.model.errors import StoreError
from rulesd.model.fingerprint import fingerprint
from rulesd.model.inputs import AlertsPosted, PostedAlert
from rulesd.model.instant import MINUTE
from rulesd.ports.intake import Overloaded
from rulesd.runners import codec, posting
from rulesd.runners import crank as crank_module
from rulesd.runners.housekeeping import Gauges, Lag
from rulesd.runners.recovery import recover
from tests.core.plans import T0
from tests.runners.room import BOTH, Room, in_room, out_of_scope


def post(name: str = "Disk", *, ends: int = T0 + 5 * MINUTE, **labels: str) -> PostedAlert:
    return PostedAlert(
        labels={"alertname": name, **labels},
        starts_at=T0,
        ends_at=ends,
        annotations={"summary": f"{name} is full"},
        generator_url="http://prometheus/graph",
    )


def posted(room: Room) -> list[AlertsPosted]:
    """Every post in the journal."""
    rows = [row for _, row in room.store.tail(0) if row.kind == "posted"]
    return [item for item in map(codec.read_input, rows) if isinstance(item, AlertsPosted)]


def test_what_is_posted_is_durable_and_fires() -> None:
    async def story(room: Room) -> None:
        await room.daemon.post_alerts([post(), post("Net")], "prometheus")
        assert sorted(a.rule for a in room.daemon.alerts()) == ["Disk", "Net"]

    room = in_room(story)
    (item,) = posted(room)
    assert item.by == "prometheus"
    assert item.alerts == (post(), post("Net"))
    firing = [row for row in room.store.read_decisions(limit=10) if row.kind == "alert.firing"]
    assert [row.rule for row in firing] == ["Disk", "Net"]


def test_nothing_posted_is_no_input() -> None:
    async def story(room: Room) -> None:
        await room.daemon.post_alerts([], "prometheus")

    assert posted(in_room(story)) == []


def test_a_large_post_is_taken_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SLICE", 2)

    async def story(room: Room) -> None:
        turns = 0

        async def somebody_else() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(somebody_else())
        await room.daemon.post_alerts([post(n=str(n)) for n in range(7)], "prometheus")
        other.cancel()
        assert turns >= 4
        assert len(room.daemon.alerts()) == 7

    sizes = [len(item.alerts) for item in posted(in_room(story))]
    assert sizes == [2, 2, 2, 1]


def test_a_daemon_that_cannot_take_more_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crank_module, "MOST_WAITING", 3)

    async def story(room: Room) -> None:
        room.writer.failing = StoreError("the disk is full")
        with pytest.raises(Overloaded, match="Nothing was taken"):
            await room.daemon.post_alerts([post()], "prometheus")
        room.writer.failing = None
        first = asyncio.create_task(room.daemon.post_alerts([post(n="1"), post(n="2")], "p"))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="too many"):
            await room.daemon.post_alerts([post(n="3"), post(n="4")], "p")
        await first
        await room.daemon.post_alerts([post(n="3")], "p")

    assert [len(item.alerts) for item in posted(in_room(story))] == [2, 1]


def test_a_store_that_does_not_commit_in_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crank_module, "COMMIT_DEADLINE_S", 0.05)

    async def story(room: Room) -> None:
        commit = room.store.commit
        room.store.commit = lambda _: (_ for _ in ()).throw(StoreError("not now"))
        with pytest.raises(Overloaded, match="not committed in time"):
            await room.daemon.post_alerts([post()], "prometheus")
        room.store.commit = commit

    in_room(story)


def test_many_posts_are_checkpointed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crank_module, "CHECKPOINT_KEYS", 3)

    async def story(room: Room) -> None:
        await room.daemon.post_alerts([post(n=str(n)) for n in range(3)], "prometheus")
        assert room.crank.unsaved == 0

    room = in_room(story)
    room.store.close()
    known = room.store.open()
    engine: Engine = recover(room.store, known, BOTH, Limits(), lambda _: BOTH).engine
    assert len(engine.alerts()) == 3


def test_how_alerts_and_groups_stand() -> None:
    async def story(room: Room) -> None:
        await room.daemon.post_alerts([post()], "prometheus")
        (alert,) = room.daemon.alerts()
        standing = room.daemon.standing(alert)
        assert (standing.state, standing.receivers) == ("active", (BOTH.root.receiver,))
        (group,) = room.daemon.groups()
        assert [one.rule for one in group.alerts] == ["Disk"]

    in_room(story)


def test_what_is_said_of_alerts() -> None:
    made = replace(BOTH, owners={**BOTH.owners, "x": Owner(name="x")})

    async def story(room: Room) -> None:
        await room.daemon.post_alerts([post()], "prometheus")
        await room.send(out_of_scope(1))
        own, other = sorted(room.daemon.alerts(), key=lambda a: a.foreign is not None)
        assert room.daemon.described(other) == (
            {"summary": "Disk is full"},
            "http://prometheus/graph",
        )
        annotations, url = room.daemon.described(own)
        assert annotations["summary"]
        assert annotations["value"].startswith("1")
        assert url == ""

    in_room(story, made=made)


def test_the_collector_is_told_of_growth_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SETTLED", 3)
    told: list[int] = []
    monkeypatch.setattr(gc, "freeze", lambda: told.append(1))

    async def story(room: Room) -> None:
        for count, expected in ((2, 0), (3, 1), (5, 1), (6, 2)):
            await room.daemon.post_alerts([post(n=str(n)) for n in range(count)], "p")
            assert len(told) == expected
        for _ in range(5):  # what is sent again is known
            await room.daemon.post_alerts([post(n=str(n)) for n in range(6)], "p")
        assert len(told) == 2

    in_room(story)


def test_they_are_counted_with_our_own() -> None:
    async def story(room: Room) -> None:
        await room.daemon.post_alerts([post(), post("Net"), post("Over", ends=T0 - 1)], "p")
        await room.send(out_of_scope(1))
        Gauges(room.meter).update(room.engine, Lag())
        shown = room.meter.registry.get_sample_value
        assert shown("rulesd_alerts", {"state": "firing"}) == 3
        assert shown("rulesd_alerts", {"state": "pending"}) == 0

    in_room(story)


def known(one: PostedAlert) -> PostedAlert:
    """As the door gives it on."""
    return replace(one, fingerprint=fingerprint(one.labels))


def test_what_is_known_as_it_was_posted_is_written_down_by_its_times_alone() -> None:
    one, two = known(post("Disk")), known(post("Net"))
    later = replace(one, ends_at=T0 + 9 * MINUTE)
    said = replace(later, annotations={"summary": "worse"})

    async def story(room: Room) -> None:
        await room.daemon.post_alerts([one, two], "p")
        await room.daemon.post_alerts([later, two], "p")
        await room.daemon.post_alerts(
            [said, later],  # The second does not find its words any more.
            "p",
        )
        (disk,) = [a for a in room.daemon.alerts() if a.rule == "Disk"]
        assert disk.foreign is not None
        assert disk.foreign.annotations == {"summary": "Disk is full"}
        assert disk.foreign.ends_at == T0 + 9 * MINUTE

    room = in_room(story)
    first, again, third = posted(room)
    assert first.alerts == (one, two)
    assert [a.labels for a in again.alerts] == [{}, {}]
    assert again.alerts[0].ends_at == T0 + 9 * MINUTE
    assert third.alerts == (said, later)
    sizes = [len(row.payload) for _, row in room.store.tail(0) if row.kind == "posted"]
    assert sizes[1] < sizes[0] / 2
    other = Engine(BOTH, Limits())
    for _, row in room.store.tail(0):
        other.receive(codec.read_input(row), row.now)
    assert other.foreign.known == room.engine.foreign.known


@pytest.mark.parametrize(
    "changed", [{"generator_url": "http://other"}, {"annotations": {}}, {"labels": {"a": "b"}}]
)
def test_what_brings_other_words_is_written_down_whole(changed: dict[str, object]) -> None:
    one = known(post())
    other = replace(one, **changed)  # type: ignore[arg-type]

    async def story(room: Room) -> None:
        await room.daemon.post_alerts([one], "p")
        await room.daemon.post_alerts([other], "p")

    assert posted(in_room(story))[1].alerts == (other,)
