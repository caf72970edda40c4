"""What a person reads who pressed a button about a switch."""

import pytest

from rulesd.model.reasons import Reason
from rulesd.model.switch import SettingState
from rulesd.ports.acting import SwitchAnswer
from rulesd.web.contained import contained
from tests.core.test_switch_table import setting

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
