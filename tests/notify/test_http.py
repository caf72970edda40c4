import asyncio
import contextlib
import ssl
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import web

from rulesd.model.notification import Delivery
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.channels import open_session
from rulesd.notify.fakes import Fakes, Mood, Service
from rulesd.notify.http import ANSWER_CAP, Answer, Request, judge, mask, post, retry_after

D, R = DeliveryOutcome, DeliveryReason


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (200, D.DELIVERED, R.OK),
        (202, D.DELIVERED, R.OK),
        (204, D.DELIVERED, R.OK),
        (301, D.FAILED, R.CLIENT_ERROR),
        (400, D.FAILED, R.CLIENT_ERROR),
        (401, D.FAILED, R.AUTH),
        (403, D.FAILED, R.AUTH),
        (404, D.FAILED, R.CLIENT_ERROR),
        (408, D.RETRY, R.SERVER_ERROR),  # the receiver timed out on us: nothing was taken
        (410, D.FAILED, R.CLIENT_ERROR),
        (413, D.FAILED, R.CLIENT_ERROR),
        (425, D.RETRY, R.SERVER_ERROR),
        (429, D.RETRY, R.RATE_LIMITED),
        (500, D.RETRY, R.SERVER_ERROR),
        (503, D.RETRY, R.SERVER_ERROR),
        (599, D.RETRY, R.SERVER_ERROR),
    ],
)
def test_judge(status: int, outcome: D, reason: R) -> None:
    result = judge(Answer(status=status, body=b"", retry_after_ms=5_000))
    assert (result.outcome, result.reason) == (outcome, reason)
    assert result.retry_after_ms == (5_000 if outcome is D.RETRY else None)


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        ("120", 120_000),
        (" 0 ", 0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),  # Arabic digits are digits to Python, not to HTTP
        ("99999999999999999999", 999_999_999_000),
        ("Mon, 05 Jan 2026 09:01:00 GMT", 60_000),
        ("Mon, 05 Jan 2026 08:59:00 GMT", 0),  # the past means now
        ("Mon, 05 Jan 2026 09:01:00", 60_000),
        ("Monday, some day", None),
    ],
)
def test_retry_after(value: str, ms: int | None) -> None:
    assert retry_after(value, datetime(2026, 1, 5, 9, tzinfo=UTC)) == ms


def test_mask_hides_the_longest_first_and_leaves_short_words() -> None:
    assert mask("x secret-long secret a", ["secret", "secret-long", "a"]) == "x *** *** a"


def ask(url_of: object, mood: Mood | None = None, **given: object) -> Answer | Delivery:
    async def run() -> Answer | Delivery:
        async with Fakes() as fakes, open_session() as session:
            if mood:
                fakes.next(Service.WEBHOOK, mood)
            url = url_of(fakes) if callable(url_of) else url_of
            values = {"url": url, "body": b"{}", "headers": {}, "deadline_s": 2.0, **given}
            return await post(session, Request(**values))  # type: ignore[arg-type]

    return asyncio.run(run())


def hook(fakes: Fakes) -> str:
    return fakes.webhook("secret-path-of-mine")


def test_the_snippet_is_short_single_line_and_masked() -> None:
    echo = (
        b"bad\r\nrequest to /webhook/secret-path-of-mine with \x1b[31m tok-123456 " + b"y" * 5_000
    )
    answer = ask(hook, Mood(status=400, body=echo), secrets=("tok-123456",))
    assert isinstance(answer, Answer)
    assert "secret-path" not in answer.snippet
    assert "tok-123456" not in answer.snippet
    assert "\n" not in answer.snippet
    assert len(answer.snippet) <= 200
    assert answer.snippet.startswith("bad request to")


@pytest.mark.parametrize("url", ["not a url", "http://", "http://[::1", "https://exa mple/"])
def test_an_address_that_is_none_is_a_configuration_error(url: str) -> None:
    answer = ask(url)
    assert isinstance(answer, Delivery)
    assert answer.outcome is D.FAILED or answer.reason is R.CONNECT
    assert url not in answer.detail


def test_a_header_with_a_line_break_is_a_configuration_error() -> None:
    answer = ask(hook, headers={"Authorization": "Bearer a\r\nX-Evil: 1"})
    assert isinstance(answer, Delivery)
    assert (answer.outcome, answer.reason) == (D.FAILED, R.CONFIG)


def test_a_name_nobody_knows_is_no_connection() -> None:
    answer = ask("http://no-such-host.invalid/secret")
    assert isinstance(answer, Delivery)
    assert (answer.outcome, answer.reason) == (D.RETRY, R.CONNECT)
    assert "secret" not in answer.detail


def test_an_answer_whose_body_breaks_off_still_counts() -> None:
    """The status says it was taken; sending again would page twice."""

    async def run() -> Answer | Delivery:
        async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nhalf")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(half, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, open_session() as session:
            url = f"http://127.0.0.1:{port}/"
            return await post(session, Request(url=url, body=b"", headers={}, deadline_s=2))

    answer = asyncio.run(run())
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (202, b"half")


def test_an_answer_that_never_ends_is_left_at_the_cap() -> None:
    async def run() -> tuple[Answer | Delivery, int]:
        sent = 0

        async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b"x" * 8_192)
                    await writer.drain()
                    sent += 8_192
            writer.close()

        server = await asyncio.start_server(endless, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, open_session() as session:
            url = f"http://127.0.0.1:{port}/"
            answer = await post(session, Request(url=url, body=b"", headers={}, deadline_s=2))
        return answer, sent

    answer, sent = asyncio.run(run())
    assert isinstance(answer, Answer)
    assert len(answer.body) == ANSWER_CAP
    assert (
        sent < 20_000_000
    )  # what fits into the buffers on the way, not a second's worth of sending


def test_a_trusted_certificate_can_be_named() -> None:
    """``tls``: the operator's own trust replaces the system's."""

    async def run() -> Answer | Delivery:
        async with Fakes(tls=True) as fakes, open_session() as session:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            request = Request(url=fakes.webhook(), body=b"", headers={}, deadline_s=2, tls=context)
            return await post(session, request)

    answer = asyncio.run(run())
    assert isinstance(answer, Answer)
    assert answer.status == 200


def test_a_proxy_is_gone_through_and_one_that_is_gone_is_tried_again() -> None:
    seen: list[str] = []

    async def proxy(request: web.BaseRequest) -> web.Response:
        seen.append(str(request.url))
        return web.Response(text="through")

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(web.Server(proxy), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with open_session() as session:
            one = Request(
                url="http://receiver.invalid/x",
                body=b"{}",
                headers={},
                deadline_s=5,
                proxy=f"http://127.0.0.1:{port}",
            )
            answer = await post(session, one)
            assert isinstance(answer, Answer)
            assert (answer.status, seen) == (200, ["http://receiver.invalid/x"])
            server.close()
            gone = await post(session, replace(one, proxy="http://127.0.0.1:1"))
            assert isinstance(gone, Delivery)
            assert gone.outcome is DeliveryOutcome.RETRY

    asyncio.run(run())
