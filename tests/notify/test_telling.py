import math
from dataclasses import replace

import pytest

from rulesd.core.people import Person
from rulesd.core.plan import Route
from rulesd.model.alert import Foreign
from rulesd.model.decision import Status, Told
from rulesd.model.instant import DAY, MINUTE, parse_instant
from rulesd.model.notification import PageAlert
from rulesd.model.switch import Switch
from rulesd.notify.compose import NoLinks
from rulesd.notify.telling import CAUSES, LABELS, amount, next_page, next_step, story, tell
from tests.notify.samples import Links, T, alert, burst, due, plan, resolved, rule, told


def page(one: object = None, **given: object) -> PageAlert:
    member = told(one or alert(**given))  # type: ignore[arg-type]
    return tell(member, due(member), plan(), Links())


def test_everything_a_person_needs_is_there() -> None:
    said = page(burst())
    assert said.summary == "23 denials of shell in five minutes"
    assert (said.value, said.threshold) == ("23 events", "20 events")
    assert said.severity_meaning == "harm is likely within hours"
    assert said.owner_contact == "#platform-safety"
    assert said.identity == ("tenant", "tool")
    assert said.labels["alertname"] == "tool.denied_burst"
    assert said.labels["owner"] == "platform-safety"
    assert said.labels["route"] == "support-chat"
    assert said.since == "2026-01-05T09:00:11.000Z"
    assert said.ended_at == ""
    assert said.runbook_url == "https://rulesd.example/runbooks/tool.denied_burst?k=abc"
    assert said.first_five_minutes.startswith("1. Open the alert")
    assert said.console_url.endswith(said.alert)


def test_one_is_enough_has_no_threshold() -> None:
    assert (page().value, page().threshold) == ("1 event", "")


def test_a_summary_that_fails_falls_back_to_the_title() -> None:
    assert page(labels={"tenant": "acme"}).summary == rule().title
    assert page(labels={"tenant": "acme", "tool": "(missing)"}).summary.startswith("(missing) was")


def test_a_rule_that_is_gone_is_told_by_its_id() -> None:
    said = page(rule="gone.rule")
    assert (said.title, said.summary, said.runbook_url) == ("gone.rule", "gone.rule", "")
    assert said.identity == ("tenant", "tool")
    assert said.next_step


def test_could_not_evaluate_says_so() -> None:
    said = page(could_not_evaluate=True)
    assert said.title == f"Could not evaluate: {rule().title}"
    assert "nobody knows whether it happened" in said.summary
    assert "go unchecked" in said.next_step


def test_an_https_runbook_is_linked_as_it_is_and_no_other_scheme() -> None:
    outside = rule(
        runbook=rule().runbook.__class__(
            id="r", title="t", markdown="", url="https://wiki.example/r", first_five_minutes=""
        )
    )
    member = told(alert())
    assert tell(member, due(member), plan(outside), Links()).runbook_url == "https://wiki.example/r"
    assert tell(member, due(member), plan(), NoLinks()).runbook_url == ""


def test_limits() -> None:
    many = {f"label_{i}": "v" * 1_000 for i in range(200)}
    said = page(context=many, causes=tuple(f"e{i}" + "x" * 500 for i in range(90)))
    assert len(said.labels) == LABELS
    assert {"alertname", "owner", "severity", "tenant", "tool"} <= set(said.labels)
    assert max(len(v) for v in said.labels.values()) <= 256
    assert len(said.causes) == CAUSES
    assert said.causes[0].startswith("e0x")
    assert said.causes[-1].startswith("e89x")


def test_long_steps_are_cut_and_say_so() -> None:
    runbook = rule().runbook
    long = runbook.__class__(
        id="r", title="t", markdown="", url="", first_five_minutes="do this\n" * 900
    )
    member = told(alert())
    said = tell(member, due(member), plan(rule(runbook=long)), Links())
    assert len(said.first_five_minutes) <= 2_000
    assert said.first_five_minutes.endswith("(shortened: the rest stands in the runbook)")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.0, "events", "1 event"),
        (1204.0, "users", "1,204 users"),
        (0.03125, "", "0.03125"),
        (0.031257, "", "0.03126"),
        (123.456, "USD", "123.46 USD"),
        (1e20, "", "100,000,000,000,000,000,000.00"),
        (0.0, "events", "0 events"),
        (math.inf, "", "infinite"),
        (math.nan, "", "not a number"),
        (1.0, "s", "1 s"),
        (0.23081, "share", "23.1 %"),
        (1.0, "share", "100 %"),
        (0.0, "share", "0 %"),
        (math.nan, "share", "not a number share"),
    ],
)
def test_amount(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def step(member: object, **given: object) -> str:
    own = plan(root=given.pop("root", None))  # type: ignore[arg-type]
    position = own.by_id.get(member.alert.rule)  # type: ignore[attr-defined]
    found = own.rules[position] if position is not None else None
    return next_step(member, due(member, **given), own, found)  # type: ignore[arg-type]


def test_what_happens_next() -> None:
    assert "once this page is older than 15m" in step(told(alert()))
    assert "until 1d pass without another" in step(told(alert()))
    assert "pages again every 4h while it lasts" in step(told(burst()))
    assert "by itself 5m after" in step(told(burst()))
    assert step(told(alert(), Status.ACKNOWLEDGED)).startswith("It pages again as soon as")
    assert step(told(burst(), Status.ACKNOWLEDGED)).startswith("No more pages unless")
    assert step(resolved()).startswith("Nothing more")


def test_the_repeat_interval_is_that_of_the_route_the_group_came_from() -> None:
    child = Route(receiver="oncall", key='{}/{severity="high"}', repeat_interval=30 * MINUTE)
    deeper = Route(
        receiver="oncall", key='{}/{severity="high"}/{tenant="x"}', repeat_interval=MINUTE
    )
    root = Route(receiver="oncall", routes=(child, deeper))
    group = '{}/{severity="high"}:{alertname="a"}'
    assert "every 30m" in step(told(burst()), root=root, group=group)
    assert "every 4h" in step(told(burst()), root=root, group='{}:{alertname="a"}')
    assert "every 4h" in step(told(burst()), root=root, group="unknown")


def test_keep_firing_for_wins_over_the_detectors_hold() -> None:
    own = plan(rule("tool.denied_burst", never=False, keep_firing_for=2 * MINUTE))
    member = told(burst())
    assert "by itself 2m after" in next_step(member, due(member), own, own.rules[0])


def test_times() -> None:
    said = tell(resolved(), due(resolved()), plan(), Links())
    assert (said.ended_at, said.status) == ("2026-01-05T09:11:51.000Z", "resolved")
    assert said.started_at == "2026-01-05T09:00:11.040Z"
    assert T > 0


def test_a_foreign_alert_is_told_in_its_own_words_and_untouched() -> None:
    names = {"alertname": "tool.scope_violation", "job": "api", "severity": "page", "x": "y" * 900}
    foreign = Foreign(
        annotations={"description": "d", "summary": "Down <b>", "runbook_url": "https://wiki/x"},
        generator_url="https://prometheus/graph?g0",
        starts_at=T - 5_000,
        ends_at=T + 60_000,
        timeout=False,
        updated_at=T,
    )
    one = alert(labels=names, context={}, foreign=foreign, ended_at=T + 90_000, never=False)
    said = tell(told(one), due(), plan(), Links())
    assert said.labels == names
    assert (said.summary, said.title) == ("Down <b>", "tool.scope_violation")
    assert said.annotations == dict(foreign.annotations)
    assert said.generator_url == foreign.generator_url
    assert said.runbook_url == "https://wiki/x"
    assert said.started_at == "2026-01-05T09:00:06.000Z"
    assert said.ended_at == "2026-01-05T09:01:11.000Z"
    assert "while its source goes on sending it" in said.next_step
    # It has the name of a rule of ours, and is none.
    assert (said.first_five_minutes, said.value, said.foreign) == ("", "", True)


def test_a_page_says_who_is_paged_next() -> None:
    member = told(alert())
    soon = due(member, next_at=T + 14 * MINUTE, next_to="ben")
    said = tell(member, soon, plan(), Links()).next_step
    assert said.startswith("If nobody acknowledges it, ben is paged at 09:14 UTC. Further")
    later = next_page(due(member, next_at=T + DAY, next_to="ben"))
    assert later == "If nobody acknowledges it, ben is paged at 09:00 UTC on 2026-01-06."
    taken = told(alert(), Status.ACKNOWLEDGED)
    assert "ben" not in tell(taken, replace(soon, alerts=(taken,)), plan(), Links()).next_step
    assert next_page(due(member)) == ""


def test_a_page_names_the_person_who_is_paged() -> None:
    member = told(alert())
    crew = replace(
        plan(), people={"ben": Person(name="ben", contact="555"), "zoe": Person(name="zoe")}
    )
    page = due(member, on_call="ben")
    assert tell(member, page, crew, Links()).owner_contact == "paged: ben (555); #platform-safety"
    assert (
        tell(member, due(member, on_call="zoe"), replace(crew, owners={}), Links()).owner_contact
        == "paged: zoe"
    )
    assert tell(member, due(member), crew, Links()).owner_contact == "#platform-safety"


def of(**changes: object) -> Told:
    return told(replace(alert(), **changes))


def test_a_group_tells_its_story_in_one_breath() -> None:
    start = parse_instant("2026-01-05T02:14:05Z")
    three = [
        of(labels={"tenant": f"t{n}", "tool": f"x{n % 2}"}, count=61, since=start + n, event_time=T)
        for n in range(3)
    ]
    assert story(three) == "183 times since 02:14 UTC, 3 tenants"
    assert story(three[:1]) == ""
    same = [
        of(labels={"tenant": "a", "tool": t}, count=1000, since=start, event_time=T + DAY)
        for t in "xy"
    ]
    assert story(same) == "2,000 times since 2026-01-05 02:14 UTC, 2 tools"
    assert story([same[0], same[0]]) == "2,000 times since 2026-01-05 02:14 UTC"
    theirs = Foreign(
        annotations={}, generator_url="", starts_at=start, ends_at=T, timeout=False, updated_at=T
    )
    others = [of(labels={"job": j}, foreign=theirs, event_time=T) for j in "ab"]
    assert story(others) == "2 alerts since 02:14 UTC, 2 jobs"


def test_the_page_offers_to_contain_what_a_person_may() -> None:
    lock = Switch(name="lock", key="x", type="boolean", safe=False, default=True)
    mine = replace(lock, name="mine", may_set=("rules",))
    made = plan(rule(actions=("lock", "mine", "gone")))
    made = replace(made, switches={"lock": lock, "mine": mine})
    member = told(alert())
    assert tell(member, due(member), made, Links()).actions == ("lock",)
    assert page(rule="gone.rule").actions == ()
