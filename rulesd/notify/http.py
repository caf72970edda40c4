"""One HTTP request of a channel, and what its answer means: sent, try again, or given up.

Law: nothing here raises for what a receiver or the network does, and no text made here holds an address, a header or a secret:
webhook addresses are secrets themselves. Redirects are never followed (a signed page must not travel on), answers are read up
to a cap, and one deadline covers the whole attempt.

How answers are judged (the same for every channel):

======================  =========  ======================
answer                  outcome    reason
======================  =========  ======================
2xx                     delivered  ok
408, 425, 5xx           retry      server_error
429                     retry      rate_limited (``Retry-After`` honoured)
401, 403                failed     authentication_failed
3xx, other 4xx          failed     client_error
no answer in time       retry      timeout
no connection           retry      cannot_connect
certificate refused     retry      tls_error
======================  =========  ======================
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from rulesd.model.notification import Delivery
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.text import cut, one_line

ANSWER_CAP = 64 * 1024
"Bytes of an answer that are read; the rest is not looked at."

SNIPPET = 200
"Characters of an answer that may appear in a ``Delivery.detail``."

_MIN_SECRET = 6
"Shorter texts are not masked: masking every ``a`` would hide the message and protect nothing."


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a channel wants to send."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    deadline_s: float
    secrets: tuple[str, ...] = ()
    "Texts that must not appear in any detail, besides the address."

    tls: ssl.SSLContext | None = None
    "``None``: the system's trust store."

    proxy: str = ""
    "The address of an HTTP proxy to go through; empty: none, whatever the environment says."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    retry_after_ms: int | None = None
    secrets: tuple[str, ...] = ()

    @property
    def snippet(self) -> str:
        """The receiver's own words, shortened, on one line, without secrets."""
        return mask(one_line(self.body.decode("utf-8", "replace")), self.secrets)[:SNIPPET]


async def post(session: aiohttp.ClientSession, request: Request) -> Answer | Delivery:
    """Send once. An ``Answer`` whatever its status; a ``Delivery`` when there was none (retry, with the reason)."""
    try:
        async with asyncio.timeout(request.deadline_s):
            return await _exchange(session, request)
    except TimeoutError:
        return retry(DeliveryReason.TIMEOUT, f"no answer within {request.deadline_s:g} s")
    except aiohttp.InvalidURL:
        return failed(DeliveryReason.CONFIG, "the address is not a URL")
    except (
        aiohttp.ClientConnectorCertificateError,
        aiohttp.ClientSSLError,
        ssl.SSLError,
    ) as error:
        return retry(DeliveryReason.TLS, f"TLS failed ({_tls_words(error)})")
    except (aiohttp.ClientError, OSError) as error:
        return retry(DeliveryReason.CONNECT, f"no connection ({_network_words(error)})")
    except ValueError:
        # A header or an address with characters HTTP does not allow.
        return failed(DeliveryReason.CONFIG, "the address or a header holds forbidden characters")


async def _exchange(session: aiohttp.ClientSession, request: Request) -> Answer:
    async with session.post(
        request.url,
        data=request.body,
        headers={"User-Agent": "rulesd", "Accept-Encoding": "identity", **request.headers},
        allow_redirects=False,
        timeout=aiohttp.ClientTimeout(total=None),
        ssl=request.tls if request.tls is not None else True,
        proxy=request.proxy or None,
    ) as response:
        return Answer(
            status=response.status,
            body=await _read(response),
            retry_after_ms=retry_after(response.headers.get("Retry-After", "")),
            secrets=(request.url, *_url_secrets(request.url), *request.secrets),
        )


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Up to ``ANSWER_CAP`` bytes; a connection that breaks after the status line still answered."""
    taken = bytearray()
    try:
        async for chunk in response.content.iter_any():
            taken += chunk
            if len(taken) >= ANSWER_CAP:
                response.close()
                break
    except aiohttp.ClientError:
        response.close()
    return bytes(taken[:ANSWER_CAP])


def judge(answer: Answer) -> Delivery:
    """What an HTTP status means (see the table above)."""
    status = answer.status
    detail = f"HTTP {status}" + (f": {answer.snippet}" if answer.snippet else "")
    if 200 <= status < 300:
        return Delivery(
            outcome=DeliveryOutcome.DELIVERED, reason=DeliveryReason.OK, detail=f"HTTP {status}"
        )
    if status == 429:
        return retry(DeliveryReason.RATE_LIMITED, detail, answer.retry_after_ms)
    if status >= 500 or status in (408, 425):
        return retry(DeliveryReason.SERVER_ERROR, detail, answer.retry_after_ms)
    if status in (401, 403):
        return failed(DeliveryReason.AUTH, detail)
    if 300 <= status < 400:
        detail = f"HTTP {status}: redirects are not followed; write the final address"
    return failed(DeliveryReason.CLIENT_ERROR, detail)


def retry(reason: DeliveryReason, detail: str, after_ms: int | None = None) -> Delivery:
    """Not now; try again."""
    return Delivery(
        outcome=DeliveryOutcome.RETRY,
        reason=reason,
        detail=cut(detail, 300),
        retry_after_ms=after_ms,
    )


def failed(reason: DeliveryReason, detail: str) -> Delivery:
    """Never, with this configuration and this page."""
    return Delivery(outcome=DeliveryOutcome.FAILED, reason=reason, detail=cut(detail, 300))


def skipped(detail: str) -> Delivery:
    """Nothing to do here: the notification only updates, and there is nothing to update."""
    return Delivery(
        outcome=DeliveryOutcome.SKIPPED, reason=DeliveryReason.NOT_IN_PLACE, detail=detail
    )


def retry_after(value: str, now: datetime | None = None) -> int | None:
    """``Retry-After`` in milliseconds: seconds or an HTTP date; ``None`` when absent or unreadable, never negative."""
    word = value.strip()
    if not word:
        return None
    if word.isascii() and word.isdigit():
        return int(word[:9]) * 1_000
    try:
        moment = parsedate_to_datetime(word)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    ahead = moment - (now or datetime.now(UTC))
    return max(0, int(ahead.total_seconds() * 1_000))


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret replaced by ``***``."""
    for secret in sorted({s for s in secrets if len(s) >= _MIN_SECRET}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _url_secrets(url: str) -> tuple[str, ...]:
    """The parts of an address that may be a secret: its path, query and every long path segment."""
    rest = url.partition("://")[2].partition("/")[2]
    return (rest, *(part for part in rest.replace("?", "/").split("/") if len(part) >= 8))


def _tls_words(error: BaseException) -> str:
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    verify = getattr(inner, "verify_message", "")
    return str(verify or getattr(inner, "reason", "") or type(inner).__name__)


def _network_words(error: BaseException) -> str:
    inner = getattr(error, "os_error", None) or error
    strerror = getattr(inner, "strerror", None)
    return str(strerror) if strerror else type(inner).__name__
