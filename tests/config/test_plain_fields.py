"""What 0.25 knows; that the names are right, ``test_plain_routing`` asks the real amtool."""

from rulesd.config.plain_fields import RECEIVERS, TOP


def test_the_kinds_rulesd_speaks() -> None:
    assert set(RECEIVERS) == {
        "email_configs",
        "pagerduty_configs",
        "slack_configs",
        "webhook_configs",
    }
    assert "route" not in TOP
    assert "receivers" not in TOP
