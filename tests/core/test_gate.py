from dataclasses import replace

from rulesd.core.gate import Gate, Held
from rulesd.core.plan import Plan, Route
from rulesd.model.alert import Alert
from rulesd.model.reasons import AlertState, Reason
from tests.core.foreigners import FAST, span, stops
from tests.core.plans import T0, plan, rule
from tests.core.test_inhibit import DOWN, SLOW, foreign
from tests.model.test_alert import alert

PLAN: Plan = replace(plan(rule()), inhibit_rules=(stops(),))
NIGHT = replace(FAST, mute=(span("night", 0, 10),))


def gate(*silences: str) -> Gate:
    made = Gate(PLAN)
    made.silencing = lambda alert, now: silences
    made.may_silence = lambda: bool(silences)
    return made


def held(
    made: Gate, alert: Alert, muted: tuple[str, ...] = (), before: Held | None = None
) -> Held | None:
    return made.held(alert, made.inhibitor.aims(alert), muted, T0, before)


def test_inhibition_is_asked_first_then_intervals_then_silences() -> None:
    made = gate("s1", "s2")
    assert held(made, SLOW) == Held(Reason.SILENCED, ("s1", "s2"))
    assert held(made, SLOW, ("night",)) == Held(Reason.MUTED, ("night",))
    made.inhibitor.see(DOWN)
    assert held(made, SLOW, ("night",)) == Held(Reason.INHIBITED, (DOWN.fingerprint,))
    assert held(gate(), SLOW) is None


def test_a_new_gate_lets_everything_through() -> None:
    made = Gate(PLAN)
    assert held(made, SLOW) is None
    assert not made.may_hold(FAST)
    assert made.may_hold(NIGHT)
    made.inhibitor.see(DOWN)
    assert made.may_hold(FAST)


def test_what_must_never_happen_passes_all_but_silences() -> None:
    never = alert(never=True, severity="warning", labels={"cluster": "x"})
    made = gate()
    made.inhibitor.see(DOWN)
    assert held(made, replace(never, never=False)) is not None
    assert held(made, never, ("night",)) is None
    assert held(gate("s"), never) == Held(Reason.SILENCED, ("s",))


def test_the_cause_stays_the_same_while_it_lasts() -> None:
    made = gate()
    names = sorted(foreign(f"D{n} severity=critical cluster=x").fingerprint for n in range(2))
    for n in range(2):
        made.inhibitor.see(foreign(f"D{n} severity=critical cluster=x"))
    before = Held(Reason.INHIBITED, (names[1],))
    assert held(made, SLOW, before=before) == before
    assert held(made, SLOW, before=Held(Reason.SILENCED, ("s",))) == Held(
        Reason.INHIBITED, (names[0],)
    )
    assert held(made, foreign("Slow severity=warning cluster=y")) is None


def test_a_new_plan_brings_its_rules_and_finds_the_sources_again() -> None:
    made = Gate(plan(rule()))
    made.replace(PLAN, [DOWN])
    assert held(made, SLOW) is not None


def test_how_an_alert_stands() -> None:
    made = gate("s")
    made.inhibitor.see(DOWN)
    routes: list[tuple[Route, str]] = [(NIGHT, "a"), (FAST, "b"), (FAST, "a")]
    standing = made.standing(SLOW, routes, T0)
    assert (standing.state, standing.receivers) == ("suppressed", ("a", "b"))
    assert (standing.inhibited_by, standing.silenced_by, standing.muted_by) == (
        (DOWN.fingerprint,),
        ("s",),
        (),
    )
    assert gate().standing(SLOW, routes[:1], T0).muted_by == ("night",)
    assert gate().standing(SLOW, routes[:1], T0 + 10_000).state == "active"
    assert gate().standing(alert(never=True), routes[:1], T0).state == "active"
    assert gate("s").standing(alert(state=AlertState.PENDING), routes, T0).state == "unprocessed"
    assert gate().standing(SLOW, [], T0).state == "active"
