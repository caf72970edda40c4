"""An alert that comes and goes: through the real engine, and what is remembered of it."""

from dataclasses import replace

from rulesd.core.flap import MOST, Flapping
from rulesd.model.alert import Foreign
from rulesd.model.decision import AlertChanged, Kind, Status, Told
from rulesd.model.instant import HOUR, MINUTE, Instant
from rulesd.model.reasons import Reason
from tests.core.crew import crew
from tests.core.plans import T0, burst, rule
from tests.core.test_shifts import due
from tests.core.world import World
from tests.model.test_alert import alert

M = 60.0
FAST = rule(detector=burst(1, 60_000), lateness=0, keep_firing_for=0)


def change(kind: Kind, at: Instant, **of: object) -> AlertChanged:
    return AlertChanged(kind=kind, at=at, reason=Reason.CONDITION_MET, alert=alert(**of))


def flapping(times: int = 3, **of: object) -> Flapping:
    f = Flapping()
    for n in range(times):
        f.follow(change(Kind.RESOLVED, T0 + n, **of))
        f.follow(change(Kind.FIRING, T0 + n, **of))
    return f


def story(times: int, every: float = 8 * M) -> World:
    w = World(crew(FAST))
    for n in range(times):
        w.send(n * every, id_=f"f{n}")
    return w


def said(w: World) -> list[tuple[float, str, bool, str]]:
    return [((d.at - T0) / MINUTE, str(d.reason), d.page, str(d.status)) for d in w.told()]


def test_the_third_reopening_within_an_hour_is_named_and_further_ones_only_update_it() -> None:
    w = story(7).at(60 * M)
    pages = [(at, reason) for at, reason, page, status in said(w) if page and status == "firing"]
    assert pages == [
        (0.5, "first_notification"),
        (8.5, "first_notification"),
        (16.5, "first_notification"),
        (24.5, "flapping"),
    ]
    named = next(d for d in w.told() if d.reason is Reason.FLAPPING)
    later = [d for d in w.told() if d.at > named.at]
    assert {d.incident for d in later} == {named.incident}
    assert not any(d.page for d in later)
    assert [str(d.status) for d in later][:3] == ["resolved", "firing", "resolved"]


def test_after_an_hour_of_calm_it_pages_again() -> None:
    w = story(6).at(60 * M).clear().send(150 * M, id_="again").at(152 * M)
    assert said(w) == [(150.5, "first_notification", True, "firing")]


def test_slow_changes_are_no_flapping() -> None:
    w = story(6, every=35 * M).at(240 * M)
    assert "flapping" not in [reason for _, reason, _, _ in said(w)]


def test_getting_worse_pages_although_it_flaps() -> None:
    f = flapping()
    assert f.judge(due()).reason is Reason.FLAPPING
    low = Told(alert=alert(severity="low"), status=Status.FIRING, changed=True)
    assert not f.judge(due(low, incident="j")).page
    worse = Told(alert=alert(severity="critical"), status=Status.FIRING, changed=True)
    page = f.judge(due(worse, incident="k"))
    assert (page.page, page.reason, page.incident) == (True, Reason.FLAPPING, "k")


def test_a_page_with_something_else_in_it_goes_out_as_it_is() -> None:
    f = flapping()
    other = Told(alert=alert(fingerprint="g"), status=Status.FIRING, changed=True)
    mixed = due(*due().alerts, other)
    assert f.judge(mixed) == mixed
    reminder = due(replace(due().alerts[0], changed=False), reason=Reason.REPEAT)
    assert f.judge(reminder) == reminder


def test_its_end_is_told_where_it_was_named() -> None:
    f = flapping()
    f.judge(due())
    over = Told(alert=alert(), status=Status.RESOLVED, changed=True)
    told = f.judge(due(over, incident="other", status=Status.RESOLVED))
    assert (told.page, told.incident) == (False, "i")


def test_two_alerts_of_a_group_flap_together() -> None:
    f = flapping()
    for n in range(3):
        f.follow(change(Kind.RESOLVED, T0 + n, fingerprint="g"))
        f.follow(change(Kind.FIRING, T0 + n, fingerprint="g"))
    other = Told(alert=alert(fingerprint="g"), status=Status.FIRING, changed=True)
    old = replace(other, alert=alert(fingerprint="h"), changed=False)
    assert f.judge(due(*due().alerts, other, old)).reason is Reason.FLAPPING
    assert not f.judge(due(other)).page


def test_must_never_happen_alerts_and_those_of_others_are_never_held_back() -> None:
    foreign = Foreign(
        annotations={}, generator_url="", starts_at=0, ends_at=1, timeout=False, updated_at=0
    )
    for of in ({"never": True}, {"foreign": foreign}):
        f = flapping(9, **of)
        assert f.judge(due()).reason is Reason.FIRST


def test_only_openings_within_the_hour_count() -> None:
    f = flapping(2)
    f.follow(change(Kind.RESOLVED, T0 + 30 * MINUTE))
    f.follow(change(Kind.RESOLVED, T0 + 59 * MINUTE))
    f.follow(change(Kind.FIRING, T0 + HOUR + 30 * MINUTE))
    assert f.judge(due(at=T0 + HOUR + 30 * MINUTE)).reason is Reason.FIRST


def test_an_alert_that_never_ended_is_not_remembered() -> None:
    f = Flapping()
    f.follow(change(Kind.FIRING, T0))
    assert f.dump() == []


def test_the_memory_has_a_limit_and_forgets_the_quietest() -> None:
    f = Flapping()
    for n in range(MOST + 3):
        f.follow(change(Kind.RESOLVED, T0, fingerprint=f"f{n}"))
    kept = f.dump()
    assert isinstance(kept, list)
    assert len(kept) == MOST
    assert isinstance(kept[0], list)
    assert kept[0][0] == "!f3"


def test_what_is_kept_over_a_restart() -> None:
    f = flapping()
    f.judge(due())
    again = Flapping()
    again.load(f.dump())
    assert again.dump() == f.dump()
    assert not again.judge(due(incident="j")).page
