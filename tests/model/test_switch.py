"""Flag keys are made from labels, and only of what flag clients can send."""

import pytest

from rulesd.model.switch import fill, key_part, labels_in, pattern, places


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    """Other tests use the same keys; here each is read anew."""
    places.cache_clear()
    pattern.cache_clear()


def test_a_key_is_filled_from_labels_or_not_at_all() -> None:
    assert fill("tool.{tool}.enabled", {"tool": "Delete User"}) == "tool.delete_user.enabled"
    assert fill("tool.{tool}.enabled", {"tool": ""}) is None
    assert fill("tool.{tool}.enabled", {}) is None
    assert fill("fixed", {}) == "fixed"
    assert places("cap.{tenant}.{model}") == ("tenant", "model")


def test_a_part_has_no_character_that_clients_do_not_escape() -> None:
    assert key_part("a/b?c D") == "a_b_c_d"


def test_the_pattern_takes_what_fill_gives() -> None:
    assert pattern("tool.{tool}.enabled").fullmatch("tool.delete_user.enabled")
    assert not pattern("tool.{tool}.enabled").fullmatch("toolXshell.enabled")
    assert not pattern("fixed").fullmatch("fixed2")


def test_a_key_shows_the_labels_it_was_made_from() -> None:
    assert labels_in("tool.{tool}.enabled", "tool.shell.enabled") == {"tool": "shell"}
    assert labels_in("tool.{tool}.enabled", "tool.shell") is None
