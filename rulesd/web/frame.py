"""What every request passes: its answer is counted, and no fault of ours shows more than that there was one.

Law: nothing that was sent is logged. Of an unexpected error the log holds its type and the lines of code it passed,
never its text, because a text may quote the request.
"""

import logging
import traceback

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from rulesd.model.errors import StoreError
from rulesd.ports.intake import Overloaded
from rulesd.web import pages
from rulesd.web.answers import Refused, refusal
from rulesd.web.door import Door

log = logging.getLogger("rulesd.web")

_PROGRAMS = ("/v1/", "/-/", "/hooks/", "/metrics", "/openapi.json")
_TITLES = {
    403: "That is not allowed",
    404: "There is nothing here",
    405: "That is not how this works",
    503: "Not right now",
}
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
            response = _shown(request, refused)
        except web.HTTPException as error:
            response = _plain(request, error)
        except (Overloaded, StoreError) as error:
            response = _shown(request, _come_back(error))
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


def _shown(request: web.Request, refused: Refused) -> web.Response:
    """JSON for programs; for a person in front of a page, a page."""
    if not pages.wants_page(request) or request.path.startswith(_PROGRAMS):
        return refusal(refused)
    response = pages.render(
        "notice.html",
        refused.status,
        title=_TITLES.get(refused.status, "That did not work"),
        text=refused.message[:1].upper() + refused.message[1:] + ".",
        steps=[],
    )
    response.headers.update(refused.headers)
    return response


def _plain(request: web.Request, error: web.HTTPException) -> web.Response:
    word, sentence = _HTTP.get(error.status, ("refused", "the request cannot be answered"))
    headers: dict[str, str] = (
        {hdrs.ALLOW: error.headers[hdrs.ALLOW]} if hdrs.ALLOW in error.headers else {}
    )
    return _shown(request, Refused(error.status, word, sentence, headers=headers))


def _come_back(error: Overloaded | StoreError) -> Refused:
    wait = error.retry_after_s if isinstance(error, Overloaded) else 5
    return Refused(
        503,
        "overloaded",
        "the daemon cannot make this durable right now; nothing was done. Send it again after Retry-After",
        headers={hdrs.RETRY_AFTER: str(max(wait, 1))},
    )


def _endpoint(request: web.Request) -> str:
    """The path's pattern, so that the metric has as many values as there are routes."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    return " < ".join(f"{one.name}:{one.lineno}" for one in reversed(frames))
