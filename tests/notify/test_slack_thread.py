from rulesd.model.decision import Status
from rulesd.model.notification import Notification
from rulesd.notify.slack_thread import changes, remembered
from tests.notify.samples import alert, burst, note, resolved, told


def page(count: int = 1, severity: str = "high", **given: object) -> Notification:
    return note(told(burst(count=count, severity=severity, **given), changed=False))


def test_a_first_message_says_nothing_of_changes() -> None:
    assert changes({}, page()) == ""
    # A reference an older version wrote: where the message is, and nothing of what was told.
    assert changes({"channel": "C1", "ts": "1"}, page(count=80)) == ""


def test_a_count_is_told_when_it_has_doubled() -> None:
    kept = remembered({}, page(count=3))
    assert changes(kept, page(count=5)) == ""
    kept = remembered(kept, page(count=5))
    assert kept["count"] == "3"
    assert changes(kept, page(count=6)) == "Seen 6 times now."
    assert remembered(kept, page(count=6))["count"] == "6"


def test_a_raised_severity_is_told_and_a_lower_one_is_not() -> None:
    kept = remembered({}, page())
    raised = page(severity="critical")
    assert changes(kept, raised) == "The severity was raised from high to critical."
    assert changes(remembered(kept, raised), page()) == ""


def test_who_took_it_and_who_took_it_over() -> None:
    def taken(by: str) -> Notification:
        one = told(burst(acknowledged_by=by, count=1), Status.ACKNOWLEDGED)
        return note(one, status=Status.ACKNOWLEDGED, page=False)

    kept = remembered({}, page())
    assert changes(kept, taken("kim")) == "Acknowledged by kim."
    kept = remembered(kept, taken("kim"))
    assert changes(kept, taken("kim")) == ""
    assert changes(kept, taken("lee")) == "Acknowledged by lee."


def test_the_end_is_told_once_with_who_had_it() -> None:
    kept = remembered({}, page())
    over = note(resolved(alert(acknowledged_by="kim")), status=Status.RESOLVED)
    assert changes(kept, over) == "Resolved after 11m40s. kim had it."
    kept = remembered(kept, over)
    assert changes(kept, over) == ""
    assert changes(kept, page()) == "It came back."


def test_nothing_of_a_value_becomes_markup() -> None:
    over = note(resolved(alert(acknowledged_by="<!here>\nx")), status=Status.RESOLVED)
    said = changes(remembered({}, page()), over)
    assert "&lt;!here&gt;" in said
    assert "\n" not in said
