"""Where labels lead."""

from rulesd.core.engine import Engine
from rulesd.model.instant import HOUR
from rulesd.model.silence import Silence, SilenceMatcher
from rulesd.model.story import Part
from rulesd.runners.explain_route import story
from rulesd.runners.explaining import Explaining
from tests.core.crew import crew, shifts
from tests.core.plans import T0
from tests.runners.living import lived, said
from tests.runners.room import Room


def test_where_labels_lead_and_what_would_hold_them_back() -> None:
    async def tell(room: Room, explaining: Explaining) -> None:
        own = explaining.route({"alertname": "tool.denied", "tenant": "acme"})
        assert own.title == "It goes to pager."
        assert "waits" in said(own)
        never = explaining.route({"alertname": "tool.other", "severity": "low"})
        assert "must never happen" in said(never)
        foreign = explaining.route({"alertname": "Down", "team": "x"})
        assert foreign.facts["receivers"] == ["boss"]
        nowhere = explaining.route({"team": "y"})
        assert "channels: none" in said(nowhere)
        made_ = Silence(
            id="", matchers=(SilenceMatcher(name="team", value="x"),), starts_at=room.clock.at, ends_at=room.clock.at + HOUR,
            updated_at=room.clock.at, created_by="bo", comment="planned",
        )  # fmt: skip
        await room.daemon.set_silence(made_, "bo")
        words = said(explaining.route({"alertname": "Down", "team": "x"}), Part.HELD_BACK)
        assert "by bo: planned" in words
        assert "nothing holds it back" not in words

    lived(tell)


def test_it_leads_to_whoever_is_on_call() -> None:
    engine = Engine(crew(schedule="main", schedules={"main": shifts("anna", "")}))
    labels = {"alertname": "tool.denied", "owner": "safety", "severity": "high"}
    assert story(labels, engine, T0).title == "It goes to anna-phone."
    assert story(labels, engine, T0 + 13 * HOUR).title == "It goes to team."
