from dataclasses import replace

from rulesd.core.plan import Receiver
from rulesd.model.decision import Status
from rulesd.notify.compose import decode_notification
from rulesd.runners.failover_rows import later_rows, page_rows
from tests.notify.samples import T, alert, note, resolved, spec, told

TARGET = Receiver(
    name="second",
    channels=tuple(
        replace(spec(kind), receiver="second") for kind in ("slack", "pagerduty", "webhook")
    ),
)
BOTH = note(told(alert(1)), told(alert(2)))


def test_a_page_goes_to_every_channel_with_the_reason_and_its_identities() -> None:
    rows = page_rows(BOTH, TARGET, "It comes here because.", T + 9)
    assert [row.channel for row in rows] == [
        "slack[0]",
        "pagerduty[0]",
        "pagerduty[0]",
        "webhook[0]",
    ]
    pages = [decode_notification(row.body) for row in rows]
    assert {page.failover for page in pages} == {"It comes here because."}
    assert {page.receiver for page in pages} == {"second"}
    assert pages[0].incident == BOTH.incident
    assert [page.incident for page in pages[1:3]] == [alert(1).alert, alert(2).alert]
    assert {row.priority for row in rows} == {0}
    assert {row.created for row in rows} == {T + 9}
    assert rows[0].alerts == (alert(1).alert, alert(2).alert)
    assert len({row.id for row in rows}) == 4


def test_two_channels_that_fail_owe_one_page() -> None:
    first = page_rows(note(channel=0), TARGET, "a", T)
    second = page_rows(note(channel=1), TARGET, "b", T + 5)
    assert [row.id for row in first] == [row.id for row in second]
    other = page_rows(note(told(alert(3)), channel=1), TARGET, "b", T + 5)
    assert not {row.id for row in first} & {row.id for row in other}


def test_what_came_later_goes_where_it_can_be_shown() -> None:
    quiet = replace(note(told(alert(), Status.ACKNOWLEDGED)), page=False, status="acknowledged")
    assert [row.channel for row in later_rows(quiet, TARGET, "", T)] == ["slack[0]", "pagerduty[0]"]
    over = note(resolved(), status=Status.RESOLVED)
    rows = later_rows(over, TARGET, "", T)
    assert [row.channel for row in rows] == ["slack[0]", "pagerduty[0]", "webhook[0]"]
    assert {row.priority for row in rows} == {5}
    assert decode_notification(rows[1].body).status == "resolved"
    mute = replace(TARGET, channels=tuple(replace(c, send_resolved=False) for c in TARGET.channels))
    assert later_rows(over, mute, "", T) == []


def test_a_storms_page_stays_one() -> None:
    rows = page_rows(replace(BOTH, storm=12), TARGET, "a", T)
    assert [row.channel for row in rows] == ["slack[0]", "pagerduty[0]", "webhook[0]"]
