import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import pytest

from rulesd.model.notification import Delivery, Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.compose import encode_notification
from rulesd.ports.store import OutboxRow
from rulesd.runners.lane import ABREAST, LAST_RETRY, LONGEST_RETRY_AFTER, Lane, attempt, backoff
from tests.notify.samples import note
from tests.runners.virtual import Virtual, settle

D, R = DeliveryOutcome, DeliveryReason
PAGE = note()
OK = Delivery(outcome=D.DELIVERED, reason=R.OK)
BUSY = Delivery(outcome=D.RETRY, reason=R.SERVER_ERROR)
NO = Delivery(outcome=D.FAILED, reason=R.CLIENT_ERROR)


class Scripted:
    """A channel that answers as told, then well."""

    per_alert, for_people, send_resolved, deadline_s = False, True, True, 5.0

    def __init__(self, *answers: Delivery, kind: str = "webhook", always: Delivery = OK) -> None:
        self.name, self.kind, self.updates_in_place = f"{kind}[0]", kind, True
        self.answers, self.always = list(answers), always
        self.sent: list[tuple[int, str, Mapping[str, str]]] = []
        self.time: Virtual | None = None
        self.closed = False

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        assert self.time is not None
        self.sent.append((self.time.at, notification.id, dict(reference)))
        return self.answers.pop(0) if self.answers else self.always

    async def close(self) -> None:
        self.closed = True

    @property
    def ids(self) -> list[str]:
        return [i for _, i, _ in self.sent]


def row(
    id_: str, priority: int = 0, created: int = 0, incident: str = "", **page: object
) -> OutboxRow:
    notification = replace(PAGE, id=id_, incident=incident or id_, **page)  # type: ignore[arg-type]
    return OutboxRow(
        id=id_,
        receiver="oncall",
        channel="webhook[0]",
        incident=notification.incident,
        priority=priority,
        created=created,
        body=encode_notification(notification),
    )


class Bench:
    """A lane on virtual time, with what it said."""

    def __init__(self, channel: Scripted) -> None:
        self.time = Virtual()
        channel.time = self.time
        self.channel = channel
        self.finished: list[tuple[str, D, int, int]] = []
        self.details: list[str] = []
        self.health: list[bool] = []
        self.lane = Lane(
            "oncall",
            channel,
            finish=self._finish,
            reference=self._reference,
            health=lambda lane, _: self.health.append(not lane.open),
            now=self.time.now,
            sleep=self.time.sleep,
            jitter=lambda: 0.5,
        )

    def _finish(
        self,
        lane: Lane,
        row: OutboxRow,
        page: Notification | None,
        result: Delivery,
        attempts: int,
        next_at: int,
    ) -> None:
        del lane, page
        self.finished.append((row.id, result.outcome, attempts, next_at))
        self.details.append(result.detail)

    async def _reference(self, row: OutboxRow, channel: object) -> Mapping[str, str]:
        del row, channel
        return {}


def play(channel: Scripted, story: Callable[[Bench], Awaitable[None]]) -> Bench:
    bench = Bench(channel)

    async def run() -> None:
        task = asyncio.create_task(bench.lane.run())
        await story(bench)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    return bench


def test_backoff_starts_at_a_second_doubles_and_stops_at_five_minutes() -> None:
    assert [backoff(n, 0.5) for n in (1, 2, 3, 4)] == [1_000, 2_000, 4_000, 8_000]
    assert backoff(50, 0.5) == LAST_RETRY
    assert (backoff(1, 0.0), backoff(1, 0.999)) == (750, 1_249)


def test_pages_leave_at_once_worst_first() -> None:
    async def story(bench: Bench) -> None:
        for one in (row("low", 3), row("new", 0, 9), row("old", 0, 5)):
            bench.lane.add(one)
        await settle()

    bench = play(Scripted(), story)
    assert bench.channel.ids == ["old", "new", "low"]
    assert [f[1] for f in bench.finished] == [D.DELIVERED] * 3


def test_a_failure_is_tried_again_later_and_every_attempt_is_reported() -> None:
    async def story(bench: Bench) -> None:
        bench.lane.add(row("a"))
        await bench.time.advance(999)
        assert len(bench.channel.sent) == 1
        await bench.time.advance(1)
        assert len(bench.channel.sent) == 2
        await bench.time.advance(2_000)

    bench = play(Scripted(BUSY, BUSY), story)
    assert [t - 1_000_000 for t, _, _ in bench.channel.sent] == [0, 1_000, 3_000]
    assert bench.finished == [
        ("a", D.RETRY, 1, 1_001_000),
        ("a", D.RETRY, 2, 1_003_000),
        ("a", D.DELIVERED, 3, 0),
    ]


def test_others_pass_a_row_that_rests_but_not_its_own_incident() -> None:
    async def story(bench: Bench) -> None:
        bench.lane.add(row("1", incident="i"))
        bench.lane.add(row("2", incident="i"))
        bench.lane.add(row("x"))
        await settle()
        assert bench.channel.ids == ["1", "x"]
        await bench.time.advance(1_000)

    assert play(Scripted(BUSY), story).channel.ids == ["1", "x", "1", "2"]


def test_retry_after_rests_the_whole_lane_but_not_for_ever() -> None:
    limited = Delivery(outcome=D.RETRY, reason=R.RATE_LIMITED, retry_after_ms=30_000)
    endless = replace(limited, retry_after_ms=10**15)

    async def story(bench: Bench) -> None:
        bench.lane.add(row("a"))
        bench.lane.add(row("b", created=1))
        await bench.time.advance(29_999)
        assert bench.channel.ids == ["a"]
        await bench.time.advance(1)
        assert bench.channel.ids == ["a", "a"]  # asked for a year; gets an hour
        await bench.time.advance(LONGEST_RETRY_AFTER)

    bench = play(Scripted(limited, endless), story)
    assert bench.channel.ids == ["a", "a", "a", "b"]
    assert bench.finished[0] == ("a", D.RETRY, 1, 1_030_000)  # a restart waits as long


def test_five_failures_open_the_circuit_then_one_row_probes_and_all_follow() -> None:
    async def story(bench: Bench) -> None:
        for number in range(100):
            bench.lane.add(row(f"{number:02d}", created=number))
        await bench.time.advance(900)
        assert len(bench.channel.sent) == 5  # and not a hundred
        assert bench.lane.open
        await bench.time.advance(60_000)
        probes = len(bench.channel.sent) - 5
        assert 3 <= probes <= 7  # after 1, 2, 4, 8, 16, 32 s
        bench.channel.always = OK
        await bench.time.advance(LAST_RETRY)
        assert not bench.lane.open
        assert len(bench.lane.backlog) == 0

    bench = play(Scripted(always=BUSY), story)
    delivered = [i for i, outcome, _, _ in bench.finished if outcome is D.DELIVERED]
    assert sorted(delivered) == [f"{n:02d}" for n in range(100)]
    assert bench.health == [False, True]


def test_a_refused_page_ends_failed_and_the_next_one_goes() -> None:
    async def story(bench: Bench) -> None:
        bench.lane.add(row("bad"))
        bench.lane.add(row("good", created=1))
        await settle()

    bench = play(Scripted(NO), story)
    assert bench.finished == [("bad", D.FAILED, 1, 0), ("good", D.DELIVERED, 1, 0)]


def test_a_wrong_token_burns_a_handful_of_pages_not_all() -> None:
    async def story(bench: Bench) -> None:
        for number in range(100):
            bench.lane.add(row(f"{number:02d}", created=number))
        await bench.time.advance(10_000)

    bench = play(Scripted(always=Delivery(outcome=D.FAILED, reason=R.AUTH)), story)
    assert len(bench.finished) <= 9
    assert bench.health == [False]


def test_new_configuration_ends_every_rest() -> None:
    async def story(bench: Bench) -> None:
        for number in range(10):
            bench.lane.add(row(f"{number:02d}", created=number))
        await bench.time.advance(500)
        better = Scripted()
        better.time = bench.time
        bench.lane.replace(better)
        await bench.time.advance(0)
        assert len(better.sent) == 10

    assert play(Scripted(always=BUSY), story).health == [False, True]


@pytest.mark.parametrize(
    ("kind", "burst", "per_minute"),
    [("slack", 1, 60), ("pagerduty", 120, 120), ("webhook", 300, 300)],
)
def test_pace(kind: str, burst: int, per_minute: int) -> None:
    async def story(bench: Bench) -> None:
        for number in range(300):
            bench.lane.add(row(f"{number:03d}", created=number))
        for _ in range(60):
            await settle()
        assert len(bench.channel.sent) == burst
        await bench.time.advance(59_999)
        for _ in range(60):
            await settle()
        assert len(bench.channel.sent) == per_minute

    play(Scripted(kind=kind), story)


def test_quiet_updates_give_way_to_newer_ones_but_no_acknowledgement_is_lost() -> None:
    async def story(bench: Bench) -> None:
        quiet = {"incident": "i", "page": False}
        bench.lane.add(row("u1", 8, **quiet))  # type: ignore[arg-type]
        bench.lane.add(row("u2", 8, **quiet))  # type: ignore[arg-type]
        bench.lane.add(row("ack", 8, status="acknowledged", **quiet))  # type: ignore[arg-type]
        bench.lane.add(row("u3", 8, **quiet))  # type: ignore[arg-type]
        bench.lane.add(row("page", 0, incident="i"))
        bench.lane.add(row("u4", 8, **quiet))  # type: ignore[arg-type]
        bench.lane.add(row("end", 5, incident="i", status="resolved"))
        await settle()
        await settle()

    bench = play(Scripted(), story)
    assert bench.channel.ids == ["u2", "ack", "u3", "page", "end"]
    assert [f[0] for f in bench.finished if f[1] is D.SKIPPED] == ["u1", "u4"]


def test_a_row_that_cannot_be_read_is_reported_and_passed() -> None:
    async def story(bench: Bench) -> None:
        bench.lane.add(replace(row("bad"), body=b"{"))
        bench.lane.add(row("good", created=1))
        await settle()

    bench = play(Scripted(), story)
    assert bench.finished == [("bad", D.FAILED, 1, 0), ("good", D.DELIVERED, 1, 0)]
    assert bench.details[0] == "the stored page cannot be read"


def test_a_channel_that_raises_or_never_returns_costs_one_attempt() -> None:
    class Bad(Scripted):
        deadline_s = -0.99

        async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
            if notification.id == "raise":
                raise RuntimeError("token xoxb-secret")
            return await asyncio.Event().wait()  # type: ignore[return-value]

    async def both() -> list[Delivery]:
        return [await attempt(Bad(), replace(PAGE, id=i), {}) for i in ("raise", "hang")]

    began = time.perf_counter()
    raised, hung = asyncio.run(both())
    assert time.perf_counter() - began < 20  # it would hang for ever
    assert (raised.outcome, raised.reason) == (D.RETRY, R.SERVER_ERROR)
    assert "secret" not in raised.detail
    assert (hung.outcome, hung.reason) == (D.RETRY, R.TIMEOUT)


def test_a_fault_in_the_report_does_not_stop_the_lane() -> None:
    async def story(bench: Bench) -> None:
        usual, calls = bench._finish, []

        def once_broken(*args: object) -> None:
            calls.append(args)
            if len(calls) == 1:
                raise RuntimeError("the writer is gone")
            usual(*args)  # type: ignore[arg-type]

        bench.lane._finish = once_broken  # type: ignore[assignment]
        bench.lane.add(row("a"))
        bench.lane.add(row("b", created=1))
        await bench.time.advance(2_000)

    assert [f[0] for f in play(Scripted(), story).finished] == ["b"]


def test_a_fault_before_the_attempt_puts_the_row_back() -> None:
    async def story(bench: Bench) -> None:
        usual, calls = bench._reference, []

        async def once_broken(*args: object) -> Mapping[str, str]:
            calls.append(args)
            if len(calls) == 1:
                raise RuntimeError("no answer")
            return await usual(*args)  # type: ignore[arg-type]

        bench.lane._reference = once_broken  # type: ignore[assignment]
        bench.lane.add(row("a"))
        await bench.time.advance(2_000)

    assert play(Scripted(), story).finished == [("a", D.DELIVERED, 1, 0)]


def test_overdue_is_zero_while_waiting_for_a_receiver_and_grows_when_a_step_is_owed() -> None:
    async def story(bench: Bench) -> None:
        assert bench.lane.overdue(bench.time.now()) == 0
        bench.lane.add(row("a"))
        await settle()
        assert bench.lane.overdue(bench.time.now() + 900) == 0  # it rests, as it should
        assert bench.lane.overdue(bench.time.now() + 9_000) == 8_000
        bench.lane._out["x"] = bench.time.now()
        assert bench.lane.overdue(bench.time.now() + 6_000) == 0
        assert bench.lane.overdue(bench.time.now() + 7_000) == 1_000

    play(Scripted(BUSY), story)


class Wide(Scripted):
    """Takes a page in a second; says how many were on their way at once."""

    def __init__(self, kind: str, *script: Delivery) -> None:
        super().__init__(*script, kind=kind)
        self.out: list[str] = []
        self.most: list[int] = []

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        assert notification.id not in self.out
        assert self.time is not None
        self.out.append(notification.id)
        self.most.append(len(self.out))
        await self.time.sleep(1.0)
        self.out.remove(notification.id)
        return await super().send(notification, reference)


async def forty(bench: Bench) -> None:
    for number in range(40):
        bench.lane.add(row(f"{number:02d}", created=number))
    for _ in range(60):
        await bench.time.advance(1_000)


@pytest.mark.parametrize("kind", ["webhook", "webhook_configs"])
def test_programs_take_pages_side_by_side(kind: str) -> None:
    channel = Wide(kind)
    bench = play(channel, forty)
    assert channel.most[:2] == [1, 1]  # it begins with one
    assert max(channel.most) == ABREAST[kind]
    assert sorted(f[0] for f in bench.finished) == [f"{n:02d}" for n in range(40)]
    assert not bench.lane._helpers


@pytest.mark.parametrize("kind", ["slack", "pagerduty", "email", "apprise"])
def test_people_get_one_at_a_time(kind: str) -> None:
    channel = Wide(kind)
    play(channel, forty)
    assert max(channel.most) == 1


def test_a_receiver_that_goes_down_gets_a_handful_not_eight_abreast() -> None:
    channel = Wide("webhook", *[OK] * 20)
    channel.always = BUSY
    bench = play(channel, forty)
    assert max(channel.most) == ABREAST["webhook"]
    refused = [f for f in bench.finished if f[1] is D.RETRY]
    # Those on their way, then the probes of an open circuit: one at a time.
    assert len(refused) <= ABREAST["webhook"] + 7
    assert channel.most[-2:] == [1, 1]
    assert bench.lane.open


def test_rows_of_one_incident_never_overtake_each_other() -> None:
    async def story(bench: Bench) -> None:
        for number in range(20):
            bench.lane.add(row(f"w{number:02d}", created=number))
        for number in range(5):
            bench.lane.add(row(f"i{number}", created=number, incident="one"))
        for _ in range(60):
            await bench.time.advance(1_000)

    channel = Wide("webhook")
    bench = play(channel, story)
    assert [f[0] for f in bench.finished if f[0].startswith("i")] == [f"i{n}" for n in range(5)]
    assert len(bench.finished) == 25


def test_a_lane_that_drains_waits_for_all_that_is_on_its_way() -> None:
    channel = Wide("webhook")

    async def story(bench: Bench) -> None:
        for number in range(30):
            bench.lane.add(row(f"{number:02d}", created=number))
        for _ in range(4):
            await bench.time.advance(1_000)
        assert len(channel.out) > 1
        bench.lane.drain()
        for _ in range(30):
            await bench.time.advance(1_000)
        assert channel.out == []

    assert len(play(channel, story).finished) == 30
