import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from rulesd.model.reasons import AlertState
from rulesd.model.switch import Switch
from rulesd.ports.silences import SilenceRefusal, SilenceResult
from rulesd.runners.acting import LocalActing
from rulesd.web.slack_clicks import clicks, perform
from tests.web.acting import LOCK, HandCrank
from tests.web.fakes import NOW, alert
from tests.web.integrating import Daemon, click


def press(daemon: Daemon, action: str, value: str, user: str = "kim") -> str:
    door: Any = SimpleNamespace(daemon=daemon)
    (one,) = clicks(click(action, value, user))
    return asyncio.run(perform(door, one))


def daemon(*shown: Any) -> Daemon:
    made = Daemon()
    made.shown = list(shown)
    return made


def test_acknowledging_a_group_says_how_many_and_who_has_the_others() -> None:
    has = daemon(
        alert("a1"),
        alert("a2", acknowledged_by="lee <x>"),
        alert("a3", state=AlertState.RESOLVED),
    )
    said = press(has, "rulesd_ack", "a1,a2,a3,a4")
    assert said == (
        "You have 1 alert: no more pages unless it gets worse. lee &lt;x&gt; already has 1 alert. "
        "Too late to take 1 alert: it has resolved meanwhile. "
        "Nothing is known any more of 1 alert: it resolved more than an hour ago."
    )
    assert has.acts == [("ack", "a1", "kim (UKIM, Slack)", "")]


def test_a_silence_of_one_alert_is_on_its_identity_for_an_hour() -> None:
    has = daemon(alert("a1", never=False))
    said = press(has, "rulesd_silence", "a1")
    assert said == "Silenced until <!date^1767607200^{time}|an hour from now>."
    ((silence, by),) = has.kept
    assert {m.name: m.value for m in silence.matchers} == {
        "alertname": "tool.scope_violation",
        "tenant": "acme",
        "tool": "shell",
    }
    assert (silence.starts_at, silence.ends_at) == (NOW, NOW + 3_600_000)
    assert (silence.created_by, by) == ("kim (UKIM, Slack)",) * 2
    assert press(has, "rulesd_silence", "a1", "lee").startswith(
        "kim (UKIM, Slack) has silenced it until"
    )
    assert len(has.kept) == 1


def test_alerts_of_one_rule_are_silenced_by_what_they_share() -> None:
    has = daemon(alert("a1"), alert("a2", labels={"tenant": "acme", "tool": "mail"}))
    said = press(has, "rulesd_silence", "a1,a2")
    ((silence, _),) = has.kept
    assert {m.name for m in silence.matchers} == {"alertname", "tenant"}
    assert "until a second person approves" in said


def test_alerts_of_several_rules_get_a_silence_each_and_never_one_for_all_of_a_tenant() -> None:
    has = daemon(alert("a1"), alert("a2", rule="tool.elsewhere"))
    press(has, "rulesd_silence", "a1,a2")
    assert [len(one.matchers) for one, _ in has.kept] == [3, 3]
    crowd = [alert(f"a{i}", rule=f"r.{i}") for i in range(21)]
    many = daemon(*crowd)
    said = press(many, "rulesd_silence", ",".join(a.alert for a in crowd))
    assert "too many for one click" in said
    assert many.kept == []


def test_a_refused_silence_says_why() -> None:
    has = daemon(alert("a1", never=False))
    why = next(iter(SilenceRefusal))
    has.refusal = SilenceResult(refused=why, message="it is <too> long")
    said = press(has, "rulesd_silence", "a1")
    assert said == "That silence was refused: it is &lt;too&gt; long."


def test_what_has_resolved_is_not_silenced() -> None:
    has = daemon(alert("a1", state=AlertState.RESOLVED))
    assert press(has, "rulesd_silence", "a1,a9").startswith("There is nothing left to silence")
    assert has.kept == []


def test_contain_carries_out_the_rules_actions_and_says_what_came_of_it() -> None:
    world = containing(LOCK)
    said = press(world, "rulesd_contain", "a1")
    until = "2026-01-05T13:00:00.000Z"
    assert said == (
        f"Contained: tool.shell.enabled = false for tenant=acme, until {until}, by kim (UKIM, Slack)."
    )
    assert press(world, "rulesd_contain", "a1", "lee").startswith("It is so already: ")
    assert press(world, "rulesd_contain", "a9") == (
        "Nothing was contained: the alert has resolved meanwhile."
    )


def test_contain_is_held_by_the_guard_rails_and_says_so() -> None:
    said = press(containing(replace(LOCK, allow={"tenant": ("globex",)})), "rulesd_contain", "a1")
    assert said == "lock_tool was not changed: allow lists only tenant=globex."
    waits = press(containing(replace(LOCK, scope=("tenant", "region"))), "rulesd_contain", "a1")
    assert "for tenant=acme waits for a second person: rulesd switch approve " in waits
    none = press(containing(), "rulesd_contain", "a1")
    assert none == "Nothing was contained: the rule of this alert names no action any more."


def containing(*switches: Switch) -> Daemon:
    """A daemon whose rule names ``lock_tool``, with the alert a1 open."""
    has = daemon()
    crank = HandCrank(*switches)
    acting = replace(crank.engine.plan.rules[0], actions=("lock_tool",))
    crank.engine.plan = replace(crank.engine.plan, rules=(acting,))
    open_ = alert("a1", rule=acting.id)
    crank.engine.alert = {"a1": open_}.get  # type: ignore[method-assign,assignment]
    has.hand = LocalActing(crank)  # type: ignore[arg-type]
    return has


def test_a_test_pages_button_proves_itself() -> None:
    assert "the buttons work" in press(daemon(), "rulesd_ack", "test")


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"type": "block_actions"},
        {"type": "block_actions", "actions": {}},
        {"type": "shortcut", "actions": [{"action_id": "rulesd_ack"}]},
        {"type": "block_actions", "actions": [{"action_id": ["x"]}, None]},
    ],
)
def test_what_is_no_click(payload: Any) -> None:
    assert clicks(payload) == []


def test_names_are_taken_without_control_characters_and_within_limits() -> None:
    payload = click("rulesd_ack", "a1," * 500, "kim\u202e\n" + "x" * 200)
    (one,) = clicks(payload)
    assert one.alerts == ("a1",)
    assert len(one.user) == 80
    assert one.user.startswith("kimxxx")
    (bare,) = clicks({**payload, "user": None})
    assert bare.by == "somebody (, Slack)"
