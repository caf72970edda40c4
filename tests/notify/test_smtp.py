"""Mail handed in to a real SMTP server."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from rulesd.model.notification import Delivery
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.resolve import PatientResolver
from rulesd.notify.smtp import Server, hand_in
from tests.notify.mailing import PASSWORD, USER, Post, certificate, post

D, R = DeliveryOutcome, DeliveryReason
MAIL = b"Subject: x\r\n\r\nhello\r\n"


async def hand(there: Post, *to: str, deadline_s: float = 5.0, **given: Any) -> Delivery:
    values = {"host": "127.0.0.1", "port": there.port, "require_tls": False, **given}
    people = to or ("a@x.example",)
    server = Server(**values)
    return await hand_in(server, PatientResolver(), "r@x.example", people, MAIL, deadline_s)


def test_a_mail_is_taken() -> None:
    async def story() -> None:
        async with post() as there:
            done = await hand(there, "a@x.example", "b@x.example")
            assert (done.outcome, done.reason, done.detail) == (D.DELIVERED, R.OK, "accepted")
            ((sender, to, raw),) = there.taken
            assert (sender, to) == ("r@x.example", ["a@x.example", "b@x.example"])
            assert raw.endswith(b"hello\r\n")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        ("451 greylisted, come back", D.RETRY, R.SERVER_ERROR),
        ("421 closing", D.RETRY, R.SERVER_ERROR),
        ("554 spam", D.FAILED, R.REFUSED),
        ("530 log in first", D.FAILED, R.AUTH),
    ],
)
def test_what_answers_mean(answer: str, outcome: D, reason: R) -> None:
    async def story() -> None:
        async with post() as there:
            there.answers.append(answer)
            done = await hand(there)
            assert (done.outcome, done.reason) == (outcome, reason)
            assert answer[:3] in done.detail
            assert (await hand(there)).outcome is D.DELIVERED

    asyncio.run(story())


def test_recipients_some_of_whom_are_refused() -> None:
    async def story() -> None:
        async with post() as there:
            there.refused = {"b@x.example": "550 no such user"}
            done = await hand(there, "a@x.example", "b@x.example")
            assert (done.outcome, done.detail) == (
                D.DELIVERED,
                "accepted; 1 of 2 recipients refused",
            )
            done = await hand(there, "b@x.example")
            assert (done.outcome, done.reason) == (D.FAILED, R.REFUSED)
            there.refused = {"b@x.example": "450 later"}
            assert (await hand(there, "b@x.example")).outcome is D.RETRY

    asyncio.run(story())


def test_a_server_that_hangs_costs_the_deadline() -> None:
    async def story() -> None:
        async with post() as there:
            there.hangs = True
            done = await hand(there, deadline_s=0.3)
            assert (done.outcome, done.reason) == (D.RETRY, R.TIMEOUT)

    asyncio.run(story())


def test_nobody_there_is_tried_again() -> None:
    async def story() -> None:
        async with post() as there:
            pass
        done = await hand(there)
        assert (done.outcome, done.reason) == (D.RETRY, R.CONNECT)
        done = await hand(there, host="no-such-host.invalid")
        assert (done.outcome, done.reason) == (D.RETRY, R.CONNECT)

    asyncio.run(story())


def test_something_else_than_a_mail_server_is_tried_again() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        done = await hand(Post(port=server.sockets[0].getsockname()[1]))
        assert done.outcome is D.RETRY
        server.close()

    asyncio.run(story())


def test_tls_is_required_unless_it_is_not(tmp_path: Path) -> None:
    context, authority = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(authority))

    async def story() -> None:
        async with post() as there:
            done = await hand(there, require_tls=True)
            assert (done.outcome, done.reason) == (D.RETRY, R.TLS)
            assert there.taken == []
        async with post(starttls=context) as there:
            assert (await hand(there, require_tls=True, tls=trust)).outcome is D.DELIVERED
            # Also where it is not required: what is offered is used.
            assert (await hand(there, tls=trust)).outcome is D.DELIVERED
            assert there.secure == [True, True]
            done = await hand(there, require_tls=True)
            assert (done.outcome, done.reason) == (D.RETRY, R.TLS)
        async with post(implicit=context) as there:
            done = await hand(there, implicit_tls=True, tls=trust)
            assert done.outcome is D.DELIVERED
            done = await hand(there, implicit_tls=True)
            assert (done.outcome, done.reason) == (D.RETRY, R.TLS)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("without", "used"), [((), "PLAIN"), (("PLAIN",), "LOGIN"), (("LOGIN",), "PLAIN")]
)
def test_logging_in_with_what_the_server_offers(
    tmp_path: Path, without: tuple[str, ...], used: str
) -> None:
    context, authority = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(authority))

    async def story() -> None:
        async with post(starttls=context, auth=True, without=without) as there:
            own = {"username": USER, "password": PASSWORD, "tls": trust, "require_tls": True}
            assert (await hand(there, **own)).outcome is D.DELIVERED
            assert there.logins == [(used, USER)]
            done = await hand(there, **{**own, "password": "wrong-wrong"})
            assert (done.outcome, done.reason) == (D.FAILED, R.AUTH)
            assert "wrong-wrong" not in repr(done)
            done = await hand(there, **{**own, "password": "", "secret": "s"})
            assert (done.outcome, done.reason) == (D.RETRY, R.AUTH)

    asyncio.run(story())


def test_a_password_never_travels_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with post(auth=True) as there:
            own = {"username": USER, "password": PASSWORD}
            assert (await hand(there, **own)).outcome is D.DELIVERED  # this machine itself
            monkeypatch.setattr("rulesd.notify.smtp._here", lambda host: False)
            done = await hand(there, **own)
            assert (done.outcome, done.reason) == (D.RETRY, R.TLS)
            assert len(there.logins) == 1

    asyncio.run(story())


def test_nothing_shows_a_secret() -> None:
    own = Server(host="h", port=1, username="u", password=PASSWORD, secret="s3cr3t-md5")
    assert PASSWORD not in repr(own)
    assert "s3cr3t-md5" not in repr(own)


def test_an_address_that_cannot_be_one_is_final() -> None:
    async def story() -> None:
        async with post() as there:
            done = await hand(there, "a\r\nRCPT TO:<b@x.example>")
            assert (done.outcome, done.reason) == (D.FAILED, R.CONFIG)
            assert there.taken == []

    asyncio.run(story())
