from dataclasses import replace

from rulesd.core.plan import Matcher, Route
from rulesd.core.throttle import OwnerPages, Throttle
from rulesd.model.decision import Audience, NotificationDue
from rulesd.model.inputs import ResolvedByPerson
from tests.core.foreigners import Posts
from tests.core.plans import plan, rule
from tests.core.world import World

STORM = Route(receiver="default", group_by=("tenant",))


def storm(count: int, every: float = 1.0) -> World:
    """A must-never-happen rule trips for one tenant after the other."""
    w = World(plan(rule(), root=STORM))
    for n in range(count):
        w.send(n * every, tenant=f"t{n}")
    return w


def to(w: World, audience: Audience) -> list[NotificationDue]:
    return [d for d in w.told() if d.audience is audience]


def test_ten_pages_go_out_and_the_eleventh_becomes_the_collected_page() -> None:
    w = storm(13)
    assert len(to(w, Audience.ALL)) == 10
    assert len(to(w, Audience.MACHINES)) == 3
    (collected,) = to(w, Audience.PEOPLE)
    assert (collected.page, collected.storm, str(collected.reason)) == (True, 1, "owner_page_limit")
    w.at(20.5)  # ten seconds after it was opened
    opened, updated = to(w, Audience.PEOPLE)
    assert (updated.page, updated.storm, updated.incident) == (False, 3, opened.incident)
    assert updated.alerts[0].alert.labels == {"tenant": "t12"}


def test_when_the_window_has_passed_pages_go_out_by_themselves_again() -> None:
    w = storm(12).at(400).clear()
    w.send(401, tenant="new")
    assert [d.audience for d in w.told()] == [Audience.ALL]


def test_what_was_folded_is_not_opened_by_an_update_and_the_collected_page_ends_with_it() -> None:
    w = storm(12).at(30).clear()
    w.send(31, tenant="t11").at(60)  # happened again: an update in place, which people were spared
    assert w.told() == []
    for tenant in ("t10", "t11"):
        alert = next(a for a in w.engine.alerts() if a.labels["tenant"] == tenant)
        w.give(ResolvedByPerson(alert=alert.alert, by="jo"))
    assert [d.audience for d in w.told()] == [Audience.MACHINES, Audience.MACHINES, Audience.PEOPLE]
    last = w.told()[-1]
    assert (str(last.status), str(last.reason), last.storm) == (
        "resolved",
        "all_alerts_resolved",
        2,
    )
    assert w.engine.dispatch.throttle.owners["safety"].folded == 0


def test_a_group_that_was_told_by_itself_ends_by_itself() -> None:
    w = storm(12).at(30).clear()
    alert = next(a for a in w.engine.alerts() if a.labels["tenant"] == "t1")
    w.give(ResolvedByPerson(alert=alert.alert, by="jo"))
    assert [d.audience for d in w.told()] == [Audience.ALL]


def test_a_group_whose_own_page_goes_out_again_is_no_longer_folded() -> None:
    r = rule(again_after=60_000)
    w = World(plan(r, root=STORM))
    for n in range(11):
        w.send(n, tenant=f"t{n}")
    w.at(600).clear().send(700, tenant="t10")
    assert [(d.audience, str(d.reason)) for d in w.told()] == [(Audience.ALL, "happened_again")]
    assert not w.engine.dispatch.throttle.owners["safety"].groups


def test_a_collected_page_whose_groups_are_gone_is_not_updated() -> None:
    w = storm(13)
    w.engine.dispatch.groups.clear()
    w.clear()
    out: list[object] = []
    w.engine.dispatch.throttle.handle_timer({}, w.now + 60_000, out)  # type: ignore[arg-type]
    assert out == []


def test_a_long_storm_is_remembered_in_bounded_memory() -> None:
    pages = OwnerPages(2, 10**9)
    for at in range(1_000):
        pages.admit(at)
    assert pages.folded == 998
    assert len(str(pages.dump())) < 400


def test_it_is_written_and_read_back() -> None:
    throttle = storm(13).engine.dispatch.throttle
    again = Throttle()
    again.load(throttle.dump())
    assert again.dump() == throttle.dump()
    assert again.next_timer() == throttle.next_timer() is not None
    quiet = Throttle()
    quiet.load({"safety": OwnerPages(1, 1).dump()})
    assert quiet.next_timer() is None
    assert replace(STORM).receiver == "default"


def test_another_limit_holds_from_now_on_for_owners_known_and_new() -> None:
    w = storm(2)
    assert w.engine.dispatch.throttle.allowed == (10, 300_000)
    w.take(w.engine.replace(w.engine.plan, w.now, (2, 300_000)))
    w.send(5, tenant="one more")
    assert len(to(w, Audience.ALL)) == 2
    assert len(to(w, Audience.PEOPLE)) == 1
    assert w.engine.dispatch.throttle.allowed == (2, 300_000)


def test_the_limit_in_force_is_part_of_the_state() -> None:
    w = storm(2)
    w.engine.replace(w.engine.plan, w.now, (2, 60_000))
    again = World(w.engine.plan)
    again.engine.restore(*w.engine.snapshot())
    assert again.engine.dispatch.throttle.allowed == (2, 60_000)
    again.send(5, tenant="one more")
    assert len(to(again, Audience.PEOPLE)) == 1


def graded(**severities: str) -> World:
    """One rule for each severity; they trip for one tenant after the other."""
    rules = [
        rule(f"tool.{name}", severity=lambda _, s=severity: s)
        for name, severity in severities.items()
    ]
    when = {f"tool.{name}": lambda d, n=name: d["data"].get("which") == n for name in severities}
    return World(
        plan(*rules, when=when, root=Route(receiver="default", group_by=("alertname", "tenant")))
    )


def test_however_many_milder_pages_there_are_they_do_not_fold_a_critical_one() -> None:
    w = graded(mild="low", grave="critical")
    for n in range(200):
        w.send(n / 100, tenant=f"t{n}", which="mild")
    w.clear().send(3, which="grave")
    (page,) = w.told()
    assert (page.audience, page.page, page.at) == (Audience.ALL, True, w.now)
    assert page.alerts[0].alert.severity == "critical"


def test_graver_pages_count_against_milder_ones_and_a_flood_of_critical_ones_is_folded() -> None:
    w = graded(mild="low", grave="critical")
    for n in range(12):
        w.send(n / 100, tenant=f"t{n}", which="grave")
    assert len(to(w, Audience.ALL)) == 10
    w.clear().send(1, which="mild")
    assert to(w, Audience.ALL) == []


def test_pages_as_an_older_version_counted_them_are_read() -> None:
    pages = OwnerPages(3, 1_000)
    pages.load([[5, 6, 7], 0, 0, 0, None, []])
    assert not pages.admit(8)
    assert pages.admit(2_000)


def test_alerts_without_an_owner_count_for_their_receiver() -> None:
    match = Matcher(name="team", op="=", value="x", test="x".__eq__)
    other = Route(receiver="pager", matchers=(match,), group_by_all=True, group_wait=0)
    root = Route(receiver="default", group_by_all=True, group_wait=0, routes=(other,))
    w = Posts(root=root)
    w.post(0, *(f"A n={n}" for n in range(12)), *(f"A team=x n={n}" for n in range(5))).at(1)
    assert sorted(d.receiver for d in to(w, Audience.ALL)) == ["default"] * 10 + ["pager"] * 5
    assert set(w.engine.dispatch.throttle.owners) == {"@default", "@pager"}


def test_all_that_is_not_critical_shares_one_limit() -> None:
    w = graded(low="low", medium="medium", high="high")
    for n in range(5):
        for which in ("low", "medium", "high"):
            w.send(n / 10, tenant=f"t{n}", which=which)
    assert len(to(w, Audience.ALL)) == 10


def test_a_storm_of_another_systems_alerts_is_counted_exactly_and_hides_nothing_critical() -> None:
    """2,000 alerts in 200 groups of one owner: ten pages, and one that counts the other 190; machines get all."""
    root = Route(receiver="default", group_by=("alertname",), group_wait=1_000)
    w = Posts(root=root)
    for n in range(20):
        w.post(
            n / 10,
            *(f"A{n}x{g} owner=team severity=low i={i}" for g in range(10) for i in range(10)),
        )
    w.at(15)
    assert len(to(w, Audience.ALL)) == 10
    assert len(to(w, Audience.MACHINES)) == 190
    opened, *_, latest = to(w, Audience.PEOPLE)
    assert (opened.page, latest.page, latest.storm) == (True, False, 190)
    assert sum(len(d.alerts) for d in (*to(w, Audience.ALL), *to(w, Audience.MACHINES))) == 2_000
    w.clear().post(20, "Down owner=team severity=critical").at(21)
    (page,) = to(w, Audience.ALL)
    assert (page.at, page.alerts[0].alert.rule) == (w.now, "Down")
