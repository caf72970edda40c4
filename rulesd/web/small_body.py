"""Small JSON bodies of the API: an object, its fields, and what is wrong with them.

Law: a refusal names the field and says what to write, and never repeats what was written.
"""

import unicodedata
from collections.abc import Mapping

import orjson
from aiohttp import web

from rulesd.model.event import Json
from rulesd.web import body
from rulesd.web.answers import Refused
from rulesd.web.door import Door


async def read_object(door: Door, request: web.Request) -> dict[str, Json]:
    """The body as a JSON object; an empty body is an empty one. Raises ``Refused`` (400, 408, 413)."""
    limits = door.settings.limits
    with door.room.place() as place:
        raw = await body.read(request, limits, place, limits.form_bytes)
    if not raw.strip():
        return {}
    return as_object(raw)


def as_object(raw: bytes) -> dict[str, Json]:
    """Bytes as a JSON object. Raises ``Refused`` (400)."""
    try:
        out = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Refused(400, "invalid_json", "the body is not JSON. Send a JSON object") from None
    if not isinstance(out, dict):
        raise Refused(400, "not_an_object", "the body is not a JSON object. Send one")
    return out


def text(fields: Mapping[str, Json], name: str, *, most: int, required: bool = False) -> str:
    """A field that is a text of at most ``most`` characters, without control characters; empty when absent."""
    value = fields.get(name)
    if value is None or value == "":
        if required:
            raise Refused(400, "missing_field", f"{name} is missing. Send a text")
        return ""
    if not isinstance(value, str):
        raise Refused(400, "wrong_type", f"{name} is not a text")
    plain = "".join(c for c in value if c == "\n" or unicodedata.category(c) not in _CONTROL)
    if len(plain) > most:
        raise Refused(400, "too_long", f"{name} is longer than {most} characters. Shorten it")
    return plain.strip()


_CONTROL = frozenset({"Cc", "Cf", "Cs", "Co"})
"Control, format (bidi) and unpaired characters: they have no place in a name or a note."
