"""Why not: what became of one event."""

from dataclasses import replace
from typing import Any

from rulesd.model.instant import HOUR, MINUTE
from rulesd.runners.explaining import Explaining
from tests.core.plans import T0, event
from tests.runners.living import denied, lived, said
from tests.runners.room import Room


def test_why_not_shows_what_did_not_hold_and_what_is_still_needed() -> None:
    async def tell(room: Room, explaining: Explaining) -> None:
        await room.send(
            denied(1), denied(2, outcome="ok", scope="out"), event("odd", T0, type_="odd")
        )
        story = await explaining.why_not("e1", "tool.denied")
        words = said(story)
        assert "Event e1 matches tool.denied, and no alert came of it alone." in words
        assert "2 more like it, happening now, would make it fire (3 where 3 is needed)" in words
        words = said(await explaining.why_not("e2", ""))
        assert "no rule matches it" in words
        assert 'no: data.outcome is "ok", needed "denied"' in words
        assert "no: data.tier" in words
        assert 'yes: type is "tool.call"' not in words
        assert "No rule is about events of type odd." in said(await explaining.why_not("odd", ""))
        assert "and not about odd" in said(await explaining.why_not("odd", "tool.denied"))
        assert "The journal has no event" in said(await explaining.why_not("none", ""))
        gone = await explaining.why_not("e1", "tool.gone")
        assert gone.title == "There is no rule tool.gone in force."

    lived(tell)


def test_why_not_of_an_event_that_did_page_says_which_alert() -> None:
    async def tell(room: Room, explaining: Explaining) -> None:
        await room.send(denied(1), denied(2), denied(3))
        room.clock.at += MINUTE + 30_000
        await room.send(denied(3, other=1))
        (alert,) = room.engine.alerts()
        words = said(await explaining.why_not("e3", "tool.denied"))
        assert f"is evidence of tool.denied ({alert.alert})" in words
        assert f"alert {alert.alert} is open" in words
        assert "s after its date" in words
        assert "2 events of this id" in words

    lived(tell)


def test_an_event_ahead_of_its_time_and_a_shadow_rule() -> None:
    async def tell(room: Room, explaining: Explaining) -> None:
        await room.send(event("s", T0 + 2 * HOUR, scope="out", tier="write"))
        words = said(await explaining.why_not("s", "tool.other"))
        assert "ahead of its arrival" in words
        assert "it is a shadow rule" in words
        assert "no alert came" in words or "is evidence of" in words

    lived(tell)


def test_a_rule_that_raises_and_many_rules(monkeypatch: Any) -> None:
    monkeypatch.setattr("rulesd.runners.explain_event.MOST_TREES", 0)

    async def tell(room: Room, explaining: Explaining) -> None:
        await room.send(denied(1))
        words = said(await explaining.why_not("e1", ""))
        assert "2 more rules are about this type" in words
        plan = replace(room.engine.plan, explain=lambda rule, document: (None, "could not"))
        room.engine.plan = plan
        assert "could not be evaluated" in said(await explaining.why_not("e1", "tool.denied"))
        room.engine.plan = replace(plan, explain=lambda rule, document: None)
        assert "cannot be explained" in said(await explaining.why_not("e1", "tool.denied"))

    lived(tell)
