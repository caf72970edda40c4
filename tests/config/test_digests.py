"""Digests of owners and receivers; their mistakes stand in ``mistakes``."""

from rulesd.config import Loaded
from rulesd.model.instant import parse_instant
from tests.config.testing import loaded

INBOX = 'webhook: {url: "https://example.org/in", secret: {env: HOOK}}'


def receivers(digest: str) -> Loaded:
    return loaded(
        {
            "notifiers/receivers.yaml": f"receivers:\n  inbox:\n    digest: {digest}\n    {INBOX}\n  hole: {{}}\n"
        }
    )


def test_a_receiver_has_one_as_a_line_or_with_its_severities() -> None:
    for written, severities in (
        ("'CRON_TZ=Europe/Berlin 0 9 * * *'", ("medium", "low")),
        ("{at: '0 8 * * *', severities: [high, low]}", ("high", "low")),
    ):
        result = receivers(written)
        assert result.plan is not None, [str(p) for p in result.errors]
        digest = result.plan.receivers["inbox"].digest
        assert digest is not None
        assert digest.severities == severities
        at = parse_instant("2026-01-05T07:00:00Z")
        assert digest.next(at) == parse_instant("2026-01-05T08:00:00Z")
        assert result.plan.receivers["hole"].digest is None


def test_a_receivers_digest_that_cannot_be() -> None:
    for written, code in (
        ("soon", "invalid_schedule"),
        ("{at: '0 8 * * *', severities: [critical]}", "invalid_value"),
        ("{severities: [low]}", "missing_field"),
        ("5", "wrong_type"),
    ):
        result = receivers(written)
        assert [p.code for p in result.errors] == [code], written


def test_a_receivers_file_that_cannot_be_parsed_is_told_once() -> None:
    result = loaded({"notifiers/receivers.yaml": "receivers: {inbox: {digset: x}}\n"})
    assert [p.code for p in result.errors] == ["unknown_field"]


def test_an_owners_is_for_low_ones_unless_it_says_more() -> None:
    text = "owners:\n  team: {receivers: {default: inbox}, digest: '0 9 * * *'}\n"
    result = loaded({"notifiers/owners.yaml": text})
    assert result.plan is not None
    digest = result.plan.owners["team"].digest
    assert digest is not None
    assert digest.severities == ("low",)
