"""Overrides of the running daemon: what is refused, what is on record, and that a journal decides the same again."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from rulesd.config import load_files
from rulesd.config.duty_checks import gaps
from rulesd.core.engine import Engine, Limits
from rulesd.model.instant import HOUR, MINUTE
from rulesd.model.oncall import OnCallOverride
from rulesd.ports.oncall import OverrideRefusal, OverrideResult
from rulesd.runners import oncall
from rulesd.runners.recovery import recover
from rulesd.runners.replay import replay_journal
from tests.config.testing import files
from tests.core.crew import crew, shifts
from tests.core.plans import T0, rule
from tests.model.test_oncall import override
from tests.runners.room import Room, in_room, out_of_scope

PLAN = crew(
    rule("tool.scope"), schedule="main", schedules={"main": shifts("anna", "ben"), "spare": shifts("ben")}
)  # fmt: skip


def wish(**changes: Any) -> OnCallOverride:
    return override(**{"id": "", "begins": T0, "ends": T0 + 4 * HOUR, **changes})


async def made(room: Room, **changes: Any) -> OnCallOverride:
    done = await room.daemon.oncall.override(wish(**changes))
    assert done.override is not None, done.message
    return done.override


def forward(room: Room, milliseconds: int) -> None:
    room.clock.at += milliseconds
    room.crank._wake()


def test_who_is_on_call_and_why() -> None:
    async def story(room: Room) -> None:
        one = await made(room)
        main, spare = room.daemon.oncall.who(T0 + HOUR)
        assert (main.schedule, main.people, main.override) == ("main", ("ben",), one.id)
        assert (main.until, main.owners, main.zone) == (T0 + 4 * HOUR, ("safety",), "UTC")
        assert (spare.schedule, spare.people, spare.until, spare.owners, spare.override) == (
            "spare", ("ben",), None, (), "",
        )  # fmt: skip
        assert room.daemon.oncall.who(T0 + 5 * HOUR)[0].people == ("anna",)
        assert room.daemon.oncall.who(T0 + 5 * HOUR)[0].override == ""
        later = await made(room, begins=T0 + 2 * HOUR, ends=T0 + 3 * HOUR, people=("anna",))
        assert room.daemon.oncall.who(T0 + 2 * HOUR)[0].override == later.id
        assert [r.id for r in room.daemon.oncall.overrides()] == [one.id, later.id]
        assert room.daemon.oncall.zone("main") == "UTC"
        assert room.daemon.oncall.zone("gone") == "UTC"

    in_room(story, made=PLAN)


def test_pages_go_to_whoever_stands_in_and_it_is_forgotten_after_its_time() -> None:
    async def story(room: Room) -> None:
        room.clock.at = T0 + 1
        one = await made(room, begins=T0 - HOUR)
        assert (one.begins, one.made_at, one.by) == (T0 + 1, T0 + 1, "ana")
        await room.send(out_of_scope("x"))
        assert {r.receiver for r in room.courier.rows} == {"ben-phone"}
        forward(room, 4 * HOUR)
        assert room.daemon.oncall.overrides() == []
        room.courier.rows.clear()
        await room.send(out_of_scope("y", T0 + 4 * HOUR, tenant="globex"))
        assert "anna-phone" in {r.receiver for r in room.courier.rows}

    room = in_room(story, made=PLAN)
    (row,) = [row for _, row in room.store.tail(0) if row.kind == "oncall_override"]
    said = orjson.loads(row.payload)["override"]
    assert (said["by"], said["made_at"], said["reason"]) == (
        "ana",
        T0 + 1,
        "a doctor's appointment",
    )


@pytest.mark.parametrize(
    ("changes", "refused", "words"),
    [
        ({"schedule": "gone"}, OverrideRefusal.SCHEDULE, "There are: main, spare"),
        ({"people": ("ben", "stranger")}, OverrideRefusal.PERSON, "There are: anna, ben, nemo"),
        ({"people": ("nemo",)}, OverrideRefusal.RECEIVER, "nemo has no default receiver"),
        ({"ends": T0}, OverrideRefusal.PAST, "in the future"),
        ({"begins": T0 + 2, "ends": T0 + 1}, OverrideRefusal.TIMES, "ends before it begins"),
        ({"ends": T0 + 367 * 24 * HOUR}, OverrideRefusal.LONG, "owners.yaml"),
    ],
)
def test_what_is_refused(changes: Any, refused: OverrideRefusal, words: str) -> None:
    async def story(room: Room) -> None:
        done = await room.daemon.oncall.override(wish(**changes))
        assert (done.override, done.refused) == (None, refused)
        assert words in done.message

    assert "oncall_override" not in in_room(story, made=PLAN).kinds()


def test_there_may_be_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oncall, "MOST", 2)

    async def story(room: Room) -> None:
        await made(room)
        await made(room, schedule="spare")
        done = await room.daemon.oncall.override(wish(people=("anna",)))
        assert done.refused is OverrideRefusal.LIMIT

    in_room(story, made=PLAN)


def test_saying_it_twice_and_taking_it_back_twice() -> None:
    async def story(room: Room) -> None:
        one = await made(room)
        room.clock.at += MINUTE
        assert await room.daemon.oncall.override(wish()) == OverrideResult(
            override=one, already=True
        )
        assert await room.daemon.oncall.remove(one.id, "jo")
        assert not await room.daemon.oncall.remove(one.id, "jo")
        assert not await room.daemon.oncall.remove("never", "jo")

    kinds = in_room(story, made=PLAN).kinds()
    assert [k for k in kinds if k.startswith("oncall")] == ["oncall_override", "oncall_removed"]


def test_long_lists_of_names_are_cut() -> None:
    people = {f"p{n:02}": replace(PLAN.people["anna"], name=f"p{n:02}") for n in range(25)}

    async def story(room: Room) -> None:
        done = await room.daemon.oncall.override(wish())
        assert done.message.endswith("p18, p19 and 5 more")

    in_room(story, made=replace(PLAN, people=people))


def test_a_journal_with_overrides_decides_the_same_again_and_they_survive_a_kill() -> None:
    for checkpointed in (False, True):

        async def story(room: Room, checkpointed: bool = checkpointed) -> None:
            await room.send(out_of_scope("x"))
            await made(room, ends=T0 + 2 * HOUR)
            other = await made(room, begins=T0 + HOUR, ends=T0 + 30 * HOUR, people=("anna",))
            forward(room, 10 * MINUTE)
            await room.send(out_of_scope("y", T0 + 10 * MINUTE, tenant="globex"))
            if checkpointed:
                await room.crank.checkpoint()
            forward(room, 5 * HOUR)
            await room.send(out_of_scope("z", T0 + 5 * HOUR, tenant="initech"))
            if not checkpointed:
                await room.daemon.oncall.remove(other.id, "jo")

        room = in_room(story, made=PLAN)
        out: list[bytes] = []
        replay_journal(room.store, lambda archive: PLAN, out.append)
        assert [line.rstrip(b"\n") for line in out] == room.log()
        told = [orjson.loads(line) for line in out]
        assert [d["reason"] for d in told].count("hand_over") >= 2
        store = room.store
        store.close()
        engine = recover(store, store.open(), PLAN, Limits(), lambda archive: PLAN).engine
        assert isinstance(engine, Engine)
        assert engine.small_state() == room.engine.small_state()
        assert engine.paging.stand_ins.rows == room.engine.paging.stand_ins.rows
        assert len(engine.paging.stand_ins.rows) == int(checkpointed)
        at = room.clock.at
        assert engine.plan.schedules["main"].on_call(at) == ("anna",)


def test_it_goes_before_the_overrides_of_the_file_and_the_checks_of_the_file_know_nothing_of_it() -> (
    None
):
    owners = b"""
owners:
  team: {schedule: main, receivers: {default: inbox}}
people:
  anna: {receivers: {default: inbox}}
  ben: {receivers: {default: hole}}
  chris: {receivers: {default: inbox}}
schedules:
  main:
    timezone: Europe/Berlin
    rota: {people: anna, from: 2026-01-01T00:00, hours: {from: "08:00", to: "20:00"}}
    overrides: [{from: 2026-01-05T09:00, to: 2026-01-05T18:00, who: chris}]
"""
    at_home = files({"notifiers/owners.yaml": owners.decode()})
    plan = load_files(at_home).plan
    assert plan is not None
    before = [str(p) for p in gaps(at_home, plan, T0)]
    assert before

    async def story(room: Room) -> None:
        # T0 is nine in Berlin: the file has chris until six, and nobody at night.
        assert [d.people for d in room.daemon.oncall.who(T0)] == [("chris",)]
        await made(room, begins=T0 + 2 * HOUR, ends=T0 + 20 * HOUR)
        who = {h: room.daemon.oncall.who(T0 + h * HOUR)[0].people for h in (1, 2, 10, 15, 20, 24)}
        assert who == {
            1: ("chris",), 2: ("ben",), 10: ("ben",), 15: ("ben",), 20: (), 24: ("anna",),
        }  # fmt: skip
        assert [str(p) for p in gaps(at_home, plan, T0)] == before

    in_room(story, made=plan)
