"""``GET /openapi.json``: the interface, as written by hand in ``openapi.json`` beside this file."""

from functools import cache
from importlib.resources import files

import orjson
from aiohttp import web

from rulesd.model.event import Json
from rulesd.web.answers import answer
from rulesd.web.door import Door


@cache
def document(version: str) -> dict[str, Json]:
    """The OpenAPI document under the running version."""
    out: dict[str, Json] = orjson.loads(files("rulesd.web").joinpath("openapi.json").read_bytes())
    info = out["info"]
    assert isinstance(info, dict)
    info["version"] = version
    return out


async def get_openapi(door: Door, _request: web.Request) -> web.Response:
    """The interface, for client generators and people."""
    return answer(document(door.settings.version))
