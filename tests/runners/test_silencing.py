"""Silences at the daemon: Alertmanager's rules for making and changing them, and a second person's word."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from rulesd.config.matchers import matcher
from rulesd.config.schedule import schedule
from rulesd.core.engine import Engine, Limits
from rulesd.core.silence import KEPT, NEVER_LONGEST
from rulesd.core.silence_state import Did
from rulesd.model.instant import HOUR, MINUTE
from rulesd.model.silence import Silence, SilenceMatcher, SilenceState
from rulesd.ports.daemon import Done
from rulesd.ports.silences import SilenceRefusal
from rulesd.runners import silencing
from rulesd.runners.recovery import recover
from rulesd.runners.replay import replay_journal
from rulesd.runners.silencing import may_update, person
from tests.core.plans import T0
from tests.runners.room import BOTH, Room, denied, in_room, out_of_scope

PLAN = replace(BOTH, regex=lambda text: matcher("label", "=~", text).test, schedule=schedule)


def silence(**changes: Any) -> Silence:
    values: dict[str, Any] = {
        "id": "",
        "matchers": (SilenceMatcher(name="tenant", value="acme"),),
        "starts_at": T0,
        "ends_at": T0 + HOUR,
        "updated_at": 0,
        "created_by": "ana",
        "comment": "planned",
    }
    return Silence(**{**values, **changes})


def regex(value: str, *, is_equal: bool = True) -> tuple[SilenceMatcher, ...]:
    return (SilenceMatcher(name="tenant", value=value, is_regex=True, is_equal=is_equal),)


async def made(room: Room, by: str = "ana", **changes: Any) -> Silence:
    result = await room.daemon.set_silence(silence(**changes), by, whole=True)
    assert result.refused is None, result.message
    return find(room, result.id)


def find(room: Room, id_: str) -> Silence:
    record = room.engine.silences.find(id_)
    assert record is not None
    return record.silence


# ---------------------------------------------------------------------- making


def test_a_new_one_gets_an_id_and_never_begins_in_the_past() -> None:
    async def story(room: Room) -> None:
        one = await made(room, starts_at=T0 - HOUR, approved_by="nobody asked")
        assert len(one.id) == 36
        assert (one.starts_at, one.updated_at, one.approved_by) == (T0, T0, "")
        later = await made(room, starts_at=T0 + 5)
        assert [s.id for s in room.daemon.silences(T0)] == [one.id, later.id]
        assert room.daemon.silences(T0 + HOUR + KEPT) == []

    assert in_room(story, made=PLAN).kinds() == ["plan", "silence", "silence"]


BAD: list[tuple[dict[str, Any], SilenceRefusal, str]] = [
    (
        {"ends_at": T0},
        SilenceRefusal.TIMES,
        "Failed to create silence: start time must be before end time",
    ),
    (
        {"starts_at": T0 - HOUR, "ends_at": T0 - 1},
        SilenceRefusal.PAST,
        "Failed to create silence: end time can't be in the past",
    ),
    ({"id": "nobody"}, SilenceRefusal.UNKNOWN, "silence not found"),
    (
        {"matchers": ()},
        SilenceRefusal.INVALID,
        "silence invalid: at least one matcher required",
    ),
    (
        {"matchers": regex(".*")},
        SilenceRefusal.INVALID,
        "silence invalid: at least one matcher must not match the empty string",
    ),
    (
        {"matchers": (SilenceMatcher(name="a", value=""), *regex("b|"))},
        SilenceRefusal.INVALID,
        "silence invalid: at least one matcher must not match the empty string",
    ),
    ({"matchers": regex("(")}, SilenceRefusal.INVALID, "silence invalid: invalid label matcher 0: invalid regular"),
    ({"matchers": regex("(?=a)")}, SilenceRefusal.INVALID, "silence invalid: invalid label matcher 0: invalid regular"),
    (
        {"matchers": (SilenceMatcher(name="", value="x"),)},
        SilenceRefusal.INVALID,
        'silence invalid: invalid label matcher 0: invalid label name ""',
    ),
    (
        {"matchers": (SilenceMatcher(name="a", value="x" * 5_000),)},
        SilenceRefusal.INVALID,
        "silence invalid: invalid label matcher 0: a value is longer",
    ),
    (
        {"matchers": (SilenceMatcher(name="a", value="x"),) * 101},
        SilenceRefusal.INVALID,
        "silence invalid: more than 100 matchers",
    ),
    ({"comment": "x" * 5_000}, SilenceRefusal.INVALID, "silence invalid: a text is longer"),
    ({"lasts": HOUR}, SilenceRefusal.INVALID, "silence invalid: lasts and timezone belong"),
    ({"cron": "0 3 * * *"}, SilenceRefusal.INVALID, "silence invalid: a window needs a length"),
    ({"cron": "daily", "lasts": HOUR}, SilenceRefusal.INVALID, "silence invalid: 'daily' is no cron"),
    (
        {"cron": "0 3 * * *", "lasts": HOUR, "timezone": "Mars/Base"},
        SilenceRefusal.INVALID,
        "silence invalid: 'Mars/Base' is no time zone",
    ),
    (
        {"cron": "0 3 * * *", "lasts": HOUR, "end_on_resolve": True},
        SilenceRefusal.INVALID,
        "silence invalid: a silence either ends with its alerts or has windows",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "refused", "message"), BAD)
def test_what_cannot_be_is_refused_and_changes_nothing(
    changes: dict[str, Any], refused: SilenceRefusal, message: str
) -> None:
    async def story(room: Room) -> None:
        bad = silence(**changes)
        for result in (
            room.daemon.check_silence(bad),
            await room.daemon.set_silence(bad, "ana", whole=True),
        ):
            assert result.refused is refused
            assert result.message.startswith(message)
            assert result.id == ""

    assert in_room(story, made=PLAN).kinds() == ["plan"]


def test_a_check_changes_nothing() -> None:
    async def story(room: Room) -> None:
        # One matcher that speaks of something is enough; to exclude something counts, as in Alertmanager.
        for some in (
            (*silence().matchers, SilenceMatcher(name="tool", value="")),
            (SilenceMatcher(name="tool", value="x", is_equal=False),),
            regex("x.*", is_equal=False),
        ):
            assert room.daemon.check_silence(silence(matchers=some)).refused is None
        assert room.daemon.check_silence(silence()).refused is None

    assert in_room(story, made=PLAN).kinds() == ["plan"]


def test_there_may_be_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silencing, "MOST_LIVE", 2)
    monkeypatch.setattr(silencing, "MOST_KEPT", 3)

    async def story(room: Room) -> None:
        one, two = await made(room), await made(room)
        full = await room.daemon.set_silence(silence(), "ana")
        assert (full.refused, full.message) == (
            SilenceRefusal.LIMIT,
            "exceeded maximum number of silences: 2",
        )
        await room.daemon.expire_silence(one.id, "ana")
        await room.daemon.expire_silence(two.id, "ana")
        await made(room)
        full = await room.daemon.set_silence(silence(), "ana")
        assert full.message == "exceeded maximum number of silences: 3"

    in_room(story, made=PLAN)


# ---------------------------------------------------------------------- changing


@pytest.mark.parametrize(
    ("now", "changes", "may"),
    [
        (T0 + 5, {"ends_at": T0 + 6}, True),
        (T0 + 5, {"ends_at": T0 + 4}, False),
        (T0 + 5, {"starts_at": T0 + 1}, False),
        (T0 + 5, {"comment": "else"}, True),
        (T0 + 5, {"matchers": regex("acme")}, False),
        (T0 - 5, {"starts_at": T0 - 5}, True),
        (T0 - 5, {"starts_at": T0 - 6}, False),
        (T0 + HOUR, {"ends_at": T0 + 2 * HOUR}, False),
    ],
)
def test_what_may_change_in_place(now: int, changes: dict[str, Any], may: bool) -> None:
    before = silence(id="s")
    assert may_update(before, replace(before, **changes), now) is may


def test_a_change_in_place_keeps_the_id_and_another_ends_the_old_one() -> None:
    async def story(room: Room) -> None:
        one = await made(room)
        room.clock.at += MINUTE
        longer = replace(one, ends_at=T0 + 2 * HOUR)
        assert (await room.daemon.set_silence(longer, "bo")).id == one.id
        assert find(room, one.id).updated_at == T0 + MINUTE
        wider = replace(longer, matchers=regex("a.*"))
        other = (await room.daemon.set_silence(wider, "bo")).id
        assert other != one.id
        assert find(room, one.id).state(room.clock.at) is SilenceState.EXPIRED
        # One that is over is not ended again when another takes its place.
        again = (await room.daemon.set_silence(replace(wider, id=one.id), "bo")).id
        assert again not in (one.id, other)

    assert in_room(story, made=PLAN).kinds() == [
        "plan", "silence", "silence", "unsilence", "silence", "silence",
    ]  # fmt: skip


def test_a_door_that_cannot_say_windows_leaves_them_as_they_are() -> None:
    async def story(room: Room) -> None:
        one = await made(room, cron="0 3 * * *", lasts=HOUR, timezone="Europe/Berlin")
        plain = replace(one, cron="", lasts=0, timezone="", comment="else")
        assert (await room.daemon.set_silence(plain, "bo")).id == one.id
        assert find(room, one.id).cron == "0 3 * * *"
        await room.daemon.set_silence(plain, "bo", whole=True)
        assert find(room, one.id).cron == ""

    in_room(story, made=PLAN)


def test_ending_one() -> None:
    async def story(room: Room) -> None:
        one = await made(room)
        assert await room.daemon.expire_silence(one.id, "bo") is Done.DONE
        assert await room.daemon.expire_silence(one.id, "bo") is Done.ALREADY
        assert await room.daemon.expire_silence("nobody", "bo") is Done.UNKNOWN

    assert in_room(story, made=PLAN).kinds() == ["plan", "silence", "unsilence"]


# ---------------------------------------------------------------------- a second person


def test_nobody_approves_their_own() -> None:
    async def story(room: Room) -> None:
        one = await made(room, by="ops", created_by="Ana")
        await room.daemon.set_silence(replace(one, comment="else"), "bo (admin)")
        for who in ("ana", "ops", "ops (console)", "Bo", "ANA (x)", "admin"):
            result = await room.daemon.approve_silence(one.id, who)
            assert result.refused is SilenceRefusal.AUTHOR, who
        assert (await room.daemon.approve_silence(one.id, "jo (admin)")).id == one.id
        assert find(room, one.id).approved_by == "jo (admin)"
        # Again, by another or the same: it is approved.
        assert (await room.daemon.approve_silence(one.id, "kim")).id == one.id
        assert find(room, one.id).approved_by == "jo (admin)"

    in_room(story, made=PLAN)


def test_what_cannot_be_approved() -> None:
    async def story(room: Room) -> None:
        long = await made(room, ends_at=T0 + NEVER_LONGEST + 1)
        over = await made(room)
        await room.daemon.expire_silence(over.id, "ana")
        refused = [
            (await room.daemon.approve_silence(id_, "jo")).refused
            for id_ in (long.id, over.id, "nobody")
        ]
        assert refused == [SilenceRefusal.LONG, SilenceRefusal.OVER, SilenceRefusal.UNKNOWN]

    in_room(story, made=PLAN)


@pytest.mark.parametrize(
    ("changes", "stands"),
    [
        ({"comment": "else"}, True),
        ({"ends_at": T0 + MINUTE}, True),
        ({"ends_at": T0 + 2 * HOUR}, False),
        ({"cron": "0 3 * * *", "lasts": HOUR}, False),
    ],
)
def test_an_approval_stands_while_no_more_is_hidden(changes: dict[str, Any], stands: bool) -> None:
    async def story(room: Room) -> None:
        one = await made(room)
        await room.daemon.approve_silence(one.id, "jo")
        await room.daemon.set_silence(replace(find(room, one.id), **changes), "ana", whole=True)
        assert (find(room, one.id).approved_by == "jo") is stands
        # Who approved once may approve again what has changed since.
        assert (await room.daemon.approve_silence(one.id, "jo")).refused is None

    in_room(story, made=PLAN)


def test_another_in_its_place_is_not_approved() -> None:
    async def story(room: Room) -> None:
        one = await made(room)
        await room.daemon.approve_silence(one.id, "jo")
        wider = replace(find(room, one.id), matchers=regex("a.*"))
        other = await room.daemon.set_silence(wider, "ana")
        assert find(room, other.id).approved_by == ""

    in_room(story, made=PLAN)


def test_whom_a_name_stands_for() -> None:
    assert [person(by) for by in ("Ana (token)", "ana", "hook pd")] == ["ana", "ana", "hook pd"]


# ---------------------------------------------------------------------- what it does


def test_a_silence_holds_pages_back_and_says_what_it_hides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(silencing, "STRIDE", 1)

    async def story(room: Room) -> None:
        one = await made(room)
        room.clock.at += 1
        none = await made(room, matchers=(SilenceMatcher(name="tenant", value="else"),))
        await room.send(*[denied(n) for n in range(3)])
        await room.send(out_of_scope("x"))
        room.clock.at += MINUTE
        room.crank._wake()
        views = await room.daemon.silence_views(lambda s: True)
        assert [v.record.silence.id for v in views] == [none.id, one.id]
        idle, busy = views
        assert (busy.hides, busy.unapplied) == ({"tool.denied": 1}, {"tool.scope": 1})
        assert not busy.suits_never
        assert busy.record.held_back == 1
        assert (idle.hides, idle.unapplied, idle.record.held_back) == ({}, {}, 0)
        # What must never happen paged at once, silence or not; approved, it is held back.
        assert len(room.courier.rows) == 1
        await room.daemon.approve_silence(one.id, "jo")
        (view,) = await room.daemon.silence_views(lambda s: s.id == one.id)
        assert view.hides == {"tool.denied": 1, "tool.scope": 1}
        assert view.suits_never

    in_room(story, made=PLAN)


def test_a_journal_with_silences_decides_the_same_again() -> None:
    async def story(room: Room) -> None:
        one = await made(room, ends_at=T0 + HOUR)
        gone = await made(room, matchers=regex("glob.*"), end_on_resolve=True)
        await room.send(*[denied(n) for n in range(3)], out_of_scope("x"))
        await room.send(*[denied(f"g{n}", tenant="globex") for n in range(3)])
        for minutes in (1, 44, 10, 10, 200):
            room.clock.at += minutes * MINUTE
            room.crank._wake()
            await room.daemon.approve_silence(one.id, "jo")
        await room.daemon.expire_silence(gone.id, "jo")

    room = in_room(story, made=PLAN)
    out: list[bytes] = []
    replay_journal(room.store, lambda archive: PLAN, out.append)
    assert [line.rstrip(b"\n") for line in out] == room.log()
    reasons = {orjson.loads(line)["reason"] for line in out}
    assert {"silenced", "silence_ends_soon", "must_never_happen"} <= reasons


def test_silences_survive_a_kill() -> None:
    """From the journal alone, and from a checkpoint with what came after it."""
    for checkpointed in (False, True):

        async def story(room: Room, checkpointed: bool = checkpointed) -> None:
            one = await made(room, end_on_resolve=True)
            await room.send(*[denied(n) for n in range(3)])
            if checkpointed:
                await room.crank.checkpoint()
            await room.daemon.approve_silence(one.id, "jo")
            room.clock.at += MINUTE
            room.crank._wake()

        room = in_room(story, made=PLAN)
        store = room.store
        store.close()
        engine = recover(store, store.open(), PLAN, Limits(), lambda archive: PLAN).engine
        assert isinstance(engine, Engine)
        assert engine.silences.records() == room.engine.silences.records()
        (record,) = engine.silences.records()
        assert [a.did for a in record.acts] == [Did.CREATED, Did.APPROVED]
        assert record.held_back == 1
        assert engine.small_state() == room.engine.small_state()
