"""Settings and limits of the door, as the contract has them."""

import pytest

from rulesd.web.settings import MIB, WebLimits, WebSettings


def test_limits_of_the_contract() -> None:
    limits = WebLimits()
    assert (limits.body_bytes, limits.inflated_bytes) == (16 * MIB, 64 * MIB)
    assert limits.head_s <= 15
    assert limits.bodies_in_memory >= limits.body_bytes + limits.inflated_bytes


def test_a_secret_without_a_resolver_is_a_fault_that_says_so() -> None:
    with pytest.raises(LookupError, match="resolve_secret"):
        WebSettings(version="1").resolve_secret({"env": "X"})
