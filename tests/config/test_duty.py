"""People and schedules as they are written; their mistakes stand in ``mistakes/owners``."""

from rulesd.config import load_archive
from rulesd.core.people import SHIFT
from rulesd.core.plan import Plan
from rulesd.model.instant import HOUR, parse_instant
from tests.config.testing import loaded

T = parse_instant("2026-01-07T12:00:00Z")
PEOPLE = "people:\n  anna: {contact: 'Anna, 555', receivers: {default: inbox, low: hole}}\n  ben: {receivers: {default: hole}}\n"
ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
    "DTSTART:20260107T080000Z\r\nDTEND:20260108T080000Z\r\nSUMMARY:Ben\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def plan(owners: str, **files: str) -> Plan:
    changed = {f"notifiers/{name}": body for name, body in files.items()}
    result = loaded({"notifiers/owners.yaml": owners, **changed})
    assert result.plan is not None, [str(p) for p in result.errors]
    again = load_archive(result.archive)
    assert again.plan is not None
    assert again.plan.digest == result.plan.digest
    return again.plan  # what a plan can do, it can do after a restart


def test_owners_with_everything() -> None:
    p = plan(
        "owners:\n  team:\n    receivers: {default: inbox}\n    schedule: main\n    escalation: up\n"
        "    page_budget: {pages: 5, per: shift}\n    digest: 'CRON_TZ=Europe/Berlin 0 9 * * 1-5'\n    repeat_max: 1d\n"
        "  other: {page_budget: {pages: 3, per: 12h}, digest: {at: '0 0 * * *', severities: [low, medium]}}\n"
        f"{PEOPLE}"
        "schedules:\n  main: {timezone: Europe/Berlin, rota: {people: [anna, ben], from: 2026-01-05T09:00}}\n"
        "escalations:\n  up: {steps: [{wait: 5m, notify: {person: ben}}]}\n"
    )
    team, other = p.owners["team"], p.owners["other"]
    assert (team.schedule, team.escalation, team.repeat_max) == ("main", "up", 24 * HOUR)
    assert team.page_budget is not None
    assert (team.page_budget.pages, team.page_budget.per) == (5, SHIFT)
    assert team.digest is not None
    assert team.digest.severities == ("low",)
    assert team.digest.next(T) == parse_instant("2026-01-08T08:00:00Z")
    assert other.page_budget is not None
    assert other.page_budget.per == 12 * HOUR
    assert other.digest is not None
    assert other.digest.severities == ("low", "medium")
    assert (other.schedule, other.escalation, other.repeat_max) == ("", "", 0)
    assert p.people["anna"].contact == "Anna, 555"
    assert p.people["anna"].receivers == {"default": "inbox", "low": "hole"}
    assert p.schedules["main"].on_call(T) == ("anna",)
    assert p.schedules["main"].next_change(T) == parse_instant("2026-01-12T08:00:00Z")
    assert p.schedules["main"].zone == "Europe/Berlin"
    assert p.escalations["up"].default.steps[0].targets[0].name == "ben"


def test_rotas_in_layers_with_somebody_who_stands_in() -> None:
    p = plan(
        f"owners: {{team: {{receivers: {{default: inbox}}}}}}\n{PEOPLE}"
        "schedules:\n  main:\n    rota:\n"
        "      - {people: anna, from: 2026-01-05T00:00, hours: {from: '08:00', to: '20:00'}}\n"
        "      - {people: ben, from: 2026-01-05T00:00}\n"
        "    overrides: [{from: 2026-01-07T11:00, to: 2026-01-07T13:00, who: ben}]\n"
    )
    on_call = p.schedules["main"].on_call
    assert [on_call(T + n * HOUR) for n in (-2, 0, 1, 9)] == [
        ("anna",),
        ("ben",),
        ("anna",),
        ("ben",),
    ]


def test_a_calendar_is_a_file_below_the_notifiers() -> None:
    owners = f"owners: {{team: {{schedule: cal}}}}\n{PEOPLE}schedules: {{cal: {{ical: calendars/on.ics}}}}\n"
    p = plan(owners, **{"calendars/on.ics": ICS})
    assert p.schedules["cal"].on_call(T) == ("ben",)
    other = plan(owners, **{"calendars/on.ics": ICS.replace("Ben", "Anna")})
    assert other.digest != p.digest


def test_a_calendar_that_is_broken_or_empty() -> None:
    owners = f"owners: {{team: {{}}}}\n{PEOPLE}schedules: {{cal: {{ical: on.ics}}}}\n"
    for body, said in [
        ("nothing", "no iCalendar file"),
        ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n", "has no events"),
    ]:
        result = loaded({"notifiers/owners.yaml": owners, "notifiers/on.ics": body})
        assert [(p.code, p.line, p.column) for p in result.errors] == [("invalid_calendar", 5, 25)]
        assert said in result.errors[0].problem


def test_a_file_that_cannot_be_parsed_gives_nothing() -> None:
    result = loaded({"notifiers/owners.yaml": "owners: {team: {}}\npeople: 5\n"})
    assert [p.code for p in result.errors] == ["wrong_type"]
