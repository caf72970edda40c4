"""Incidents as they happened, with the rules this product ships."""

from rulesd.model.decision import Status
from tests.scenarios.story import Story


def test_an_assistant_oversteps_and_the_owner_is_woken_once() -> None:
    s = Story("02:14").event(
        "tool.call",
        tenant="acme",
        tool="crm_export",
        scope="out",
        outcome="ok",
        session_id="s1",
        model="m2",
    )
    page = s.expect_page(
        "tool.scope_violation",
        to="platform-safety",
        severity="critical",
        tenant="acme",
        tool="crm_export",
    )
    assert page.at == s.now  # at once
    assert page.alert.context["model"] == "m2"
    s.at("02:20").event(
        "tool.call",
        tenant="acme",
        tool="crm_export",
        scope="out",
        outcome="ok",
        session_id="s2",
        times=5,
        every=20,
    )
    s.at("08:00").expect_no_more()
    assert s.alert("tool.scope_violation").count == 6


def test_it_happens_again_after_somebody_took_it() -> None:
    s = Story("10:00").event("tool.call", tool="shell", scope="out", outcome="ok")
    s.expect_page("tool.scope_violation")
    s.at("10:05").acknowledge("tool.scope_violation")
    s.at("10:30").event("tool.call", tool="shell", scope="out", outcome="ok")
    s.expect_page("tool.scope_violation", reason="happened_again")
    s.at("10:40").resolve("tool.scope_violation")
    assert s.told[-1].status is Status.RESOLVED
    s.at("23:00").expect_no_more()


def test_a_broker_delivers_twice_and_a_phone_rings_once() -> None:
    s = Story("09:00").event(
        "retrieval.query",
        tenant="globex",
        index="kb",
        cross_tenant=True,
        outcome="ok",
        result_count=3,
        id_="r1",
    )
    s.expect_page("retrieval.cross_tenant_hit", to="retrieval-safety", tenant="globex")
    before = len(s.engine.alerts())
    s.event(
        "retrieval.query",
        tenant="globex",
        index="kb",
        cross_tenant=True,
        outcome="ok",
        result_count=3,
        id_="r1",
    )
    s.at("09:30").expect_no_more()
    assert (len(s.engine.alerts()), s.engine.alerts()[0].count) == (before, 1)


def test_news_that_is_twenty_minutes_old_is_still_news() -> None:
    s = Story("09:20").event(
        "retrieval.query",
        tenant="globex",
        index="kb",
        cross_tenant=True,
        outcome="ok",
        result_count=3,
        late=1_200,
    )
    s.expect_page("retrieval.cross_tenant_hit", severity="critical")
    s.at("10:00").expect_no_more()


def test_a_burst_of_denials_is_one_page_however_long_it_lasts() -> None:
    s = Story("14:00").event(
        "tool.call", tool="shell", outcome="denied", times=60, every=10, deny_reason="policy"
    )
    page = s.expect_page("tool.denied_burst", to="platform-safety", severity="high", tool="shell")
    assert page.alert.value == 20
    s.at("20:00").expect_no_more()
    assert s.told[-1].status is Status.RESOLVED
    assert s.told[-1].alerts[0].alert.count == 60


def test_the_same_denials_over_a_day_are_nobodys_night() -> None:
    s = Story("00:10").event("tool.call", tool="shell", outcome="denied", times=60, every=1_200)
    s.expect_no_more()


def test_two_tenants_are_two_incidents_with_one_owner() -> None:
    s = Story("11:00")
    for tenant in ("acme", "globex"):
        s.event("tool.call", tenant=tenant, tool="shell", scope="out", outcome="ok")
    s.expect_page("tool.scope_violation", tenant="acme")
    s.expect_page("tool.scope_violation", tenant="globex")
    s.at("12:00").expect_no_more()


def test_a_producer_whose_clock_is_a_year_ahead_is_heard_all_the_same() -> None:
    s = Story("09:00").event(
        "tool.call", tool="shell", scope="out", outcome="ok", late=-365 * 86_400
    )
    s.expect_page("tool.scope_violation")
    s.at("+1 08:59").expect_no_more()
    assert s.alert("tool.scope_violation").event_time <= s.now
    s.at("+1 09:01")
    assert [a.rule for a in s.engine.alerts()] == []


def test_someone_speaks_for_another_tenant() -> None:
    s = Story("09:00").event(
        "tool.call",
        tenant="acme",
        claims="globex",
        tool="kb_read",
        outcome="ok",
        service="assistant",
    )
    s.expect_page("telemetry.tenant_mismatch", tenant="acme", service="assistant")
    s.at("10:00").expect_no_more()


def test_a_release_opens_a_hole_for_everyone_and_the_owner_gets_one_collected_page() -> None:
    s = Story("03:00")
    for n in range(40):
        s.event(
            "tool.call", tenant=f"tenant-{n:02}", tool="shell", scope="out", outcome="ok"
        ).forward(1)
    collected = [d for d in s.told if d.storm]
    assert len({d.incident for d in collected}) == 1
    assert sum(d.page for d in collected) == 1
    s.at("03:02")
    assert max(d.storm for d in s.told) == 30
    people = [d for d in s.told if d.page and str(d.audience) != "machines"]
    assert len(people) == 11  # ten by themselves, and one for the other thirty
    machines = [d for d in s.told if d.page and str(d.audience) != "people"]
    assert len(machines) == 40  # programs hear of every one
