"""A setting as it is asked for: always with an end."""

from dataclasses import replace

import pytest

from rulesd.core.switch_draft import (
    asked,
    asked_by_rule,
    later_end,
    only_people,
    review_of,
    same_effect,
    still_fits,
)
from rulesd.model.inputs import HumansOnly, SwitchSet
from rulesd.model.instant import HOUR, MINUTE
from rulesd.model.switch import Switch, Until
from tests.core.test_switch_table import LOCK, setting
from tests.model.test_alert import alert

WISH = SwitchSet(
    id="w1", switch="lock_tool", by="ana", reason="r", labels={"tool": "Shell", "tenant": "acme"}
)


@pytest.mark.parametrize(
    ("until", "alert_id", "is_open", "ends", "holders"),
    [
        (Until.TTL, "", False, Until.TTL, ()),
        (Until.TTL, "a1", True, Until.TTL, ("a1",)),
        (Until.REVIEW, "", False, Until.REVIEW, ("w1",)),
        (Until.REVIEW, "a1", True, Until.REVIEW, ("a1",)),
        (Until.RESOLVED, "a1", True, Until.RESOLVED, ("a1",)),
        (Until.RESOLVED, "a1", False, Until.TTL, ("a1",)),
        (Until.RESOLVED, "", False, Until.TTL, ()),
    ],
)
def test_what_a_person_asks_for_has_an_end(
    until: Until, alert_id: str, is_open: bool, ends: Until, holders: tuple[str, ...]
) -> None:
    made = asked(
        replace(LOCK, until=until), replace(WISH, alert=alert_id), 5, alert_is_open=is_open
    )
    assert (made.until, made.holders) == (ends, holders)
    assert made.expires_at == (5 + 4 * HOUR if ends is Until.TTL else None)
    assert (made.key, made.scope, made.value) == ("tool.shell.enabled", {"tenant": "acme"}, False)


def test_a_time_and_a_value_of_ones_own() -> None:
    switch = replace(LOCK, until=Until.REVIEW)
    made = asked(switch, replace(WISH, value="true", ttl=MINUTE), 5, alert_is_open=False)
    assert (made.value, made.until, made.expires_at) == (True, Until.TTL, 5 + MINUTE)


def test_what_a_rule_asks_for() -> None:
    made = asked_by_rule(LOCK, alert(labels={"tool": "shell", "tenant": "acme"}), 5)
    assert (made.by, made.origin, made.holders) == ("rule tool.x", "rule", ("a1",))
    again = asked_by_rule(LOCK, alert(labels={"tool": "shell", "tenant": "acme"}), 5)
    assert made == again


def test_the_global_switch_on_record() -> None:
    assert only_people(HumansOnly(on=True, by="ana"), 5).ended_why == "on"
    assert only_people(HumansOnly(on=False, by="ana"), 5).ended_why == "off"


@pytest.mark.parametrize(
    ("switch", "fits"),
    [
        (LOCK, True),
        (None, False),
        (replace(LOCK, key="tools.{tool}"), False),
        (replace(LOCK, type="number"), False),
        (replace(LOCK, scope=()), False),
        (replace(LOCK, scope=("tenant", "region")), True),
    ],
)
def test_a_setting_under_another_form_of_its_switch(switch: Switch | None, fits: bool) -> None:
    assert still_fits(setting(labels={"tool": "shell"}), switch) is fits


def test_two_settings_that_do_the_same() -> None:
    assert same_effect(setting(), setting(id="s2", by="bo"))
    assert not same_effect(setting(), setting(value=True))


def test_an_end_moves_forward_only_and_for_rules_by_minutes() -> None:
    found = setting(expires_at=100)
    assert later_end(found, setting(expires_at=101)) == 101
    assert later_end(found, setting(expires_at=99)) == 100
    assert later_end(found, setting(expires_at=101, origin="rule")) == 100
    assert later_end(found, setting(expires_at=100 + MINUTE, origin="rule")) == 100 + MINUTE
    assert later_end(setting(expires_at=None), found) is None
    assert later_end(found, setting(expires_at=None)) == 100


def test_what_a_review_is_about_when_no_alert_is_open() -> None:
    made = review_of(setting(labels={"tool": "shell", "x": ""}), "s1", 5)
    assert (made.rule, made.labels) == ("switch:lock_tool", {"tool": "shell", "tenant": "acme"})
    assert review_of(setting(rule="tool.x"), "a1", 5).rule == "tool.x"
