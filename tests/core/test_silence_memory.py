"""What is remembered is what would be found."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rulesd.core import silence_memory
from rulesd.core.silence_index import Filed, file
from rulesd.core.silence_memory import Memory
from rulesd.model.reasons import AlertState
from tests.core.alerts import alert
from tests.core.test_silence import regex
from tests.core.test_silence_index import silence


class Counting:
    """Patterns that count how often they are asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, pattern: str) -> Callable[[str], bool]:
        test = regex(pattern)

        def counted(text: str) -> bool:
            self.asked += 1
            return test(text)

        return counted


def made(patterns: Any = regex) -> Memory:
    memory = Memory()
    memory.add(one("b", "s.*l", patterns))
    return memory


def one(id_: str, value: str, patterns: Any = regex) -> Filed:
    return file(silence(id_, ("tool", "=~", value)), patterns)


def test_a_pattern_is_asked_once() -> None:
    patterns = Counting()
    memory = made(patterns)
    for _ in range(3):
        assert memory.find(alert()) == ["b"]
        assert memory.find(alert(count=7, value=2.0)) == ["b"]
    assert patterns.asked == 1
    memory.forget(alert())
    memory.find(alert())
    assert patterns.asked == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": {"tool": "mail"}},
        {"context": {"tool": "mail"}},
        {"severity": "low"},
        {"owner": "other"},
        {"rule": "tool.other"},
    ],
)
def test_a_changed_label_is_asked_anew(changes: dict[str, Any]) -> None:
    patterns = Counting()
    memory = made(patterns)
    before = alert(labels={"tenant": "acme"}, context={"tool": "shell"})
    assert memory.find(before) == ["b"]
    changed = replace(before, **changes)
    assert memory.find(changed) == memory.index.find(changed.all_labels())
    assert patterns.asked == 3


def test_it_takes_in_what_came_and_went() -> None:
    memory = made()
    assert memory.find(alert()) == ["b"]
    memory.add(one("a", "sh.*l"))
    memory.add(one("c", "mail"))
    assert memory.find(alert()) == ["a", "b"]
    memory.remove("b")
    memory.remove("c")
    memory.remove("nobody")
    assert memory.find(alert()) == ["a"]
    memory.add(one("a", "m.*l"))
    assert memory.find(alert()) == []


def test_after_too_many_changes_it_asks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence_memory, "MOST_CHANGES", 3)
    patterns = Counting()
    memory = made(patterns)
    memory.find(alert())
    for n in range(5):
        memory.add(one(f"s{n}", "shell"))
    assert memory.find(alert()) == ["b", "s0", "s1", "s2", "s3", "s4"]
    assert patterns.asked == 2


def test_without_patterns_nothing_is_remembered_and_too_many_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(silence_memory, "MOST_ALERTS", 2)
    memory = Memory()
    memory.add(one("a", "shell"))
    assert memory.find(alert()) == ["a"]
    assert not memory._answers
    memory.add(one("b", "s.*l"))
    for n in range(5):
        assert memory.find(alert(f"a{n}")) == ["a", "b"]
    assert len(memory._answers) == 1
    assert memory.find(alert("over", state=AlertState.RESOLVED)) == ["a", "b"]
    assert "over" not in memory._answers
