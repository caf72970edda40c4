"""What came of a button of the console: one sentence that the next page shows, once.

Law: it travels in a cookie of its own, never in an address, so that no link can make the console say something.
"""

from aiohttp import hdrs, web

SAID = "rulesd_said"
"A cookie that carries one sentence to the next page, and is gone after it."


def back(words: str, to: str = "/") -> web.Response:
    """Go to a page of the console, which says this sentence."""
    response = web.Response(status=303, headers={hdrs.LOCATION: to, hdrs.CACHE_CONTROL: "no-store"})
    said = words.encode("utf-8")[:1500].hex()
    response.set_cookie(SAID, said, max_age=30, httponly=True, samesite="Strict", path="/")
    return response


def said_before(request: web.Request) -> str:
    """The sentence a button left for this page; empty without one."""
    try:
        return bytes.fromhex(request.cookies.get(SAID, "")).decode("utf-8", "replace")[:1000]
    except ValueError:
        return ""


def once(request: web.Request, page: web.Response) -> web.Response:
    """The page, after which the sentence is gone."""
    if SAID in request.cookies:
        page.del_cookie(SAID, path="/")
    return page
