"""One sentence for the next page."""

import asyncio
from types import SimpleNamespace
from typing import Any

from rulesd.web.answers import page
from rulesd.web.console_said import SAID, back, once, said_before


def asked(**cookies: str) -> Any:
    return SimpleNamespace(cookies=cookies)


def test_it_travels_in_a_cookie_of_its_own_and_is_gone_after_one_page() -> None:
    async def story() -> None:
        went = back("Ended: ä <b>", "/silences")
        assert (went.status, went.headers["Location"]) == (303, "/silences")
        cookie = went.cookies[SAID]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        request = asked(**{SAID: cookie.value})
        assert said_before(request) == "Ended: ä <b>"
        assert once(request, page("x")).cookies[SAID]["max-age"] == "0"
        assert SAID not in once(asked(), page("x")).cookies

    asyncio.run(story())


def test_what_nobody_of_ours_wrote_says_nothing() -> None:
    assert said_before(asked(**{SAID: "no hex"})) == ""
    assert said_before(asked()) == ""
