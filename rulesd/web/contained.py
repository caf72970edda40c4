"""What an act on a switch came to, in one sentence for whoever pressed the button.

Law: says what holds now, for whom and until when; and of a refusal why, and what to do instead.
"""

from rulesd.core.switch_state import describe, where
from rulesd.model.reasons import Reason
from rulesd.model.switch import SettingState
from rulesd.ports.acting import SwitchAnswer


def contained(done: SwitchAnswer) -> str:
    """The sentence."""
    setting = done.setting
    if setting is None:
        return "That is not set, and has not been lately."
    if done.refused:
        return f"{setting.switch} was not changed: {done.refused}."
    if setting.state is SettingState.PENDING:
        return (
            f"{setting.key} for {where(setting)} waits for a second person: "
            f"rulesd switch approve {setting.id}"
        )
    if setting.state is SettingState.TRIAL:
        return f"{setting.switch} is on trial: this was written down and contains nothing."
    if setting.state is SettingState.ENDED:
        return f"Lifted: {setting.key} for {where(setting)}."
    before = "It is so already: " if done.reason is Reason.SET_AGAIN else "Contained: "
    return f"{before}{describe(setting)}."
