"""Sessions of the console: a cookie stands for a token that was pasted once.

Law: the cookie is a random reference; what it stands for is kept here, in memory and bounded, and ends when the token does.
A restart ends all sessions; people paste their token again.
"""

import secrets
from dataclasses import dataclass

from aiohttp import web

from rulesd.model.instant import DAY, HOUR, Instant
from rulesd.web.tokens import Token, Tokens, digest_of

IDLE = 12 * HOUR
LONGEST = 7 * DAY
MOST = 1_000
"Sessions at one moment; the one unused for longest goes when there is one more."


@dataclass(slots=True)
class _Session:
    name: str
    digest: str
    opened: Instant
    seen: Instant


class Sessions:
    """Who is logged in to the console."""

    def __init__(self, tokens: Tokens, *, secure: bool) -> None:
        """``secure``: the console is reached over https, so the cookie is bound to that."""
        self._tokens, self._secure = tokens, secure
        self.cookie = "__Host-rulesd" if secure else "rulesd"
        self._open: dict[str, _Session] = {}

    def open(self, token: Token, now: Instant, response: web.StreamResponse) -> None:
        """Log in: a new reference every time."""
        while len(self._open) >= MOST:
            del self._open[min(self._open, key=lambda digest: self._open[digest].seen)]
        reference = secrets.token_urlsafe(32)
        self._open[digest_of(reference)] = _Session(token.name, token.digest, now, now)
        response.set_cookie(
            self.cookie,
            reference,
            max_age=LONGEST // 1_000,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=self._secure,
        )

    def find(self, request: web.Request, now: Instant) -> Token | None:
        """The token the request's cookie stands for, if the session is still good."""
        reference = request.cookies.get(self.cookie)
        session = self._open.get(digest_of(reference)) if reference else None
        if reference is None or session is None:
            return None
        token = self._tokens.named(session.name, session.digest)
        if token is None or now - session.seen > IDLE or now - session.opened > LONGEST:
            del self._open[digest_of(reference)]
            return None
        session.seen = now
        return token

    def close(self, request: web.Request, response: web.StreamResponse) -> None:
        """Log out."""
        reference = request.cookies.get(self.cookie)
        if reference:
            self._open.pop(digest_of(reference), None)
        response.del_cookie(
            self.cookie, path="/", httponly=True, samesite="Strict", secure=self._secure
        )
