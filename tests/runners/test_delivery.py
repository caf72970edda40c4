import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import orjson

from rulesd.model.inputs import Delivered
from rulesd.model.notification import Delivery
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason, Reason
from rulesd.notify.channels import make_channel, open_session
from rulesd.notify.compose import NoLinks, compose
from rulesd.notify.fakes import Fakes, Mood, Service
from rulesd.notify.templates import Templates
from rulesd.notify.testpage import compose_test
from rulesd.ports.channel import Channel
from rulesd.ports.meter import Meter
from rulesd.ports.store import OutboxDone, OutboxRow
from rulesd.runners.delivery import Courier, Key
from tests.notify.samples import SECRET, Links, alert, due, note, plan, resolved, spec, told
from tests.runners.test_lane import BUSY, OK, Scripted, row
from tests.runners.virtual import Virtual, settle

D, R = DeliveryOutcome, DeliveryReason


class Office:
    """A courier on virtual time with everything it reported."""

    def __init__(self, channels: Mapping[Key, Scripted], **given: object) -> None:
        self.time = Virtual()
        for channel in channels.values():
            channel.time = self.time
        self.meter = Meter()
        self.done: list[OutboxDone] = []
        self.delivered: list[Delivered] = []
        self.health: list[tuple[str, str, bool, str]] = []
        self.courier = Courier(
            channels,
            report=self._report,
            meter=self.meter,
            now=self.time.now,
            sleep=self.time.sleep,
            jitter=lambda: 0.5,
            health=lambda *said: self.health.append(said),
            **given,  # type: ignore[arg-type]
        )

    def _report(self, done: OutboxDone, delivered: Delivered | None) -> None:
        self.done.append(done)
        if delivered is not None:
            self.delivered.append(delivered)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.meter.registry.get_sample_value(name, labels)


ONE: Key = ("oncall", "webhook[0]")


def play(office: Office, story: Callable[[Office], Awaitable[None]]) -> Office:
    async def run() -> None:
        await story(office)
        await office.courier.stop(0.1)

    asyncio.run(run())
    return office


def test_what_is_added_is_delivered_reported_and_counted() -> None:
    async def story(office: Office) -> None:
        office.courier.add([row("a", created=office.time.now() - 250)])
        assert office.courier.pending == 1
        await settle()

    office = play(Office({ONE: Scripted()}), story)
    (done,) = office.done
    assert (done.id, done.state, done.attempts, done.detail) == ("a", "delivered", 1, "ok")
    assert (done.incident, done.at) == ("a", 1_000_000)
    (delivered,) = office.delivered
    assert (delivered.notification, delivered.outcome) == ("a", D.DELIVERED)
    labels = {"receiver": "oncall", "channel": "webhook", "outcome": "delivered"}
    assert office.metric("rulesd_notifications_total", **labels) == 1
    assert office.metric("rulesd_page_seconds_sum") == 0.25
    assert office.metric("rulesd_outbox_pending") == 0


def test_attempts_and_rests_survive_a_restart() -> None:
    async def story(office: Office) -> None:
        office.courier.add([replace(row("a"), attempts=4, next_at=office.time.now() + 7_000)])
        await office.time.advance(6_999)
        assert office.done == []
        await office.time.advance(1)

    office = play(Office({ONE: Scripted(BUSY)}), story)
    assert [(d.state, d.attempts, d.next_at) for d in office.done] == [
        ("pending", 5, 1_007_000 + 16_000)
    ]
    assert office.done[0].detail == "server_error"
    assert office.delivered == []  # only the end of a row is an input of the engine


def test_the_same_row_is_not_sent_twice() -> None:
    channel = Scripted()

    async def story(office: Office) -> None:
        office.courier.add([row("a"), row("a")])
        await settle()

    play(Office({ONE: channel}), story)
    assert channel.ids == ["a"]


def test_age_and_pending_are_visible() -> None:
    async def story(office: Office) -> None:
        office.courier.add([row("a", created=office.time.now() - 5_000)])
        await settle()
        assert office.courier.oldest_age(office.time.now()) == 5_000
        assert office.metric("rulesd_outbox_oldest_seconds") == 5
        assert office.metric("rulesd_outbox_pending") == 1
        assert office.courier.stalled_s() == 0

    play(Office({ONE: Scripted(always=BUSY)}), story)


def test_a_channel_that_is_gone_fails_its_rows_aloud() -> None:
    async def story(office: Office) -> None:
        office.courier.add([replace(row("x"), receiver="gone")])
        office.courier.add([row("a"), row("b", created=1)])
        await settle()
        await office.courier.reload({})
        await settle()

    office = play(Office({ONE: Scripted(always=BUSY)}), story)
    ends = [(d.id, d.state) for d in office.done if d.state != "pending"]
    assert ends == [("x", "failed"), ("a", "failed"), ("b", "failed")]
    assert (
        "configuration_error: there is no channel webhook[0] of receiver gone"
        in office.done[0].detail
    )
    assert [d.reason for d in office.delivered] == [R.CONFIG] * 3
    assert office.courier.pending == 0


def test_a_reload_keeps_rows_and_uses_the_new_adapter() -> None:
    old, new = Scripted(always=BUSY), Scripted()

    async def story(office: Office) -> None:
        new.time = office.time
        office.courier.add([row("a")])
        await settle()
        await office.courier.reload({ONE: new})
        await office.time.advance(0)
        office.courier.add([row("b", created=2)])
        await settle()

    office = play(Office({ONE: old}), story)
    assert old.closed
    assert new.ids == ["a", "b"]
    assert [d.state for d in office.done] == ["pending", "delivered", "delivered"]


def test_references_come_from_memory_else_from_the_store_and_go_into_the_report() -> None:
    asked: list[str] = []

    async def references(incident: str) -> Mapping[Key, bytes]:
        asked.append(incident)
        return {ONE: orjson.dumps({"ts": "from the store"})}

    first = replace(OK, reference={"ts": "new"})
    channel = Scripted(OK, first)

    async def story(office: Office) -> None:
        for number in range(3):
            office.courier.add([row(str(number), incident="i")])
            await settle()

    office = play(Office({ONE: channel}, references=references), story)
    assert [ref for *_, ref in channel.sent] == [
        {"ts": "from the store"},
        {"ts": "from the store"},
        {"ts": "new"},
    ]
    assert asked == ["i"]
    assert [d.reference for d in office.done] == [b"", b'{"ts":"new"}', b""]


def test_a_store_that_cannot_answer_costs_the_update_not_the_page() -> None:
    async def references(incident: str) -> Mapping[Key, bytes]:
        raise OSError(incident)

    async def story(office: Office) -> None:
        office.courier.add([row("a")])
        await settle()

    assert (
        play(Office({ONE: Scripted()}, references=references), story).done[0].state == "delivered"
    )


def test_a_failing_channel_is_reported_and_so_is_its_recovery() -> None:
    channel = Scripted(always=BUSY)

    async def story(office: Office) -> None:
        office.courier.add([row(str(i), created=i) for i in range(9)])
        await settle()
        await settle()
        assert office.courier.failing() == [ONE]
        channel.always = OK
        await office.time.advance(10_000)
        assert office.courier.failing() == []

    office = play(Office({ONE: channel}), story)
    assert office.health == [
        ("oncall", "webhook[0]", False, "server_error"),
        ("oncall", "webhook[0]", True, "ok"),
    ]
    labels = {"receiver": "oncall", "channel": "webhook", "outcome": "circuit_open"}
    assert office.metric("rulesd_notifications_total", **labels) == 1


def test_stop_sends_what_may_leave_and_keeps_the_rest_for_the_next_start() -> None:
    channel = Scripted(BUSY)

    async def story(office: Office) -> None:
        office.courier.add([row("rests")])
        await settle()
        office.courier.add([row(f"{i}", created=i) for i in range(20)])
        began = time.perf_counter()
        await office.courier.stop(60.0)
        assert time.perf_counter() - began < 30
        office.courier.add([row("too late")])

    office = play(Office({ONE: channel}), story)
    states = {d.id: d.state for d in office.done}
    assert states.pop("rests") == "pending"
    assert set(states.values()) == {"delivered"}
    assert len(states) == 20
    assert channel.closed


def test_stop_does_not_wait_for_a_receiver_that_hangs() -> None:
    class Hangs(Scripted):
        deadline_s = 60.0

        async def send(self, *_: object) -> Delivery:
            await asyncio.Event().wait()
            raise AssertionError

    async def story(office: Office) -> None:
        office.courier.add([row("a")])
        await settle()
        began = time.perf_counter()
        await office.courier.stop(0.1)
        assert time.perf_counter() - began < 30

    assert play(Office({ONE: Hangs()}), story).done == []


# ---------------------------------------------------------------------------- over real connections


def settings(fakes: Fakes, kind: str) -> dict[str, object]:
    return {
        "slack": {"token": "t", "channel": "#safety", "api_url": fakes.slack_api},
        "pagerduty": {"routing_key": "k" * 32, "url": fakes.pagerduty},
        "webhook": {"url": fakes.webhook(), "secret": SECRET},
    }[kind]


def real(
    story: Callable[[Fakes, Courier, list[OutboxDone]], Awaitable[None]],
    kinds: tuple[str, ...] = ("slack", "pagerduty", "webhook"),
) -> list[OutboxDone]:
    """A courier with real channels against the stand-ins, on the real clock."""
    done: list[OutboxDone] = []

    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            channels: dict[Key, Channel] = {
                ("oncall", f"{kind}[0]"): make_channel(
                    spec(kind, settings(fakes, kind)),
                    str,
                    session,
                    Templates(),  # type: ignore[arg-type]
                )
                for kind in kinds
            }
            courier = Courier(
                channels,
                report=lambda one, _: done.append(one),
                meter=Meter(),
                now=lambda: int(time.time() * 1_000),
            )
            await story(fakes, courier, done)
            await courier.stop(1.0)

    asyncio.run(run())
    return done


CHANNELS = (spec("slack"), spec("pagerduty"), spec("webhook"))


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def owed(number: int, *members: object, **given: object) -> list[OutboxRow]:
    own = plan(channels=CHANNELS)
    return compose(due(*members, **given), own, number=number, links=Links())  # type: ignore[arg-type]


def test_the_life_of_an_incident_reaches_slack_pagerduty_and_a_webhook() -> None:
    async def story(fakes: Fakes, courier: Courier, done: list[OutboxDone]) -> None:
        from rulesd.model.decision import Status

        fakes.next(Service.PAGERDUTY, Mood(status=500, after=True))
        courier.add(owed(1))
        await until(lambda: sum(d.state == "delivered" for d in done) == 3)
        taken = told(alert(acknowledged_by="kim"), Status.ACKNOWLEDGED)
        courier.add(
            owed(2, taken, page=False, status=Status.ACKNOWLEDGED, reason=Reason.ACKNOWLEDGED)
        )
        await until(lambda: sum(d.state == "delivered" for d in done) == 5)
        assert fakes.incidents[0].state == "acknowledged"
        courier.add(owed(3, resolved(), status=Status.RESOLVED, reason=Reason.ALL_RESOLVED))
        await until(lambda: sum(d.state == "delivered" for d in done) == 8)
        message, *thread = fakes.messages.values()
        assert message.edits == 2
        assert "RESOLVED" in message.text
        assert [reply.thread_ts for reply in thread] == [message.ts, message.ts]
        (incident,) = fakes.incidents
        assert (incident.dedup_key, incident.state) == (alert().alert, "resolved")
        assert [e["event_action"] for e in incident.events] == [
            "trigger",
            "trigger",  # the retry: the same incident
            "acknowledge",
            "resolve",
        ]
        assert len(fakes.delivered) == 2

    real(story)


def test_a_healthy_channel_is_not_delayed_by_twelve_that_hang() -> None:
    """The promise: at most 50 ms more. Interleaved rounds of one run, medians: the machine is noisy."""

    async def run() -> tuple[list[float], list[float]]:
        async with Fakes() as fakes, Fakes() as dead, open_session() as session:
            dead.always(Service.WEBHOOK, Mood(hang=True))
            channels: dict[Key, Channel] = {}
            for number in range(13):
                where = fakes if number == 0 else dead
                own = spec("webhook", {"url": where.webhook(), "deadline_s": 30.0})
                channels["r", f"webhook[{number}]"] = make_channel(own, str, session, Templates())
            waits: dict[str, asyncio.Future[float]] = {}

            def report(one: OutboxDone, _: object) -> None:
                if one.id in waits:
                    waits[one.id].set_result(time.perf_counter())

            courier = Courier(
                channels, report=report, meter=Meter(), now=lambda: int(time.time() * 1_000)
            )

            async def page(id_: str) -> float:
                waits[id_] = asyncio.get_running_loop().create_future()
                began = time.perf_counter()
                courier.add([replace(row(id_), receiver="r", channel="webhook[0]")])
                return await waits[id_] - began

            alone = [await page(f"alone{i}") for i in range(40)]
            for number in range(1, 13):
                hung = [
                    replace(row(f"h{number}.{i}"), receiver="r", channel=f"webhook[{number}]")
                    for i in range(20)
                ]
                courier.add(hung)
            await dead.wait(12)
            beside = [await page(f"beside{i}") for i in range(40)]
            await courier.stop(0.0)
            return alone, beside

    alone, beside = asyncio.run(run())
    more = statistics.median(beside) - statistics.median(alone)
    assert more <= 0.050, f"{more * 1_000:.1f} ms more"
    assert max(beside) <= 0.5


def test_a_test_page_passes_the_queue_and_says_test() -> None:
    async def story(fakes: Fakes, courier: Courier, done: list[OutboxDone]) -> None:
        own = plan(channels=CHANNELS)
        pages = compose_test(
            own,
            receiver="oncall",
            owner="platform-safety",
            severity="high",
            by="kim",
            at=1_767_603_611_000,
            links=NoLinks(),
        )
        for channel, page in pages:
            result, seconds = await courier.try_once("oncall", channel, page)
            assert result.outcome is D.DELIVERED
            assert seconds > 0
        assert done == []
        # Unmarked, it is a real page: the way out when the store cannot commit.
        await courier.try_once("oncall", "webhook[0]", note())
        assert orjson.loads(fakes.delivered[1][2])["data"]["test"] is False
        assert next(iter(fakes.messages.values())).text.startswith("TEST PAGE")
        assert fakes.incidents[0].events[0]["payload"]["summary"].startswith("TEST PAGE")
        assert orjson.loads(fakes.delivered[0][2])["data"]["test"] is True
        missing, _ = await courier.try_once("oncall", "email[0]", note())
        assert (missing.outcome, missing.reason) == (D.FAILED, R.CONFIG)

    real(story)


def test_a_row_that_is_not_needed_any_more_ends_as_skipped() -> None:
    async def story(office: Office) -> None:
        office.courier.add([row("a"), row("b")])
        await settle()
        assert office.courier.knows("a", *ONE)
        assert office.courier.withdraw("a", *ONE, "somebody else has it")
        assert not office.courier.knows("a", *ONE)
        assert not office.courier.withdraw("a", *ONE, "again")
        assert not office.courier.withdraw("a", "nobody", "webhook[0]", "x")

    office = play(Office({ONE: Scripted(BUSY, BUSY)}), story)
    last = office.done[-1]
    assert (last.id, last.state, last.attempts) == ("a", "skipped", 1)
    assert last.detail == "not_needed_any_more: somebody else has it"


def test_channels_that_lead_to_one_place_share_its_pace() -> None:
    first, second, other = (Scripted(kind="slack") for _ in range(3))
    first.place = second.place = "one"  # type: ignore[attr-defined]
    other.place = "another"  # type: ignore[attr-defined]
    ways = {("a", "slack[0]"): first, ("b", "slack[0]"): second, ("c", "slack[0]"): other}

    async def story(office: Office) -> None:
        for name in ("a", "b", "c"):
            one = replace(row(name), receiver=name, channel="slack[0]")
            office.courier.add([one])
        await settle()
        assert (len(first.sent), len(second.sent), len(other.sent)) == (1, 0, 1)
        await office.time.advance(1_000)
        assert len(second.sent) == 1

    play(Office(ways), story)
