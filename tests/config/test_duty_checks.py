from rulesd.config.duty_checks import AHEAD, clock, first_gap, gaps
from rulesd.config.problems import Code
from rulesd.core.machine import NOT_DUE
from rulesd.core.people import Schedule
from rulesd.model.errors import Located
from rulesd.model.instant import DAY, HOUR, parse_instant
from tests.config.testing import files, loaded

NOW = parse_instant("2026-01-07T12:00:00Z")
PEOPLE = "people: {anna: {receivers: {default: inbox}}}\n"
WEEK = (
    "schedules:\n  main: {timezone: Europe/Berlin, rota: {people: anna, from: 2026-01-05T00:00, "
    "hours: {days: mon-fri}}}\n"
)


def coming(owner: str, schedules: str = WEEK, at: int = NOW) -> tuple[Located, ...]:
    owners = f"owners:\n  team: {owner}\n{PEOPLE}{schedules}"
    result = loaded({"notifiers/owners.yaml": owners})
    assert result.plan is not None, [str(p) for p in result.errors]
    return gaps(result.files, result.plan, at)


def test_a_gap_is_told_with_the_day_and_who_is_paged_instead() -> None:
    (found,) = coming("{schedule: main}")
    assert (found.line, found.column, found.code, found.severity) == (
        2,
        20,
        Code.NOBODY_ON_CALL,
        "warning",
    )
    assert found.problem == (
        'nobody is on call for "team" from Saturday 00:00 (2026-01-10, Europe/Berlin) until '
        'Monday 00:00 (2026-01-12, Europe/Berlin): its pages go to "inbox"'
    )


def test_a_gap_that_a_receiver_covers_is_good_to_know() -> None:
    (found,) = coming("{schedule: main, receivers: {default: inbox}}")
    assert found.severity == "info"


def test_a_schedule_that_is_over_has_a_gap_without_end() -> None:
    away = "schedules:\n  main: {rota: {people: anna, from: 2030-01-05T00:00}}\n"
    (found,) = coming("{schedule: main}", away)
    assert "until" not in found.problem
    assert "Wednesday 12:00 (2026-01-07, UTC)" in found.problem


def test_no_gap_no_word() -> None:
    full = "schedules:\n  main: {rota: {people: anna, from: 2026-01-05T00:00}}\n"
    assert coming("{schedule: main}", full) == ()
    assert coming("{receivers: {default: inbox}}", full) == ()


def test_without_a_file_there_is_nothing_to_say() -> None:
    result = loaded()
    assert result.plan is not None
    assert gaps(files({"notifiers/owners.yaml": None}), result.plan, NOW) == ()
    assert gaps(files({"notifiers/owners.yaml": "owners: {"}), result.plan, NOW) == ()


def test_five_weeks_are_looked_through_and_not_more() -> None:
    def schedule(gap: int) -> Schedule:
        return Schedule(
            name="x",
            on_call=lambda at: () if at >= gap else ("anna",),
            next_change=lambda at: min(NOT_DUE if at >= gap else gap, at + DAY),
        )

    assert first_gap(schedule(NOW + AHEAD - HOUR), NOW) == (
        NOW + AHEAD - HOUR,
        NOW + AHEAD - HOUR + DAY,
    )
    assert first_gap(schedule(NOW + AHEAD), NOW) is None
    busy = Schedule(name="x", on_call=lambda at: ("a",), next_change=lambda at: at + 1)
    assert first_gap(busy, NOW) is None


def test_a_time_is_told_as_people_read_it() -> None:
    assert clock(NOW, "Asia/Tokyo") == "Wednesday 21:00 (2026-01-07, Asia/Tokyo)"


RECEIVERS = (
    'receivers:\n  inbox:\n    webhook: {url: "https://example.org/in", secret: {env: HOOK}}\n'
    "  hole: {}\n  chat: {slack: {webhook_url: {env: SLACK}}}\n"
)


def said(owner: str, routes: str = "") -> list[tuple[str, str]]:
    result = loaded(
        {
            "notifiers/owners.yaml": f"owners:\n  team: {owner}\n",
            "notifiers/receivers.yaml": RECEIVERS,
            "notifiers/routing.yaml": f"route:\n  receiver: inbox\n{routes}receivers:\n  - name: inbox\n",
        }
    )
    assert result.plan is not None, [str(p) for p in result.errors]
    return [
        (p.severity, p.problem)
        for p in (*result.problems, *result.infos)
        if p.code == Code.WAKES_NOBODY
    ]


def test_a_severity_that_wakes_nobody() -> None:
    assert said("{receivers: {default: chat, high: hole}}") == [
        ("warning", 'a high alert of "team" wakes nobody: "hole" has no channel')
    ]
    assert said("{receivers: {default: chat, high: inbox}}") == [
        ("info", 'a high alert of "team" wakes nobody: "inbox" has no channel that people read')
    ]


def test_severities_that_no_rule_gives_or_that_wake_somebody_are_left_alone() -> None:
    # The rules are high at worst; those about rulesd itself answer to the same owner and may be critical.
    assert said("{receivers: {default: chat, medium: hole}}") == []
    assert said("{receivers: {default: inbox, high: chat}}") == []
    route = "  routes: [{receiver: inbox, matchers: ['owner=\"team\"']}]\n"
    assert said("{receivers: {default: chat, high: hole}}", route) == []
    other = "  routes: [{receiver: inbox, matchers: ['owner=\"x\"']}]\n"
    assert len(said("{receivers: {default: chat, high: hole}}", other)) == 1


def test_a_person_whom_a_grave_page_would_not_reach() -> None:
    def told(receivers: str) -> list[tuple[str, str]]:
        result = loaded(
            {
                "notifiers/owners.yaml": "owners:\n  team: {receivers: {default: inbox}}\n"
                f"people:\n  anna: {{receivers: {receivers}}}\n"
            }
        )
        assert result.plan is not None, [str(p) for p in result.errors]
        found = [p for p in result.problems if p.code == Code.WAKES_NOBODY]
        return [(p.severity, p.problem) for p in found]

    assert told("{default: inbox}") == []
    assert told("{default: hole}") == [
        ("warning", 'a critical page does not reach "anna": "hole" has no channels')
    ]
    assert told("{low: inbox}") == [
        ("warning", 'a critical page does not reach "anna": no receiver for it'),
        ("warning", 'a high page does not reach "anna": no receiver for it'),
    ]
    assert told("{low: inbox, critical: inbox}") == [
        ("warning", 'a high page does not reach "anna": no receiver for it')
    ]
