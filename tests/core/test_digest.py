"""Pages that wait: through the real engine, and the lines of a digest."""

from dataclasses import replace

import pytest

from rulesd.core.digest import MOST_RULES, MOST_TENANTS, WITHOUT_TIME, Digests, may_wait
from rulesd.core.machine import NOT_DUE
from rulesd.core.people import DigestSpec
from rulesd.model.alert import Foreign
from rulesd.model.decision import Audience, NoticeDue, Status, Told
from rulesd.model.instant import HOUR, MINUTE
from rulesd.model.reasons import Reason
from tests.core.crew import crew
from tests.core.plans import T0, burst, rule
from tests.core.test_shifts import due
from tests.core.world import World
from tests.model.test_alert import alert

M = 60.0
HOURLY = DigestSpec(next=lambda at: (at // HOUR + 1) * HOUR, severities=("medium", "low"))
FOREIGN = Foreign(
    annotations={}, generator_url="", starts_at=0, ends_at=1, timeout=False, updated_at=0
)


def quiet(id_: str = "tool.low", severity: str = "low", **changes: object) -> object:
    return rule(id_, detector=burst(1, 60_000), lateness=0, severity=lambda _: severity, **changes)


def notices(w: World) -> list[NoticeDue]:
    return [d for d in w.decisions if isinstance(d, NoticeDue)]


def people(w: World) -> list[tuple[str, bool, str]]:
    return [(str(d.reason), d.page, str(d.status)) for d in w.told() if d.audience is Audience.ALL]


def world(*rules: object, **owner: object) -> World:
    return World(crew(*rules or (quiet(),), digest=HOURLY, **owner))  # type: ignore[arg-type]


def test_low_alerts_are_told_together_with_exact_counts() -> None:
    w = world(quiet("tool.a"), quiet("tool.b", "medium", by=()))
    for n in range(5):
        w.send(n, tenant=f"t{n % 3}", id_=f"e{n}")
    w.at(59 * M)
    assert people(w) == []
    w.at(60 * M)
    (notice,) = notices(w)
    assert notice.at == T0 + HOUR
    assert (notice.receiver, notice.owner, notice.reason) == ("team", "safety", Reason.DIGEST)
    assert notice.title == "Digest for safety: 4 alerts of 2 rules since 2026-01-05T08:00:00.000Z"
    assert notice.lines == (
        "title of tool.a (tool.a): 3 alerts, 0 still open, 3 tenants, seen 5 times since 2026-01-05T08:00:00.000Z",
        "title of tool.b (tool.b): 1 alert, 0 still open, seen 5 times since 2026-01-05T08:00:00.000Z",
    )
    assert w.clear().at(300 * M).decisions == []  # nothing waits, nothing is told


def test_machines_hear_of_it_at_once() -> None:
    w = world().send(0).at(10 * M)
    assert [(str(d.reason), str(d.audience), str(d.status)) for d in w.told()] == [
        ("digest", "machines", "firing"),
        ("all_alerts_resolved", "machines", "resolved"),
    ]


def test_what_gets_grave_pages_and_ends_aloud() -> None:
    severity = ["low"]
    made = rule(detector=burst(1, HOUR), lateness=0, severity=lambda _: severity[0])
    w = world(made).send(0).at(10 * M)
    assert people(w) == []
    severity[0] = "critical"
    w.send(10 * M, id_="worse").at(16 * M)
    assert people(w)[0][:2] == ("severity_raised", True)
    w.at(200 * M)
    assert people(w)[-1] == ("all_alerts_resolved", True, "resolved")


@pytest.mark.parametrize(
    ("of", "waits"),
    [
        ({"severity": "low"}, True),
        ({"severity": "critical"}, False),
        ({"severity": "high"}, False),
        ({"severity": "low", "never": True}, False),
        ({"severity": "low", "foreign": FOREIGN}, False),
    ],
)
def test_what_may_wait(of: dict[str, object], waits: bool) -> None:
    assert may_wait(alert(**of), ("critical", "low")) is waits


def test_a_page_waits_only_when_all_of_it_may() -> None:
    d = Digests(crew(digest=HOURLY))
    low = Told(alert=alert(severity="low"), status=Status.FIRING, changed=True)
    high = Told(alert=alert(severity="high"), status=Status.FIRING, changed=True)
    over = replace(high, status=Status.RESOLVED)
    assert d.waits(due(low))
    assert d.waits(due(low, over))
    assert not d.waits(due(low, high))
    assert not Digests(crew()).waits(due(low))
    assert not d.waits(replace(due(low), alerts=(replace(low, alert=alert(owner="x")),)))


def test_an_update_of_what_waits_is_not_for_people_either() -> None:
    w = world(rule(detector=burst(1, HOUR), lateness=0, severity=lambda _: "low"))
    w.send(0).at(1 * M)
    for n in range(20):
        w.send(2 * M + n, id_=f"more{n}")
    w.at(5 * M)
    assert people(w) == []
    assert len([d for d in w.told() if d.reason is Reason.UPDATE]) > 0


def test_beyond_the_limit_events_are_counted_as_of_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesd.core.digest.MOST_OPEN", 1)
    d = Digests(crew(digest=HOURLY))
    for n in range(3):
        made = alert(severity="low", alert=f"a{n}", count=2)
        d.fold(due(Told(alert=made, status=Status.FIRING, changed=True)))
    over = Told(alert=alert(severity="low", alert="a2"), status=Status.RESOLVED, changed=True)
    d.end(due(over))
    now = [alert(alert=f"a{n}", count=10) for n in range(3)]
    (notice,) = d.handle_timer(T0 + HOUR, now)
    assert "3 alerts, 2 still open, 1 tenant, seen 14 times" in notice.lines[0]


def test_what_is_still_open_is_counted() -> None:
    w = world(rule(detector=burst(1, 3 * HOUR), lateness=0, severity=lambda _: "low"))
    w.send(0).send(1, tenant="b").send(2 * M, id_="late").at(60 * M)
    assert "2 alerts, 2 still open, 2 tenants, seen 3 times" in notices(w)[0].lines[0]
    # They end after the digest: nobody was told of them by a page, so nobody is told of their end.
    w.clear().at(300 * M)
    assert people(w) == []


def test_without_a_time_of_its_own_it_is_told_when_the_budget_begins_again() -> None:
    d = Digests(crew())
    low = Told(alert=alert(severity="low"), status=Status.FIRING, changed=True)
    d.fold(due(low), T0 + 5 * MINUTE)
    assert d.due == T0 + 5 * MINUTE
    d = Digests(crew())
    d.fold(due(low))
    assert d.due == T0 + WITHOUT_TIME


def test_an_acknowledgement_that_expires_is_not_counted_twice() -> None:
    d = Digests(crew(digest=HOURLY))
    low = Told(alert=alert(severity="low"), status=Status.FIRING, changed=True)
    again = d.fold(due(low))
    assert (again.audience, again.reason) == (Audience.MACHINES, Reason.DIGEST)
    d.fold(due(low, reason=Reason.ACK_EXPIRED))
    d.fold(due(replace(low, changed=False), reason=Reason.REPEAT))
    assert d.rows["safety", "team"]["tool.x"].alerts == 1


def test_more_ends_than_beginnings_are_no_debt() -> None:
    d = Digests(crew(digest=HOURLY))
    low = Told(alert=alert(severity="low"), status=Status.FIRING, changed=True)
    over = replace(low, status=Status.RESOLVED)
    d.fold(due(low))
    for _ in range(2):
        d.end(due(over, status=Status.RESOLVED))
    other = replace(over, alert=alert(rule="other"))
    d.end(due(other, replace(other, changed=False)))
    assert d.rows["safety", "team"]["tool.x"].over == 1
    assert not d.known(due(low))


def test_long_lists_are_cut_and_counted() -> None:
    d = Digests(crew(digest=HOURLY))
    for n in range(MOST_RULES + 5):
        made = alert(severity="low", rule=f"r{n:03}", labels={})
        d.fold(due(Told(alert=made, status=Status.FIRING, changed=True)))
    for n in range(MOST_TENANTS + 5):
        made = alert(
            severity="low", rule="loud", labels={"tenant": f"t{n}"}, alert=f"a{n}", count=2
        )
        d.fold(due(Told(alert=made, status=Status.FIRING, changed=True)))
    (notice,) = d.handle_timer(T0 + HOUR, [])
    assert notice.title.startswith("Digest for safety: 1,040 alerts of 36 rules")
    assert "1,005 alerts" in notice.lines[0]
    assert "at least 1,000 tenants" in notice.lines[0]
    assert "seen 2,010 times" in notice.lines[0]
    assert notice.lines[-1] == "and 6 alerts of 6 more rules"


def test_what_is_kept_over_a_restart() -> None:
    w = world(quiet("tool.a"), quiet("tool.b", "medium")).send(0).send(5, tenant="b").at(1 * M)
    twin = World(w.engine.plan)
    twin.engine.restore(*w.engine.snapshot())
    for each in (w, twin):
        each.clear()
        each.at(70 * M)
    assert twin.decisions == w.decisions
    assert len(notices(w)) == 1
    assert Digests(crew()).due == NOT_DUE


def test_the_figures_of_a_storm_are_told_once_the_rush_is_over() -> None:
    rules = [rule(f"tool.r{n % 3}.{n}", severity=lambda _: "high") for n in range(30)]
    w = World(crew(*rules))
    for tenant in ("a", "b"):
        w.send(0, tenant=tenant, id_=tenant)
    w.at(10 * M)
    (notice,) = notices(w)
    assert (notice.at, notice.reason) == (T0 + 5 * MINUTE, Reason.DIGEST)
    # 60 alerts: ten went out one by one, fifty were folded.
    assert notice.title.startswith("Digest for safety: 50 alerts of 30 rules")
    assert sum(int(line.split(": ")[1].split(" ")[0]) for line in notice.lines) == 50
    assert w.clear().at(60 * M).decisions == []


def test_what_a_folded_page_repeats_is_not_counted_again() -> None:
    d = Digests(crew())
    high = Told(alert=alert(), status=Status.FIRING, changed=True)
    d.folded(due(high, replace(high, changed=False)))
    assert d.rows["safety", "team"]["tool.x"].alerts == 1
    assert d.due == T0 + 5 * MINUTE


def test_a_digest_whose_receiver_is_gone_goes_to_the_owners() -> None:
    w = world().send(0).at(1 * M)
    gone = crew(quiet(), digest=HOURLY, receivers={"default": "lead"})  # type: ignore[arg-type]
    left = {k: v for k, v in gone.receivers.items() if k != "team"}
    w.take(w.engine.replace(replace(gone, receivers=left), w.now)).at(60 * M)
    assert {n.receiver for n in notices(w)} == {"lead"}
    d = Digests(replace(gone, receivers={}, owners={}))
    d.fold(due(Told(alert=alert(severity="low"), status=Status.FIRING, changed=True)))
    assert [n.receiver for n in d.handle_timer(NOT_DUE, [])] == ["default"]


def test_of_too_many_groups_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesd.core.digest.MOST_GROUPS", 2)
    d = Digests(crew(digest=HOURLY))
    low = Told(alert=alert(severity="low"), status=Status.FIRING, changed=True)
    for n in range(3):
        d.fold(due(low, group=f"g{n}"))
    assert [d.known(due(low, group=f"g{n}")) for n in range(3)] == [False, True, True]


def test_a_receiver_may_have_a_digest_of_its_own() -> None:
    p = crew(quiet(severity="medium"))  # type: ignore[arg-type]
    team = replace(p.receivers["team"], digest=HOURLY)
    w = World(replace(p, receivers={**p.receivers, "team": team})).send(0).at(60 * M)
    assert people(w) == []
    assert [(n.receiver, n.owner) for n in notices(w)] == [("team", "safety")]
