"""Sessions: random references that end."""

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from rulesd.web.sessions import IDLE, LONGEST, MOST, Sessions
from rulesd.web.tokens import Token, Tokens
from tests.web.fakes import ADMIN, NOW


def made() -> tuple[Sessions, Token]:
    tokens = Tokens(ADMIN)
    admin = tokens.find(ADMIN)
    assert admin is not None
    return Sessions(tokens, secure=False), admin


def opened(sessions: Sessions, token: Token, now: int = NOW) -> web.Request:
    response = web.Response()
    sessions.open(token, now, response)
    return with_cookie(f"{sessions.cookie}={response.cookies[sessions.cookie].value}")


def with_cookie(cookie: str) -> web.Request:
    return make_mocked_request("GET", "/", headers={"Cookie": cookie})


def test_a_session_stands_for_its_token_until_it_idles_or_ages() -> None:
    sessions, admin = made()
    request = opened(sessions, admin)
    assert sessions.find(request, NOW + IDLE) is admin
    assert sessions.find(request, NOW + 2 * IDLE + 1) is None
    request = opened(sessions, admin)
    for now in range(NOW, NOW + LONGEST + 1, IDLE):
        assert sessions.find(request, now) is admin
    assert sessions.find(request, NOW + LONGEST + 1) is None


def test_another_reference_opens_nothing() -> None:
    sessions, admin = made()
    opened(sessions, admin)
    assert sessions.find(with_cookie(f"{sessions.cookie}=guess"), NOW) is None
    assert sessions.find(make_mocked_request("GET", "/"), NOW) is None


def test_logging_out_ends_it_on_our_side() -> None:
    sessions, admin = made()
    request = opened(sessions, admin)
    sessions.close(request, web.Response())
    assert sessions.find(request, NOW) is None


def test_a_session_ends_with_its_token() -> None:
    sessions, _ = made()
    gone = Token(name="gone", scopes=frozenset(), digest="ab")
    assert sessions.find(opened(sessions, gone), NOW) is None


def test_bounded() -> None:
    sessions, admin = made()
    first = opened(sessions, admin, NOW - 1)
    for _ in range(MOST - 1):
        sessions.open(admin, NOW, web.Response())
    last = opened(sessions, admin)
    assert sessions.find(first, NOW) is None
    assert sessions.find(last, NOW) is admin
