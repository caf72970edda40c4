"""What a source is told when the daemon cannot take more."""

import pytest

from rulesd.model.errors import RulesdError
from rulesd.ports.intake import Overloaded


def test_overload_says_why_and_for_how_long() -> None:
    with pytest.raises(RulesdError, match="the queue is full") as caught:
        raise Overloaded("the queue is full", retry_after_s=7)
    assert isinstance(caught.value, Overloaded)
    assert caught.value.retry_after_s == 7
    assert Overloaded("x").retry_after_s == 1
