"""Folding equals one after the other."""

import pytest

from rulesd.ports.store import DecisionRow
from rulesd.stores.folding import final_outcomes, last_number, last_values
from tests.contracts.store import done


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
