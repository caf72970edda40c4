"""A service that cannot read flags is down for an hour while a switch is set, lifted and set again: nothing is lost, and all of it in order."""

from dataclasses import replace

from rulesd.core.engine import Engine
from rulesd.model.decision import Decision, NoticeDue, SwitchChanged
from rulesd.model.inputs import Delivered, SwitchReverted, SwitchSet
from rulesd.model.instant import HOUR, MINUTE, SECOND
from rulesd.model.notification import Delivery
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.action_rows import switch_rows
from rulesd.ports.store import OutboxRow
from tests.core.test_switches import with_switches
from tests.notify.test_action_rows import TOLD
from tests.runners.test_lane import BUSY, Bench, Scripted, play

LABELS = {"tool": "shell", "tenant": "acme"}


def rows(engine: Engine, made: list[Decision]) -> list[OutboxRow]:
    changes = [d for d in made if isinstance(d, SwitchChanged)]
    return [row for d in changes for row in switch_rows(d, engine.plan)]


def wish(id_: str, **labels: str) -> SwitchSet:
    return SwitchSet(
        id=id_, switch="lock_tool", by="ana", reason="r", labels={**LABELS, **labels}, ttl=2 * HOUR
    )


def test_an_hour_without_its_service() -> None:
    down = Delivery(outcome=DeliveryOutcome.RETRY, reason=DeliveryReason.CONNECT)
    channel = Scripted(kind="action", always=down)
    engine = Engine(with_switches(replace(TOLD, approvals="never")))  # type: ignore[arg-type]
    told: list[str] = []

    async def story(bench: Bench) -> None:
        def give(made: list[Decision]) -> None:
            told.extend(d.title for d in made if isinstance(d, NoticeDue))
            for row in rows(engine, made):
                bench.lane.add(row)

        give(engine.receive(wish("w1"), bench.time.at))
        await bench.time.advance(31 * SECOND)
        give(engine.handle_timer(bench.time.at))
        await bench.time.advance(10 * MINUTE)
        give(engine.receive(SwitchReverted(id="w1", by="bo", reason="fixed"), bench.time.at))
        give(engine.receive(wish("w2"), bench.time.at))
        give(engine.receive(wish("w3", tenant="globex"), bench.time.at))
        await bench.time.advance(50 * MINUTE)
        assert not [f for f in bench.finished if f[1] is DeliveryOutcome.DELIVERED]
        assert len(channel.ids) < 40, "a service that is down is not hammered"
        channel.always = Delivery(outcome=DeliveryOutcome.DELIVERED, reason=DeliveryReason.OK)
        await bench.time.advance(5 * MINUTE)

    bench = play(channel, story)
    assert told == ["lock_tool is set, but its service has not answered yet"]
    done = [f[0] for f in bench.finished if f[1] is DeliveryOutcome.DELIVERED]
    one_place = [id_ for id_ in done if not id_.startswith("w3")]
    assert one_place == ["w1/set", "w1/end", "w2/set"]
    assert "w3/set" in done


def test_the_next_begin_does_not_overtake_an_end_that_is_tried_again() -> None:
    engine = Engine(with_switches(TOLD))
    channel = Scripted(BUSY, kind="action")

    async def story(bench: Bench) -> None:
        at = bench.time.at
        made = engine.receive(wish("w1"), at)
        made += engine.receive(SwitchReverted(id="w1", by="bo"), at)
        made += engine.receive(wish("w2"), at)
        for row in rows(engine, made)[1:]:
            bench.lane.add(row)
        await bench.time.advance(5 * SECOND)

    assert play(channel, story).channel.ids == ["w1/end", "w1/end", "w2/set"]


def test_what_the_service_said_late_stands_in_the_setting() -> None:
    engine = Engine(with_switches(TOLD))
    engine.receive(wish("w1"), 1_000)
    engine.receive(
        Delivered(
            notification="w1/set", receiver="action:lock_tool", channel="webhook[0]",
            outcome=DeliveryOutcome.DELIVERED, reason=DeliveryReason.OK, attempts=17,
        ),
        HOUR,
    )  # fmt: skip
    assert engine.switches.open["w1"].result == "delivered: ok"
