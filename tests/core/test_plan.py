import pytest

from rulesd.core.plan import Matcher, Owner
from tests.core.plans import plan, rule


def test_an_owner_names_receivers_by_severity_or_by_default() -> None:
    p = plan(
        rule(),
        owners={
            "a": Owner(name="a", receivers={"critical": "pager", "default": "chat"}),
            "b": Owner(name="b"),
        },
    )
    assert p.receiver_for("a", "critical") == "pager"
    assert p.receiver_for("a", "low") == "chat"
    assert p.receiver_for("b", "low") is None
    assert p.receiver_for("nobody", "low") is None


def test_a_matcher_prints_as_alertmanager_prints_it() -> None:
    assert str(Matcher(name="a", op="=~", value='x"\n\\', test=bool)) == 'a=~"x\\"\\n\\\\"'


def test_a_plan_made_by_hand_reads_neither_patterns_nor_schedules() -> None:
    with pytest.raises(ValueError, match="cannot read"):
        plan(rule()).regex("a.*")
