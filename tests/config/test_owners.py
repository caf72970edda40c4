import pytest

from rulesd.config.owners import MEANINGS
from tests.config.testing import loaded, rule


def test_every_field_of_an_owner_is_optional() -> None:
    result = loaded(
        {
            "notifiers/owners.yaml": "owners:\n  team:\n  other: {contact: '#x', receivers: {critical: inbox, default: hole}}\n"
        }
    )
    assert result.plan is not None, [str(p) for p in result.errors]
    assert result.plan.owners["team"].receivers == {}
    assert result.plan.receiver_for("other", "critical") == "inbox"
    assert result.plan.receiver_for("other", "low") == "hole"
    assert result.plan.receiver_for("team", "low") is None


def test_a_broken_owners_file_does_not_accuse_every_rule() -> None:
    result = loaded({"notifiers/owners.yaml": "owners:\n  team: {receivers: 5}\n"})
    assert [p.code for p in result.errors] == ["wrong_type"]
    result = loaded({"notifiers/owners.yaml": "owners: {team: {}\n"})
    assert [p.code for p in result.errors] == ["invalid_yaml"]


def test_severities_have_a_meaning_without_a_file_and_keep_the_rest_with_one() -> None:
    result = loaded()
    assert result.plan is not None
    assert result.plan.severities == MEANINGS
    result = loaded(
        {
            "rules/severities.yaml": "severities:\n  critical: {meaning: Now, wake: all, acknowledge_within: 5m}\n  low: Later\n"
        }
    )
    assert result.plan is not None
    assert result.plan.severities == {**MEANINGS, "critical": "Now", "low": "Later"}


@pytest.mark.parametrize(
    ("risks", "codes"),
    [(None, []), ("risks: {}\n", ["unknown_risk"]), ("risks: {one: , two: x}\n", [])],
)
def test_risks_are_checked_only_when_there_is_a_list(risks: str | None, codes: list[str]) -> None:
    result = loaded({"rules/tool/mistake.yaml": rule(covers="[one]"), "rules/risks.yaml": risks})
    assert [p.code for p in result.errors] == codes
