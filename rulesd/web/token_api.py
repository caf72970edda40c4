"""Making, listing and taking back tokens over HTTP.

Law: a secret appears in one answer, when it is made, and never again.
"""

from aiohttp import web

from rulesd.model.event import Json
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.small_body import read_object, text
from rulesd.web.tokens import MOST_TOKENS, NAME, TENANT, Scope, Token


async def create_token(door: Door, request: web.Request, _token: Token) -> web.Response:
    """Make a token: ``{"name", "scopes": [...], "tenant"}``."""
    fields = await read_object(door, request)
    name = text(fields, "name", most=63, required=True)
    if not NAME.fullmatch(name):
        raise Refused(
            400,
            "invalid_value",
            "name is not 1 to 63 of the characters a-z 0-9 . _ - starting with one of a-z 0-9",
        )
    scopes = _scopes(fields.get("scopes"))
    tenant = text(fields, "tenant", most=128)
    if tenant and not TENANT.fullmatch(tenant):
        raise Refused(400, "invalid_value", "tenant is not a label (letters, digits and ._:/@+-)")
    if tenant and Scope.ADMIN in scopes:
        raise Refused(
            400,
            "invalid_value",
            "admin acts on all tenants. Leave out the tenant, or take other scopes",
        )
    try:
        made, secret = await door.tokens.create(door.daemon, name, scopes, tenant)
    except KeyError:
        raise Refused(
            409,
            "name_taken",
            "there is a token of this name. Take another, or delete that one first",
        ) from None
    except OverflowError:
        raise Refused(
            409, "too_many_tokens", f"there are {MOST_TOKENS} tokens. Delete some that nobody uses"
        ) from None
    return answer({**made.shown(), "token": secret}, 201)


async def list_tokens(door: Door, _request: web.Request, _token: Token) -> web.Response:
    """Every token without its secret."""
    out: list[Json] = [one.shown() for one in door.tokens.all()]
    return answer({"tokens": out})


async def delete_token(door: Door, request: web.Request, _token: Token) -> web.Response:
    """Take a token back; it stops working at once."""
    if not await door.tokens.delete(door.daemon, request.match_info["name"]):
        raise Refused(
            404, "unknown_token", "there is no token of this name. See: rulesd token list"
        )
    return answer({"result": "deleted"})


def _scopes(value: Json) -> frozenset[Scope]:
    known = {str(scope): scope for scope in Scope}
    if not isinstance(value, list) or not value:
        raise Refused(
            400, "missing_field", f"scopes is missing. Send a list of: {', '.join(known)}"
        )
    if not all(isinstance(word, str) and word in known for word in value):
        raise Refused(400, "invalid_value", f"scopes holds something else than: {', '.join(known)}")
    return frozenset(known[str(word)] for word in value)
