"""Answers: their JSON form, their headers, and the one way to refuse a request.

Law: an answer never quotes what was sent and never shows a stack. A refusal says what is wrong and what to do.
"""

from collections.abc import Mapping

import orjson
from aiohttp import web

from rulesd.model.event import Json

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
"Content-Security-Policy of pages: nothing inline, nothing from elsewhere."

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "rulesd",
}
_DATA = {**_ALWAYS, "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
_PAGE = {
    **_ALWAYS,
    "Content-Security-Policy": PAGE_POLICY,
    # With "no-referrer" browsers would send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
}


class Refused(Exception):
    """The request is answered with this status and this reason, and goes no further."""

    def __init__(
        self,
        status: int,
        error: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        close: bool = False,
        facts: Mapping[str, Json] | None = None,
    ) -> None:
        """``error`` is a word for programs, ``message`` a sentence for people; ``facts`` join them in the body."""
        super().__init__(error)
        self.status, self.error, self.message = status, error, message
        self.headers, self.close, self.facts = dict(headers or {}), close, dict(facts or {})


def answer(
    body: Mapping[str, Json], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        content_type="application/json",
        headers={**_DATA, **headers} if headers else _DATA,
    )


def text_answer(text: str, status: int = 200, content_type: str = "text/plain") -> web.Response:
    """A plain text answer."""
    response = web.Response(text=text, status=status, headers=_DATA)
    response.headers["Content-Type"] = (
        content_type if "charset" in content_type else f"{content_type}; charset=utf-8"
    )
    return response


def page(html: str, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An HTML page under the strict content policy."""
    return web.Response(
        text=html,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={**_PAGE, **(headers or {})},
    )


def refusal(refused: Refused) -> web.Response:
    """The answer a refusal becomes: ``{"error", "message"}`` and what else it knows."""
    body: dict[str, Json] = {"error": refused.error, "message": refused.message, **refused.facts}
    response = answer(body, refused.status, refused.headers)
    if refused.close:
        response.force_close()
    return response
