"""Folding equals one after the other."""

import pytest

from rulesd.ports.store import DecisionRow
from rulesd.stores.folding import attempts, final_outcomes, is_about, last_number, last_values
from tests.contracts.store import done, page


def test_the_last_outcome_counts_until_delivered():
    last = final_outcomes(
        [
            done("a", "pending", attempts=1),
            done("b", "delivered"),
            done("a", "failed", attempts=2),
            done("b", "pending", attempts=9),
            done("b", "delivered", attempts=9),
            done("a", "pending", receiver="other"),
        ]
    )
    assert {place: (one.state, one.attempts) for place, one in last.items()} == {
        ("a", "ops", "slack"): ("failed", 2),
        ("b", "ops", "slack"): ("delivered", 1),
        ("a", "other", "slack"): ("pending", 1),
    }
    assert final_outcomes([]) == {}


def test_numbers_go_up():
    def rows(*numbers):
        return [DecisionRow(seq=n, at=0, kind="", rule="", alert="", body=b"") for n in numbers]

    assert last_number([], 7) == 7
    assert last_number(rows(8, 9, 20), 7) == 20
    for numbers in ((7,), (8, 8), (9, 8)):
        with pytest.raises(ValueError, match="must go up"):
            last_number(rows(*numbers), 7)


def test_the_last_value_counts():
    assert last_values([("a", b"1"), ("b", b""), ("a", b"2")]) == {"a": b"2", "b": b""}


def test_an_attempt_is_what_was_sent():
    rows = [
        done("n1", "delivered"),
        done("n1", "pending"),
        done("n1", "failed"),
        done("n1", "skipped"),
        done("n1", "pending", attempts=0),
    ]
    assert [one.state for one in attempts(rows)] == ["delivered", "pending", "failed"]


def test_a_page_is_about_the_alerts_it_names_and_the_one_it_is_of():
    row = page("n1", "a1", body=b'{"alerts":[{"alert":"a2"}]}')
    assert is_about(row, "a1")
    assert is_about(row, "a2")
    assert not is_about(row, "a")
    assert not is_about(row, "a22")
