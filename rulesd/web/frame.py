"""What every request passes: its answer is counted, and no fault of ours shows more than that there was one.

Law: nothing that was sent is logged. Of an unexpected error the log holds its type and the lines of code it passed,
never its text, because a text may quote the request.
"""

import logging
import traceback

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from rulesd.web.answers import Refused, refusal
from rulesd.web.door import Door

log = logging.getLogger("rulesd.web")

_HTTP = {
    404: ("not_found", "there is nothing at this address. GET /openapi.json lists what there is"),
    405: ("method_not_allowed", "this address does not take this method. See GET /openapi.json"),
    413: ("too_large", "the body is too large for this address"),
    417: ("expectation_failed", "only Expect: 100-continue is understood"),
}


def frame(door: Door) -> Middleware:
    """The middleware of one door."""

    @web.middleware
    async def framed(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Refused as refused:
            response = refusal(refused)
        except web.HTTPException as error:
            response = _plain(error)
        except ConnectionError:
            # Nobody is there any more to be answered.
            raise
        except Exception as error:  # noqa: BLE001 - the last place where a fault can become an answer
            log.error("request failed: %s at %s", type(error).__name__, _where(error))  # noqa: TRY400
            response = refusal(
                Refused(
                    500, "internal", "the request failed; the daemon's log says where", close=True
                )
            )
        door.meter.http.labels(_endpoint(request), str(response.status)).inc()
        return response

    return framed


def _plain(error: web.HTTPException) -> web.Response:
    word, sentence = _HTTP.get(error.status, ("refused", "the request cannot be answered"))
    headers: dict[str, str] = (
        {hdrs.ALLOW: error.headers[hdrs.ALLOW]} if hdrs.ALLOW in error.headers else {}
    )
    return refusal(Refused(error.status, word, sentence, headers=headers))


def _endpoint(request: web.Request) -> str:
    """The path's pattern, so that the metric has as many values as there are routes."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    return " < ".join(f"{one.name}:{one.lineno}" for one in reversed(frames))
