from dataclasses import replace

from slack_sdk.models.blocks import ActionsBlock

from rulesd.model.decision import Status
from rulesd.model.notification import Notification
from rulesd.notify.slack_buttons import VALUE_LIMIT, buttons
from tests.notify.samples import alert, note, resolved, told


def names(page: Notification, *, clicks: bool = True) -> list[str]:
    made = buttons(page, clicks=clicks)
    if made:  # by Slack's own library
        ActionsBlock(elements=made).validate_json()
    return [one["text"]["text"] for one in made]


def with_actions(page: Notification, *actions: str) -> Notification:
    return replace(page, alerts=tuple(replace(a, actions=actions) for a in page.alerts))


def test_what_can_be_clicked_depends_on_what_can_still_be_done() -> None:
    taken = note(told(alert(acknowledged_by="kim"), Status.ACKNOWLEDGED), page=False)
    links = ["Runbook", "Console"]
    assert names(note()) == ["Acknowledge", "Silence 1 h", *links]
    assert names(taken) == ["Silence 1 h", *links]
    assert names(note(resolved(), status=Status.RESOLVED)) == links
    assert names(note(), clicks=False) == links


def test_contain_is_shown_only_where_the_daemon_can_and_asks_first() -> None:
    page = with_actions(note(), "lock_tool")
    assert names(page)[-1] == "Contain"
    assert names(page, clicks=False) == ["Runbook", "Console"]
    made = buttons(page, clicks=True)[-1]
    assert made["confirm"]["text"]["text"] == "This runs: lock_tool. It stays until it is reverted."
    assert (made["value"], made["style"]) == (page.alerts[0].alert, "danger")


def test_a_test_page_has_one_button_that_proves_clicks_arrive() -> None:
    page = with_actions(replace(note(), test=True), "lock_tool")
    assert names(page) == ["Acknowledge", "Runbook", "Console"]
    assert buttons(page, clicks=True)[0]["value"] == "test"


def test_a_click_names_its_alerts_as_far_as_slack_carries_them_and_whole() -> None:
    few = note(told(alert(1)), told(alert(2)))
    assert buttons(few, clicks=True)[0]["value"] == "9f3c1b2a77d0e001,9f3c1b2a77d0e002"
    many = replace(few, alerts=few.alerts * 100)
    value = buttons(many, clicks=True)[0]["value"]
    assert VALUE_LIMIT - 17 < len(value) <= VALUE_LIMIT
    assert {len(one) for one in value.split(",")} == {16}
    names(many)


def test_a_notice_has_no_buttons() -> None:
    assert buttons(replace(note(), alerts=()), clicks=True) == []
