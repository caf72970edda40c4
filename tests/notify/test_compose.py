import msgspec
import pytest

from rulesd.model.decision import Audience, NoticeDue, Status
from rulesd.model.reasons import Reason
from rulesd.notify.compose import (
    LISTED,
    LISTED_FOR_MACHINES,
    NOTICE,
    NoLinks,
    compose,
    decode_notification,
    encode_notification,
)
from rulesd.ports.store import OutboxRow
from tests.notify.samples import (
    CHANNELS,
    Links,
    alert,
    burst,
    due,
    note,
    plan,
    resolved,
    spec,
    told,
)


def rows(*members: object, number: int = 7, **given: object) -> list[OutboxRow]:
    return compose(due(*members, **given), plan(), number=number, links=Links())  # type: ignore[arg-type]


def channels(found: list[OutboxRow]) -> list[str]:
    return [r.channel for r in found]


def test_one_row_for_each_channel_and_each_changed_alert_where_they_go_alone() -> None:
    found = rows(told(alert(1)), told(burst(2)), told(burst(3), changed=False))
    assert channels(found) == [
        "slack[0]",
        "pagerduty[0]",
        "pagerduty[0]",
        "webhook[0]",
        "apprise[0]",
    ]
    group, first, second = (decode_notification(r.body) for r in found[:3])
    assert len(group.alerts) == 3
    assert group.incident == "incident-1"
    assert [a.alert for a in (*first.alerts, *second.alerts)] == [alert(1).alert, burst(2).alert]
    assert [first.incident, second.incident] == [alert(1).alert, burst(2).alert]
    assert found[1].incident == alert(1).alert  # rows of one episode leave in order


def test_the_same_decision_gives_the_same_bytes_and_another_number_other_ids() -> None:
    assert rows() == rows()
    assert {r.id for r in rows()}.isdisjoint(r.id for r in rows(number=8))
    ids = [r.id for r in rows(told(alert(1)), told(alert(2)))]
    assert len(set(ids)) == len(ids)


def test_a_notification_survives_the_outbox() -> None:
    page = note(told(alert(1)), told(burst(2)))
    assert decode_notification(encode_notification(page)) == page
    with pytest.raises(msgspec.DecodeError):
        decode_notification(b'{"id": 5}')


def test_an_unknown_receiver_owes_nothing() -> None:
    assert compose(due(receiver="gone"), plan(), number=1, links=NoLinks()) == []


def test_quiet_ones_go_only_where_a_message_can_be_updated() -> None:
    taken = told(alert(), Status.ACKNOWLEDGED)
    found = rows(taken, page=False, status=Status.ACKNOWLEDGED, reason=Reason.ACKNOWLEDGED)
    assert channels(found) == ["slack[0]", "pagerduty[0]"]
    assert {decode_notification(r.body).status for r in found} == {"acknowledged"}


def test_pages_overtake_quiet_rows_and_the_end_of_things() -> None:
    assert [r.priority for r in rows(told(alert()))] == [0, 0, 0, 0]
    assert [r.priority for r in rows(told(burst()))] == [1, 1, 1, 1]
    assert rows(told(burst(1)), told(alert(2)))[0].priority == 0
    assert rows(told(alert()), page=False, reason=Reason.UPDATE)[0].priority == 5
    assert rows(resolved(), status=Status.RESOLVED)[0].priority == 5


def test_send_resolved_false_hears_of_no_end() -> None:
    quiet = spec("webhook", send_resolved=False)
    own = plan(channels=[quiet])
    assert compose(due(resolved(), status=Status.RESOLVED), own, number=1, links=NoLinks()) == []
    mixed = due(resolved(alert(1)), told(alert(2)))
    (row,) = compose(mixed, own, number=1, links=NoLinks())
    assert [a.status for a in decode_notification(row.body).alerts] == ["firing"]
    # Where other channels want to know that some are over, this one is not woken for what it knows.
    over = due(resolved(alert(1)), told(alert(2)), reason=Reason.SOME_RESOLVED)
    both = plan(channels=[quiet, spec("webhook", name="loud", send_resolved=True)])
    assert [r.channel for r in compose(over, both, number=1, links=NoLinks())] == ["loud"]


def test_a_page_that_changes_nothing_still_reaches_channels_per_alert() -> None:
    same = told(burst(), changed=False)
    assert "pagerduty[0]" in channels(rows(same, reason=Reason.REPEAT))
    quiet = {"page": False, "reason": Reason.UPDATE}
    assert "pagerduty[0]" in channels(rows(same, **quiet))
    # An update of a large group is one message, not one event for each of its alerts.
    assert "pagerduty[0]" not in channels(rows(same, told(alert(2), changed=False), **quiet))


def test_in_a_storm_people_get_one_page_and_machines_every_alert() -> None:
    members = [told(alert(i)) for i in range(3)]
    people = rows(*members, audience=Audience.PEOPLE, storm=14, reason=Reason.STORM)
    assert channels(people) == ["slack[0]", "pagerduty[0]", "apprise[0]"]
    collected = decode_notification(people[1].body)
    assert (collected.storm, len(collected.alerts), collected.incident) == (14, 3, "incident-1")
    assert channels(rows(*members, audience=Audience.MACHINES)) == ["webhook[0]"]


def test_a_large_group_lists_the_worst_new_ones_and_counts_the_rest() -> None:
    members = [told(burst(i), changed=i % 2 == 0) for i in range(400)] + [told(alert(999))]
    page = note(*members)
    assert (len(page.alerts), page.more) == (LISTED, 401 - LISTED)
    assert page.alerts[0].alert == alert(999).alert
    assert all(a.changed for a in page.alerts)
    program = note(*members, channel=2)
    assert (len(program.alerts), program.more) == (401, 0)
    many = note(*members, *(told(burst(i)) for i in range(1_000, 2_000)), channel=2)
    assert (len(many.alerts), many.more) == (LISTED_FOR_MACHINES, 1_401 - LISTED_FOR_MACHINES)


def test_links_and_receiver_are_in_the_page() -> None:
    page = note()
    assert (page.receiver, page.external_url) == ("oncall", "https://rulesd.example")
    assert len(CHANNELS) == 4
    assert page.at == "2026-01-05T09:00:11.050Z"
    assert not page.test


def notice(**given: object) -> NoticeDue:
    values: dict[str, object] = {
        "at": 5,
        "reason": Reason.HAND_OVER,
        "receiver": "oncall",
        "owner": "platform-safety",
        "title": "You are on call",
        "lines": ("2 alerts are open",),
    }
    return NoticeDue(**{**values, **given})  # type: ignore[arg-type]


def test_a_notice_goes_where_people_read_and_wakes_no_machine() -> None:
    found = compose(notice(), plan(), number=3, links=Links())
    assert channels(found) == ["slack[0]", "apprise[0]"]
    said = decode_notification(found[0].body)
    assert (said.title, said.lines, said.alerts) == ("You are on call", ("2 alerts are open",), ())
    assert (said.status, said.page, said.reason) == ("firing", True, "hand_over")
    assert {r.priority for r in found} == {NOTICE}
    assert len({r.incident for r in found}) == len(found)
    assert compose(notice(receiver="gone"), plan(), number=3, links=NoLinks()) == []


def test_a_notice_is_sent_even_where_there_is_no_quiet_channel() -> None:
    for kinds, expected in (
        (("pagerduty", "webhook"), ["pagerduty[0]"]),
        (("webhook",), ["webhook[0]"]),
    ):
        only = plan(channels=[spec(kind) for kind in kinds])
        assert channels(compose(notice(owner=""), only, number=3, links=NoLinks())) == expected


def test_a_row_names_the_alerts_it_tells_of() -> None:
    rows = compose(due(told(alert(1)), told(alert(2))), plan(), number=1, links=Links())
    named = {row.channel: row.alerts for row in rows if row.channel != "pagerduty[0]"}
    assert set(named.values()) == {(alert(1).alert, alert(2).alert)}
    alone = [row.alerts for row in rows if row.channel == "pagerduty[0]"]
    assert alone == [(alert(1).alert,), (alert(2).alert,)]
