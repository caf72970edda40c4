"""So many pages in a shift: through the real engine, and the book that counts them."""

from dataclasses import replace

from rulesd.core.machine import NOT_DUE
from rulesd.core.page_budget import WITHOUT_SHIFT, Budgets
from rulesd.core.people import SHIFT, Budget
from rulesd.model.decision import Audience, NoticeDue, Status, Told
from rulesd.model.instant import DAY, HOUR
from rulesd.model.reasons import Reason
from tests.core.crew import crew, shifts
from tests.core.plans import T0, burst, rule
from tests.core.test_shifts import due
from tests.core.world import World
from tests.model.test_alert import alert

M = 60.0
TWO = Budget(pages=2, per=12 * HOUR)


def noisy(n: int, severity: str = "medium") -> object:
    return rule(
        f"tool.r{n}", detector=burst(1, HOUR), lateness=0, severity=lambda _: severity, by=()
    )


def story(*rules: object, budget: Budget = TWO, **owner: object) -> World:
    made = crew(*rules, page_budget=budget, **owner)  # type: ignore[arg-type]
    return World(replace(made, root=replace(made.root, group_by=("alertname",), group_wait=0)))


def paged(w: World) -> list[str]:
    return [
        d.alerts[0].alert.rule
        for d in w.told()
        if d.page and d.status is Status.FIRING and d.audience is Audience.ALL
    ]


def test_once_it_is_spent_what_is_not_grave_waits_for_the_digest() -> None:
    rules = [noisy(n, "high" if n == 3 else "medium") for n in range(5)]
    w = story(*rules).send(0).at(1 * M)
    assert paged(w) == ["tool.r0", "tool.r1", "tool.r3"]
    (spent,) = (d for d in w.decisions if isinstance(d, NoticeDue))
    assert spent.reason is Reason.BUDGET
    assert spent.title == (
        "safety has used its 2 pages; the budget begins again at 2026-01-05T20:00:00.000Z"
    )
    assert spent.lines == (
        "1 of 2 pages: tool.r0",
        "1 of 2 pages: tool.r1",
        "High and critical alerts still page; the others come in the digest.",
    )
    w.clear().at(13 * 60 * M)
    (digest,) = (d for d in w.decisions if isinstance(d, NoticeDue))
    assert (digest.reason, digest.at) == (Reason.DIGEST, T0 + 12 * HOUR)
    assert digest.title.startswith("Digest for safety: 2 alerts of 2 rules")
    w.clear().send(14 * 60 * M, id_="next").at(15 * 60 * M)
    assert "tool.r0" in paged(w)  # a new shift, a new budget


def test_must_never_happen_alerts_always_page() -> None:
    w = story(*(rule(f"tool.n{n}", severity=lambda _: "low") for n in range(4))).send(0)
    assert len(paged(w)) == 4


def test_without_a_budget_nothing_is_counted() -> None:
    b = Budgets(crew())
    assert b.until(due()) is None
    assert b.spend(due()) == []
    assert b.spend(replace(due(), alerts=())) == []
    assert b.dump() == {}


def test_a_shift_of_the_schedule_is_a_shift_of_the_budget() -> None:
    per_shift = Budget(pages=1, per=SHIFT)
    low = Told(alert=alert(severity="low"), status=Status.FIRING, changed=True)
    for schedule, ends in (
        (shifts("anna", "ben", every=8 * HOUR), T0 + 8 * HOUR),
        (shifts("anna"), T0 + 14 * DAY),
    ):
        b = Budgets(crew(schedule="main", schedules={"main": schedule}, page_budget=per_shift))
        b.spend(due(low, at=T0 + 1))
        assert b.until(due(low, at=T0 + 2)) == (ends if ends < T0 + DAY else ends + 1)
        assert b.until(due(low, at=ends + 1)) is None
    b = Budgets(crew(page_budget=per_shift))
    b.spend(due(low))
    assert b.until(due(low)) == T0 + WITHOUT_SHIFT
    assert NOT_DUE > WITHOUT_SHIFT


def test_the_loudest_rule_is_named_first_and_the_notice_goes_to_whoever_is_on_call() -> None:
    b = Budgets(
        crew(
            schedule="main",
            schedules={"main": shifts("anna")},
            page_budget=Budget(pages=3, per=HOUR),
        )
    )
    loud = Told(alert=alert(rule="loud"), status=Status.FIRING, changed=True)
    assert b.spend(due()) == b.spend(due(loud)) == []
    (notice,) = b.spend(due(loud))
    assert notice.lines[:2] == ("2 of 3 pages: loud", "1 of 3 pages: tool.x")
    assert notice.receiver == "anna-phone"
    assert b.spend(due(loud)) == []  # said once


def test_what_is_kept_over_a_restart() -> None:
    b = Budgets(crew(page_budget=TWO))
    b.spend(due())
    again = Budgets(b.plan)
    again.load(b.dump())
    assert again.dump() == b.dump() == {"safety": [T0 + 12 * HOUR, 1, False, {"tool.x": 1}]}
    assert len(again.spend(due())) == 1
