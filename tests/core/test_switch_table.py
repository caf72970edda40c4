"""The look-up: who wins, and what holds while nothing is set."""

import pytest

from rulesd.core import switch_table
from rulesd.core.switch_table import SwitchTable, fits, known, same_key, scope_of
from rulesd.model.event import Json
from rulesd.model.switch import Setting, SettingState, Switch, Until

LOCK = Switch(
    name="lock_tool", key="tool.{tool}.enabled", type="boolean", safe=False, default=True, scope=("tenant",)
)  # fmt: skip
CAP = Switch(name="cap", key="cap.usd", type="number", safe=1, default=None)
ALL = {"lock_tool": LOCK, "cap": CAP}


def setting(**fields: object) -> Setting:
    values: dict[str, object] = {
        "id": "s1", "switch": "lock_tool", "key": "tool.shell.enabled", "scope": {"tenant": "acme"}, "value": False,
        "priority": 0, "by": "ana", "reason": "r", "origin": "person", "set_at": 0, "expires_at": 100,
        "until": Until.TTL, "state": SettingState.ACTIVE,
    }  # fmt: skip
    return Setting(**{**values, **fields})  # type: ignore[arg-type]


def test_without_a_setting_the_default_holds_and_unknown_keys_are_unknown() -> None:
    table = SwitchTable(ALL)
    found = table.verdict("tool.shell.enabled", {})
    assert found is not None
    assert (found.value, found.setting, found.switch) == (True, None, LOCK)
    assert table.verdict("tool.shell", {}) is None
    assert table.verdict("tool.shell", {}) is None
    assert table.current_keys() == ["cap.usd"]


def test_a_setting_holds_where_the_context_agrees() -> None:
    table = SwitchTable(ALL, [setting()])
    assert table.verdict("tool.shell.enabled", {"tenant": "acme"}).value is False  # type: ignore[union-attr]
    assert table.verdict("tool.shell.enabled", {"tenant": "other"}).value is True  # type: ignore[union-attr]
    assert table.verdict("tool.shell.enabled", {}).value is True  # type: ignore[union-attr]
    assert table.current_keys() == ["cap.usd", "tool.shell.enabled"]


def test_priority_then_the_narrower_then_the_later_wins() -> None:
    def winner(*settings: Setting) -> Json:
        found = SwitchTable(ALL, settings).verdict(
            "tool.shell.enabled", {"tenant": "acme", "x": "y"}
        )
        assert found is not None
        assert found.setting is not None
        return found.setting.id

    wide = setting(id="wide", scope={})
    narrow = setting(id="narrow")
    later = setting(id="later", set_at=5)
    high = setting(id="high", scope={}, priority=3)
    assert winner(wide, narrow) == "narrow"
    assert winner(narrow, later) == "later"
    assert winner(later, narrow) == "later"
    assert winner(narrow, setting(id="second")) == "second"
    assert winner(narrow, high) == "high"


def test_only_active_settings_count() -> None:
    for state in (SettingState.PENDING, SettingState.TRIAL, SettingState.ENDED):
        assert SwitchTable(ALL, [setting(state=state)]).by_key == {}


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("boolean", True, 1),
        ("number", 1.5, True),
        ("number", 0, "0"),
        ("string", "a", None),
        ("object", {}, []),
    ],
)
def test_a_value_has_its_type(type_: str, good: Json, bad: Json) -> None:
    switch = Switch(name="s", key="s", type=type_, safe=good, default=None)
    assert fits(switch, good)
    assert not fits(switch, bad)


def test_a_label_that_stands_for_many_narrows_nothing() -> None:
    assert known("acme")
    assert not known("")
    assert not known("(missing)")
    assert scope_of(LOCK, {"tenant": "(more keys)"}) == {}
    assert scope_of(LOCK, {"tenant": "acme", "tool": "x"}) == {"tenant": "acme"}
    assert not same_key(LOCK, {"tool": "(missing)"})
    assert same_key(LOCK, {"tool": "shell"})


def test_what_is_remembered_of_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch_table, "KNOWN_KEYS", 1)
    table = SwitchTable(ALL)
    assert table.switch_of("tool.a.enabled") is LOCK
    assert table.switch_of("tool.b.enabled") is LOCK
    assert len(table._known) == 1
