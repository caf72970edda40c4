"""Signed links to runbooks."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from rulesd.model.instant import DAY
from rulesd.web.links import Links, LinkState, link_key
from tests.web.fakes import NOW, FakeDaemon

LINKS = Links(key=b"k" * 32, external_url="https://rulesd.example.org/")


def parts(url: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(url).query)
    return query["exp"][0], query["sig"][0]


def test_a_link_opens_for_seven_days() -> None:
    url = LINKS.runbook("tool.scope_violation", NOW)
    assert url.startswith("https://rulesd.example.org/runbooks/tool.scope_violation?exp=")
    expires, signature = parts(url)
    check = LINKS.check
    assert check("tool.scope_violation", expires, signature, NOW) is LinkState.VALID
    assert check("tool.scope_violation", expires, signature, NOW + 7 * DAY - 1) is LinkState.VALID
    assert check("tool.scope_violation", expires, signature, NOW + 7 * DAY) is LinkState.EXPIRED


def test_a_link_opens_nothing_else() -> None:
    expires, signature = parts(LINKS.runbook("a.b", NOW))
    assert LINKS.check("a.c", expires, signature, NOW) is LinkState.INVALID
    assert LINKS.check("a.b", str(int(expires) + 1), signature, NOW) is LinkState.INVALID
    other = Links(key=b"x" * 32)
    assert other.check("a.b", expires, signature, NOW) is LinkState.INVALID


@pytest.mark.parametrize(
    ("expires", "signature"),
    [("", ""), ("soon", "x"), ("-1", "x"), ("9" * 13, "x"), ("１２３", "x"), ("1", "é\udc80")],
)
def test_rubbish_is_invalid(expires: str, signature: str) -> None:
    assert LINKS.check("a.b", expires, signature, NOW) is LinkState.INVALID


def test_without_an_address_there_is_no_link() -> None:
    assert Links(key=b"k" * 32).runbook("a.b", NOW) == ""


def test_the_key_is_made_once() -> None:
    async def story() -> None:
        daemon = FakeDaemon()
        key = await link_key(daemon)
        assert len(key) == 32
        assert await link_key(daemon) == key

    asyncio.run(story())
