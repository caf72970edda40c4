"""Who is calling, and may they.

Law: a request without a right learns nothing: 401 says only how to log in, 403 only which scope is missing. A cookie
alone never changes anything unless the browser says that the request began on our own page.
"""

import base64
import binascii
import ipaddress
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from rulesd.web.answers import Refused
from rulesd.web.door import Door
from rulesd.web.tokens import Scope, Token

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def caller(door: Door, request: web.Request) -> Token | None:
    """The token the request carries: ``Authorization`` (Bearer, or Basic with the token as password), ``X-API-Key`` (OFREP), else the cookie."""
    given = request.headers.get(hdrs.AUTHORIZATION)
    if given is None and (key := request.headers.get("X-API-Key")):
        return door.tokens.find(key)
    if given is not None:
        secret = _secret(given)
        return door.tokens.find(secret) if secret else None
    token = door.sessions.find(request, door.daemon.now())
    if token is not None and request.method not in _SAFE:
        same_origin(door, request)
    return token


def admit(door: Door, request: web.Request, scope: Scope) -> Token:
    """The caller, who has the scope. Raises ``Refused`` (401, 403)."""
    token = caller(door, request)
    if token is None:
        raise Refused(
            401,
            "unauthorized",
            "a valid token is needed. Send Authorization: Bearer <token>; make one with: rulesd token create",
            headers={hdrs.WWW_AUTHENTICATE: 'Bearer realm="rulesd"'},
        )
    if not token.may(scope):
        raise Refused(
            403,
            "forbidden",
            f"this token lacks the scope {scope}. Use one that has it, or make one with: "
            f"rulesd token create NAME --scope {scope}",
        )
    return token


def near(request: web.Request) -> bool:
    """Whether a request comes from this machine itself, and not through a proxy on it."""
    if "Forwarded" in request.headers or "X-Forwarded-For" in request.headers:
        return False
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not isinstance(peer, tuple):
        return True  # a Unix socket
    address = ipaddress.ip_address(str(peer[0]).partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def same_origin(door: Door, request: web.Request) -> None:
    """Refuse what another site made the browser send (CSRF). Raises ``Refused`` (403)."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        if site == "same-origin":
            return
        raise _foreign()
    # Older browsers send Origin only. Neither header: no browser of our time, so a cookie proves nothing.
    ours = {request.host, urlsplit(door.settings.external_url).netloc} - {""}
    if origin is None or urlsplit(origin).netloc not in ours:
        raise _foreign()


def _foreign() -> Refused:
    return Refused(
        403,
        "cross_site",
        "the request did not begin on this console. Open the console and try there",
    )


def _secret(given: str) -> str:
    scheme, _, rest = given.partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return ""
        return pair.partition(":")[2]
    return ""
