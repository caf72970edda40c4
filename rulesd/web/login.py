"""Logging in to the console by pasting a token.

Law: the token travels once, in a form's body; what the browser keeps is a random reference. A log-in begun elsewhere is refused.
"""

from urllib.parse import parse_qs

from aiohttp import hdrs, web

from rulesd.web import body
from rulesd.web.answers import Refused
from rulesd.web.door import Door
from rulesd.web.guard import same_origin
from rulesd.web.pages import render
from rulesd.web.tokens import Scope


def login_page(
    door: Door, request: web.Request, status: int = 401, problem: str = "", then: str = ""
) -> web.Response:
    """The page that asks for a token, and brings one back to where one wanted to go.

    A click in Slack or mail reaches us without our strict cookie although one is logged in: the page then loads itself once
    more, as a request of our own, which carries the cookie.
    """
    foreign = request.headers.get("Sec-Fetch-Site") == "cross-site" and request.method == "GET"
    again = request.path if foreign else ""
    return render(
        "login.html",
        status,
        title="Log in",
        problem=problem,
        then=then or (request.path if request.method == "GET" else "/"),
        again=again,
        local=not door.settings.external_url,
    )


async def get_login(door: Door, request: web.Request) -> web.Response:
    """The page that asks for a token."""
    return login_page(door, request, 200, then=_local(request.query.get("then", "/")))


async def post_login(door: Door, request: web.Request) -> web.Response:
    """Exchange a token for a session."""
    same_origin(door, request)
    form = await read_form(door, request)
    then = _local(form.get("then", "/"))
    token = door.tokens.find(form.get("token", "").strip())
    if token is None:
        return login_page(door, request, 401, "This token is not known here.", then)
    if not token.may(Scope.READ):
        return login_page(
            door, request, 403, "This token may not look: it lacks the scope read.", then
        )
    response = web.Response(
        status=303, headers={hdrs.LOCATION: then, hdrs.CACHE_CONTROL: "no-store"}
    )
    door.sessions.open(token, door.daemon.now(), response)
    return response


async def post_logout(door: Door, request: web.Request) -> web.Response:
    """End the session."""
    same_origin(door, request)
    response = web.Response(status=303, headers={hdrs.LOCATION: "/login"})
    door.sessions.close(request, response)
    return response


async def read_form(door: Door, request: web.Request) -> dict[str, str]:
    """The fields of a small form."""
    limits = door.settings.limits
    with door.room.place() as place:
        raw = await body.read(request, limits, place, limits.form_bytes)
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refused(415, "unsupported_media_type", "send a form")
    try:
        fields = parse_qs(raw.decode("ascii"), max_num_fields=20, keep_blank_values=True)
    except (UnicodeDecodeError, ValueError):
        raise Refused(400, "broken_body", "this is no form") from None
    return {name: values[0] for name, values in fields.items()}


def _local(then: str) -> str:
    """Only ever back to this console: a path of ours, else its front page."""
    fine = then.startswith("/") and not then.startswith(("//", "/\\")) and then.isprintable()
    return then if fine and "\\" not in then else "/"
