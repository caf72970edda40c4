"""Why: the whole chain of one alert."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from rulesd.model.inputs import Acknowledged, AlertsPosted, PostedAlert, SwitchSet
from rulesd.model.instant import HOUR, MINUTE
from rulesd.model.story import Part
from rulesd.notify.compose import NoLinks, compose
from rulesd.ports.store import OutboxDone
from rulesd.runners.explain_alert import _rule
from rulesd.runners.explaining import Explaining
from tests.core.plans import T0, event, plan, rule
from tests.runners.living import denied, lived, said
from tests.runners.room import Room


def test_why_tells_the_whole_line() -> None:
    async def tell(room: Room, explaining: Explaining) -> None:
        await room.send(denied(1), denied(2), denied(3, deny_reason="no"))
        (alert,) = room.engine.alerts()
        await room.crank.act(Acknowledged(alert=alert.alert, by="ana", note=""))
        room.clock.at += MINUTE
        room.crank.engine.handle_timer(room.clock.at)
        story = await explaining.why(alert.alert)
        words = said(story)
        for part in (
            'tool.denied for {tenant="acme", tool="shell"} is firing; nobody has been told.',
            "event e3 (tool.call",
            'yes: data.outcome is "denied", needed "denied"',
            "burst: 3 where 3 is needed",
            "firing: the rule's condition was met",
            "updated: somebody took it, by ana",
            "action lock: the rule names this action",
            "tool.shell.on for {} = false",
            "review",
            "pager: no child route takes it: its owner safety names this receiver",
            "if it cannot be delivered: boss",
            "on call now: ana",
            "unless acknowledged, after 10m: receiver boss",
            "nothing holds it back",
        ):
            assert part in words, (part, words)
        assert story is not None
        assert story.facts["rule"] == "tool.denied"
        assert await explaining.why("unknown") is None

    lived(tell)


def test_every_attempt_to_tell_somebody_is_shown_and_what_is_over_is_still_known() -> None:
    async def tell(room: Room, explaining: Explaining) -> None:
        await room.send(denied(1), denied(2), denied(3))
        (alert,) = room.engine.alerts()
        room.crank.ledger.compose = lambda due, plan, n: compose(
            due, plan, number=n, links=NoLinks()
        )
        room.clock.at += MINUTE
        decisions = room.engine.handle_timer(room.clock.at)
        await room.crank.publish(decisions)
        (row, *_) = room.courier.rows
        for attempts, state, detail in (
            (1, "pending", "timeout: slow"),
            (2, "delivered", "ok: HTTP 200"),
        ):
            done = OutboxDone(
                id=row.id, receiver=row.receiver, channel=row.channel, state=state, attempts=attempts, next_at=0,
                detail=detail, at=room.clock.at,
            )  # fmt: skip
            await room.crank.act(done=[done])
            words = said(await explaining.why(alert.alert), Part.PAGE)
            assert detail in words
        assert "pager told" in words
        assert f"{row.receiver} {row.channel}: delivered" in words
        room.clock.at += 9 * HOUR
        await room.crank.publish(room.engine.handle_timer(room.clock.at))
        assert room.engine.alerts() == []
        room.crank.resolved.clear()
        words = said(await explaining.why(alert.alert))
        assert "is over" in words
        assert "resolved:" in words

    lived(tell)


def test_an_alert_of_another_system_and_a_lock_it_keeps() -> None:
    async def tell(room: Room, explaining: Explaining) -> None:
        now = room.clock.at
        posted = PostedAlert(
            labels={"alertname": "Down", "team": "x"}, starts_at=now, ends_at=now + HOUR, annotations={"summary": "it is down"}
        )  # fmt: skip
        other = replace(posted, labels={"alertname": "Slow"})
        await room.crank.act(AlertsPosted(alerts=(posted, other)))
        (alert,) = (a for a in room.engine.alerts() if a.rule == "Down")
        (first,) = (a for a in room.engine.alerts() if a.rule == "Slow")
        words = said(await explaining.why(alert.alert))
        for part in (
            "another system posted it",
            "summary: it is down",
            'boss: route {}/{team="x"}',
        ):
            assert part in words
        for name in (first.alert, alert.alert):
            item = SwitchSet(
                id=f"w-{name}", switch="lock", by="a", reason="r", labels={"tool": "b"}, alert=name
            )
            await room.crank.act(item)
        words = said(await explaining.why(alert.alert), Part.ACTION)
        assert f"keeps tool.b.on = false, set for alert {first.alert}" in words

    lived(tell)


def test_a_rule_about_what_rulesd_does_is_not_held_against_the_event_that_shows_it() -> None:
    watch = rule("acting.violated", on=("containment.changed",))
    engine: Any = SimpleNamespace(
        plan=replace(plan(watch), explain=lambda r, d: (False, "no: type"))
    )
    arrived: Any = SimpleNamespace(event=event("e1", T0))
    (step,) = _rule("acting.violated", arrived, engine)
    assert step.said == "acting.violated matches what rulesd made of it: containment.changed"
    itself: Any = SimpleNamespace(event=event("e1", T0, type_="containment.changed"))
    (step,) = _rule("acting.violated", itself, engine)
    assert step.said == "acting.violated does not match it as it stands now"
