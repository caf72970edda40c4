"""A setting is read back as it was, and reads as a sentence."""

import json

import pytest

from rulesd.core.machine import NOT_DUE
from rulesd.core.switch_state import deadline, describe, dump_setting, load_setting, settles
from rulesd.model.switch import SETTLED, SettingState, Until
from tests.core.test_switch_table import setting


def test_it_comes_back_as_it_was() -> None:
    one = setting(holders=("a", "b"), ended_at=5, ended_by="bo", until=Until.REVIEW)
    data = json.loads(json.dumps(dump_setting(one)))
    assert load_setting(data) == one


def test_it_needs_attention_when_it_must_be_obeyed_and_when_it_ends() -> None:
    assert deadline(setting(expires_at=10**9)) == SETTLED
    assert deadline(setting(expires_at=7)) == 7
    assert deadline(setting(expires_at=None, settled=True)) == NOT_DUE
    assert settles(setting(state=SettingState.PENDING)) == NOT_DUE


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "tool.shell.enabled = false for tenant=acme, until 1970-01-01T00:00:00.100Z, by ana"),
        (
            {"scope": {}, "expires_at": None, "until": Until.REVIEW},
            "tool.shell.enabled = false for everybody, until a review releases it, by ana",
        ),
        (
            {"scope": {}, "expires_at": None, "until": Until.RESOLVED},
            "tool.shell.enabled = false for everybody, until its alert resolves, by ana",
        ),
    ],
)
def test_it_reads_as_a_sentence(fields: dict[str, object], words: str) -> None:
    assert describe(setting(**fields)) == words
