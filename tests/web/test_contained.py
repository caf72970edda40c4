"""What can be contained with a button, and what a person reads who pressed one."""

from dataclasses import replace
from typing import Any

import pytest

from rulesd.model.instant import HOUR
from rulesd.model.reasons import AlertState, Reason
from rulesd.model.switch import SettingState, Switch, Until
from rulesd.ports.acting import SwitchAnswer
from rulesd.web.contained import contained, containing, offered
from tests.core.plans import plan, rule
from tests.core.test_switch_table import setting
from tests.web.acting import CAP, LOCK
from tests.web.fakes import alert

ENDS = "1970-01-01T00:00:00.100Z"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (SwitchAnswer(reason=None, setting=None), "That is not set, and has not been lately."),
        (
            SwitchAnswer(reason=Reason.SET, setting=setting()),
            f"Contained: tool.shell.enabled = false for tenant=acme, until {ENDS}, by ana.",
        ),
        (
            SwitchAnswer(reason=Reason.SET_AGAIN, setting=setting()),
            f"It is so already: tool.shell.enabled = false for tenant=acme, until {ENDS}, by ana.",
        ),
        (
            SwitchAnswer(
                reason=Reason.APPROVAL_NEEDED, setting=setting(state=SettingState.PENDING, scope={})
            ),
            "tool.shell.enabled for everybody waits for a second person: rulesd switch approve s1",
        ),
        (
            SwitchAnswer(reason=Reason.DRY_RUN, setting=setting(state=SettingState.TRIAL)),
            "lock_tool is on trial: this was written down and contains nothing.",
        ),
        (
            SwitchAnswer(reason=Reason.REVERTED, setting=setting(state=SettingState.ENDED)),
            "Lifted: tool.shell.enabled for tenant=acme.",
        ),
        (
            SwitchAnswer(
                reason=Reason.REFUSED_SCOPE, setting=setting(), refused="a label is missing"
            ),
            "lock_tool was not changed: a label is missing.",
        ),
    ],
)
def test_the_sentence(answer: SwitchAnswer, said: str) -> None:
    assert contained(answer) == said


def switches(*chosen: Switch, actions: tuple[str, ...]) -> Any:
    made = plan(rule("tool.scope_violation", actions=actions))
    return replace(made, switches={s.name: s for s in chosen})


def test_the_button_is_there_where_a_person_may_set_what_the_rule_names() -> None:
    both = switches(LOCK, CAP, actions=("lock_tool", "gone", "cap"))
    assert containing(both, alert()) == (LOCK, CAP)
    machines = replace(LOCK, may_set=("rules",))
    assert containing(switches(machines, actions=("lock_tool",)), alert()) == ()
    assert containing(switches(LOCK, actions=()), alert()) == ()
    assert containing(both, alert(rule="gone.rule")) == ()
    assert containing(both, alert(state=AlertState.RESOLVED)) == ()
    # One of a tenant may press nothing that would be set for others, too.
    assert containing(both, alert(), "acme") == ()
    assert containing(switches(LOCK, actions=("lock_tool",)), alert(), "acme") == (LOCK,)


def test_it_says_what_it_would_set() -> None:
    words = "tool.shell.enabled = false for tenant=acme, for 4h"
    assert offered(LOCK, alert(), ()) == (words, False)
    assert offered(LOCK, alert(), (setting(),)) == (words, True)
    for other in (
        setting(state=SettingState.PENDING),
        setting(scope={"tenant": "globex"}),
        setting(key="tool.browser.enabled"),
        setting(switch="other"),
    ):
        assert offered(LOCK, alert(), (other,)) == (words, False)
    held = replace(LOCK, until=Until.REVIEW)
    assert offered(held, alert(), ()) == (words.replace("for 4h", "until a review"), False)
    assert offered(replace(CAP, ttl=HOUR), alert(), ()) == (
        "cap.usd_per_hour = 1.5 for everybody, for 1h",
        False,
    )
    assert offered(LOCK, alert(labels={"tenant": "acme"}), ()) is None
