"""Why: what an alert was compared with, and why that is what it is."""

from rulesd.core.baselines import Baseline, Phase
from rulesd.core.detectors.never import Never
from rulesd.model.inputs import BaselinesRelearned, ResolvedByPerson
from rulesd.model.story import Part, Story
from rulesd.runners.explain_baseline import _said, told
from rulesd.runners.explaining import Explaining
from tests.core.plans import T0, event, plan, rule
from tests.core.test_baselines import shift
from tests.runners.living import lived, said
from tests.runners.room import Room

ON = ("tool.call", "deploy.change")
PLAN = plan(rule("t.shift", detector=shift(), on=ON), rule("t.never", detector=Never(), on=("x",)))
MINUTE = 60_000


def feed(room: Room, start: int, end: int, often: int, tenant: str = "acme") -> None:
    for n in range(start, end):
        at = T0 + n * MINUTE
        room.clock.at = at
        made = event(f"{tenant}{n}", at, tenant=tenant, bad=n % often == 0)
        room.engine.receive(made, at)


def relearned(tenant: str) -> BaselinesRelearned:
    return BaselinesRelearned(
        rule="t.shift", labels={"tenant": tenant}, keys=((tenant,),), by="ana", reason="new model"
    )


def test_it_tells_the_baseline_and_why_it_was_learned_anew() -> None:
    async def tell(room: Room, explaining: Explaining) -> None:
        feed(room, 0, 30, 10)
        feed(room, 0, 30, 10, "globex")
        await room.crank.act(relearned("acme"))
        await room.crank.act(relearned("globex"))
        feed(room, 30, 8 * 60, 10)
        feed(room, 8 * 60, 9 * 60, 1)
        (alert,) = room.engine.alerts()
        words = said(await explaining.why(alert.alert), Part.DETECTOR)
        assert "baseline: 1" in words
        assert " events since 2026-01-05T14:" in words
        assert "; fixed" in words
        assert words.count("a person had it learn afresh (these keys learn afresh), by ana: new model") == 1  # fmt: skip
        await room.crank.act(ResolvedByPerson(alert=alert.alert, by="bo"))
        words = said(await explaining.why(alert.alert))
        assert "a person resolved the alert: its key learns afresh, by bo" in words

    lived(tell, plan=PLAN)


def test_a_rule_that_learns_nothing_tells_of_no_baseline() -> None:
    async def tell(room: Room, explaining: Explaining) -> None:
        room.engine.receive(event("e", T0, type_="x"), T0)
        (alert,) = room.engine.alerts()
        assert "baseline" not in said(await explaining.why(alert.alert))

    lived(tell, plan=PLAN)


def test_a_story_without_a_detector_ends_with_it() -> None:
    assert told(Story(title="t", steps=()), []).steps == ()


def test_what_is_being_learned_is_told_as_such() -> None:
    async def tell(room: Room, explaining: Explaining) -> None:
        feed(room, 0, 8 * 60, 10)
        room.engine.receive(event("d", T0 + 8 * 60 * MINUTE, type_="deploy.change"), room.clock.at)
        feed(room, 8 * 60 + 1, 9 * 60, 1)
        (alert,) = room.engine.alerts()
        words = said(await explaining.why(alert.alert), Part.DETECTOR)
        assert "less evidence is enough until 2026-01-06T16:00" in words
        assert "after the deploy of 2026-01-05T16:00" in words

    lived(tell, plan=PLAN)


def test_a_given_level_whose_rule_is_still_silent_says_until_when() -> None:
    given = {"share": 0.02, "pinned": True}
    one = Baseline("t.shift", {}, given, "shift", Phase.LEARNING, "2%", until="2026-01-06")
    assert _said(one) == (
        "baseline: 2%; pinned in the rule, which learns how much traffic there is and says nothing until 2026-01-06"
    )
    assert _said(one._replace(learned={"share": 0.02})).endswith("being learned until 2026-01-06")
