"""The owners.yaml of ``docs/oncall.md``, loaded as it stands there and lived through."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rulesd.config import Loaded, load_files
from rulesd.config.duty_checks import gaps
from rulesd.core.plan import Plan
from rulesd.model.decision import Audience, NoticeDue, NotificationDue, Status
from rulesd.model.inputs import Acknowledged
from rulesd.model.instant import Instant, parse_instant
from rulesd.notify.compose import NoLinks, compose, decode_notification
from tests.config.testing import RUNBOOK, files
from tests.core.plans import event
from tests.core.world import World

PAGE = Path(__file__).parents[2] / "docs" / "oncall.md"
BACKUP = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"
    "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Europe/Berlin:20260105T000000\r\n"
    "DTEND;TZID=Europe/Berlin:20260112T000000\r\nRRULE:FREQ=WEEKLY;INTERVAL=2\r\nSUMMARY:Backup: Ben\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:2\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Europe/Berlin:20260112T000000\r\n"
    "DTEND;TZID=Europe/Berlin:20260119T000000\r\nRRULE:FREQ=WEEKLY;INTERVAL=2\r\nSUMMARY:Backup: Anna\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)
NAMES = ("default", "team", "daytime", "leads", "anna-phone", "ben-phone", "chris-phone")


def rule(id_: str, detect: str, severity: str, tests: str = "[{name: quiet, expect: []}]") -> str:
    return (
        f"id: tool.{id_}\ntitle: {id_.capitalize()}\nowner: platform-safety\nrunbook: mistake.md\n"
        f"on: [tool.call]\nwhen: {{'==': [{{var: data.tool}}, {id_}]}}\nby: [tenant]\n"
        f"detect: {detect}\nseverity: {severity}\ntests: {tests}\n"
    )


def example(mail: str = "") -> Loaded:
    (text,) = (
        b for b in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL) if "owners:" in b
    )
    receivers = "".join(f"  {n}: {{slack: {{webhook_url: {{env: S}}}}}}\n" for n in NAMES)
    burst = "{burst: {count: 1, within: 1m}}"
    long = "{burst: {count: 1, within: 30m}}"
    return load_files(
        files(
            {
                "notifiers/owners.yaml": text,
                "notifiers/receivers.yaml": f"receivers:\n{receivers}",
                "notifiers/routing.yaml": "route: {receiver: default, group_by: [alertname, tenant]}\nreceivers: []\n",
                "notifiers/calendars/backup.ics": BACKUP,
                "rules/tool/base.yaml": None,
                "rules/tool/mistake.md": RUNBOOK,
                "rules/tool/shell.yaml": rule("shell", "never", "critical"),
                "rules/tool/mail.yaml": mail or rule("mail", long, "high"),
                "rules/tool/low.yaml": rule("low", burst, "low"),
                **{f"rules/tool/m{n}.yaml": rule(f"m{n}", burst, "medium") for n in range(8)},
            }
        )
    )


@pytest.fixture(scope="module")
def plan() -> Plan:
    loaded = example()
    assert loaded.plan is not None, [str(p) for p in loaded.errors]
    assert [str(p) for p in loaded.problems] == []
    return loaded.plan


def at(text: str) -> Instant:
    return parse_instant(f"2026-01-{text}Z")


class Night:
    """The world, by the clock."""

    def __init__(self, plan: Plan) -> None:
        self.world, self.plan, self.count = World(plan), plan, 0

    def call(self, when: str, tool: str, tenant: str = "acme") -> "Night":
        self.count += 1
        self.world.now = at(when)
        self.world.give(event(f"e{self.count}", at(when), tenant=tenant, tool=tool))
        return self

    def until(self, when: str) -> "Night":
        self.world.now = at(when)
        self.world.take(self.world.engine.handle_timer(at(when)))
        return self

    def ack(self, when: str) -> "Night":
        self.until(when)
        alert = next(a for a in self.world.engine.alerts() if not a.acknowledged_by)
        self.world.give(Acknowledged(alert=alert.alert, by="jo"))
        return self

    def heard(self) -> list[str]:
        return [
            f"{clock(d.at)} {d.receiver}: {d.reason}"
            for d in self.world.told()
            if d.page and d.status is Status.FIRING and d.audience is not Audience.MACHINES
        ]

    def notices(self) -> list[NoticeDue]:
        return [d for d in self.world.decisions if isinstance(d, NoticeDue)]


def clock(moment: Instant) -> str:
    return f"{datetime.fromtimestamp(moment / 1000, UTC):%d %H:%M}"


def test_at_night_the_second_rota_is_paged_and_the_critical_chain_climbs(plan: Plan) -> None:
    night = Night(plan).call("06T01:09:00", "shell").until("06T02:00:00")
    assert night.heard() == [
        "06 01:09 chris-phone: must_never_happen",
        "06 01:14 ben-phone: escalated",
        "06 01:14 chris-phone: escalated",
        "06 01:24 leads: escalated",
        "06 01:34 chris-phone: nobody_acknowledged",
    ]
    first = next(d for d in night.world.told() if d.page)
    (row,) = compose(first, plan, number=1, links=NoLinks())
    page = decode_notification(row.body)
    assert page.alerts[0].next_step.startswith(
        "If nobody acknowledges it, ben, chris is paged at 01:14 UTC."
    )
    assert page.alerts[0].owner_contact == (
        "paged: chris (Chris, +49 30 555 03); Platform safety, #safety-oncall"
    )


def test_by_day_whoever_has_the_week_is_paged_and_taking_it_stops_everything(plan: Plan) -> None:
    night = Night(plan).call("06T09:00:00", "mail").ack("06T09:05:00").until("06T12:00:00")
    assert night.heard() == ["06 09:00 anna-phone: first_notification"]
    next_week = Night(plan).call("13T09:00:00", "mail").until("13T09:20:00")
    assert next_week.heard() == [
        "13 09:00 ben-phone: first_notification",
        "13 09:15 anna-phone: escalated",
    ]


def test_a_critical_alert_that_was_taken_and_forgotten_comes_back(plan: Plan) -> None:
    night = Night(plan).call("06T09:00:00", "shell").ack("06T09:03:00").until("06T10:09:00")
    assert night.heard() == [
        "06 09:00 anna-phone: must_never_happen",
        "06 10:03 anna-phone: ack_expired",
        "06 10:08 ben-phone: escalated",
        "06 10:08 chris-phone: escalated",
    ]


def test_somebody_stands_in(plan: Plan) -> None:
    night = Night(plan).call("14T09:00:00", "mail").until("14T09:01:00")
    assert night.heard() == ["14 09:00 chris-phone: first_notification"]


def test_each_hand_over_tells_what_is_open(plan: Plan) -> None:
    night = Night(plan).call("06T18:50:00", "shell").ack("06T18:51:00").until("06T19:01:00")
    (notice,) = night.notices()
    assert (clock(notice.at), notice.receiver) == ("06 19:00", "chris-phone")
    assert notice.title.endswith("1 open")
    assert "acknowledged by jo" in notice.lines[0]


def test_low_ones_come_at_nine(plan: Plan) -> None:
    night = Night(plan)
    for n in range(7):
        night.call(f"06T1{n}:00:00", "low", tenant=f"t{n % 3}")
    night.until("07T08:00:01")
    assert night.heard() == []
    digests = [n for n in night.notices() if n.reason == "digest"]
    assert [(clock(n.at), n.receiver) for n in digests] == [("07 08:00", "daytime")]
    assert "7 alerts" in digests[0].title
    assert "3 tenants" in digests[0].lines[0]


def test_the_sixth_page_of_a_shift_waits_unless_it_is_grave(plan: Plan) -> None:
    night = Night(plan)
    for n in range(8):
        night.call(f"06T09:{n:02}:00", f"m{n}")
    night.call("06T09:30:00", "mail").until("06T09:31:00")
    assert [line.split(": ")[0] for line in night.heard()] == [
        *(f"06 09:0{n} daytime" for n in range(5)),
        "06 09:30 anna-phone",
    ]
    (spent,) = (n for n in night.notices() if n.reason == "page_budget_spent")
    assert spent.title.startswith("platform-safety has used its 5 pages")


def test_a_storm_is_a_few_pages_and_exact_figures_and_a_critical_page_is_not_late(
    plan: Plan,
) -> None:
    night = Night(plan)
    for n in range(3_000):
        night.call(f"06T09:00:0{n // 300}", "mail", tenant=f"t{n}")
    night.call("06T09:00:09", "shell").until("06T09:10:00")
    pages = [d for d in night.world.told() if d.page and d.audience is not Audience.MACHINES]
    firing = [d for d in pages if d.status is Status.FIRING and d.reason != "escalated"]
    critical = next(d for d in firing if d.reason == "must_never_happen")
    assert critical.at == at("06T09:00:09")
    assert len(firing) == 10 + 1  # ten, the critical one among them, and the collected one
    (digest,) = (n for n in night.notices() if n.reason == "digest")
    assert digest.title.startswith("Digest for platform-safety: 2,991 alerts of 1 rule")
    storm: NotificationDue = next(d for d in firing if d.storm)
    assert storm.receiver == "anna-phone"


def test_no_hour_of_the_next_weeks_is_without_somebody() -> None:
    loaded = example()
    assert loaded.plan is not None
    assert gaps(loaded.files, loaded.plan, at("07T12:00:00")) == ()


def test_the_schema_for_editors_knows_every_field_of_it() -> None:
    from jsonschema import Draft202012Validator

    from rulesd.config.problems import Problems
    from rulesd.config.read import read
    from rulesd.config.schema import NAMES as SCHEMAS

    body = example().files.content["notifiers/owners.yaml"]
    document = read("notifiers/owners.yaml", body, "owners.yaml", Problems())
    assert document is not None
    validator = Draft202012Validator(SCHEMAS["owners"]())
    assert [e.message for e in validator.iter_errors(document.data)] == []
    assert not validator.is_valid({"owners": {"a": {"digets": "0 9 * * *"}}})


def test_a_rules_own_tests_see_schedules_and_escalations() -> None:
    from rulesd.cli.decoding import offline_decoder
    from rulesd.runners.simulate import play

    def verdict(*receivers: str, more: str = "") -> tuple[str, ...]:
        rows = ", ".join(f"{{at: 0s, alert: firing, receiver: {r}}}" for r in receivers)
        tests = (
            "[{name: t, events: [{at: 0s, type: tool.call, tenant: acme, data: {tool: mail}}], until: 20m, "
            f"expect: [{rows}]{more}}}]"
        )
        loaded = example(rule("mail", "{burst: {count: 1, within: 30m}}", "high", tests))
        assert loaded.plan is not None, [str(p) for p in loaded.errors]
        (found,) = (t for t in loaded.tests if t.rule == "tool.mail")
        return play(found, loaded.plan, offline_decoder()).failures

    taken = ", acks: [{at: 5m, labels: {tenant: acme}, by: anna}]"
    # On call on the Monday on which every test begins; fifteen minutes later, from the calendar.
    assert verdict("anna-phone", "ben-phone") == ()
    (unlisted,) = verdict("anna-phone")
    assert "not expected: a page to ben-phone at 15m30s" in unlisted
    assert "nobody took the alert" in unlisted
    assert verdict("anna-phone", more=taken) == ()
    assert verdict("anna-phone", "ben-phone", more=taken) != ()
    assert verdict("leads") != ()
