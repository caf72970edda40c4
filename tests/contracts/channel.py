"""What every channel promises (``rulesd/ports/channel.py``), run over all adapters by ``test_channels.py``.

A ``Case`` says how to make the adapter against the stand-ins, and which of their services it talks to.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp

from rulesd.model.notification import Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.channels import open_session
from rulesd.notify.fakes import Fakes, Mood, Service
from rulesd.ports.channel import Channel

Make = Callable[[Fakes, aiohttp.ClientSession, float], Channel]


@dataclass(frozen=True)
class Case:
    name: str
    service: Service
    make: Make
    tells_status: bool = True
    "Whether the adapter can tell one HTTP failure from another (Apprise cannot)."

    secrets: tuple[str, ...] = ()
    "Texts that must appear in no detail."

    follows_no_redirect: bool = True


Story = Callable[[Fakes, Channel, Case, Notification], Awaitable[None]]


def play(case: Case, story: Story, page: Notification, deadline_s: float = 5.0) -> None:
    """Run one story on real loopback servers."""

    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            channel = case.make(fakes, session, deadline_s)
            await story(fakes, channel, case, page)
            await channel.close()

    asyncio.run(run())


async def delivers(fakes: Fakes, channel: Channel, case: Case, page: Notification) -> None:
    result = await channel.send(page, {})
    assert (result.outcome, result.reason) == (DeliveryOutcome.DELIVERED, DeliveryReason.OK)
    assert [r.service for r in fakes.received] == [case.service]


async def retries_server_errors(
    fakes: Fakes, channel: Channel, case: Case, page: Notification
) -> None:
    for status in (500, 502, 503):
        fakes.next(case.service, Mood(status=status, body=b"upstream is sad"))
        result = await channel.send(page, {})
        assert result.outcome is DeliveryOutcome.RETRY
        assert result.reason is DeliveryReason.SERVER_ERROR
        if case.tells_status:
            assert str(status) in result.detail
    assert (await channel.send(page, {})).outcome is DeliveryOutcome.DELIVERED


async def honours_retry_after(
    fakes: Fakes, channel: Channel, case: Case, page: Notification
) -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    for header, low, high in (("7", 7_000, 7_000), (in_a_minute, 50_000, 60_000)):
        fakes.next(case.service, Mood(status=429, headers={"Retry-After": header}))
        result = await channel.send(page, {})
        assert result.outcome is DeliveryOutcome.RETRY
        assert result.reason is DeliveryReason.RATE_LIMITED
        assert result.retry_after_ms is not None
        assert low <= result.retry_after_ms <= high


async def gives_up_on_refusals(
    fakes: Fakes, channel: Channel, case: Case, page: Notification
) -> None:
    wanted = {
        400: DeliveryReason.CLIENT_ERROR,
        404: DeliveryReason.CLIENT_ERROR,
        401: DeliveryReason.AUTH,
        403: DeliveryReason.AUTH,
    }
    for status, reason in wanted.items():
        fakes.next(case.service, Mood(status=status))
        result = await channel.send(page, {})
        assert (result.outcome, result.reason) == (DeliveryOutcome.FAILED, reason)


async def follows_no_redirect(
    fakes: Fakes, channel: Channel, case: Case, page: Notification
) -> None:
    elsewhere = {"Location": fakes.webhook("elsewhere")}
    fakes.next(case.service, Mood(status=307, headers=elsewhere))
    result = await channel.send(page, {})
    assert result.outcome is DeliveryOutcome.FAILED
    assert len(fakes.received) == 1


async def keeps_its_deadline(
    fakes: Fakes, channel: Channel, case: Case, page: Notification
) -> None:
    fakes.next(case.service, Mood(hang=True))
    began = asyncio.get_running_loop().time()
    result = await channel.send(page, {})
    assert (result.outcome, result.reason) == (DeliveryOutcome.RETRY, DeliveryReason.TIMEOUT)
    assert asyncio.get_running_loop().time() - began < channel.deadline_s + 0.5


async def retries_a_broken_connection(
    fakes: Fakes, channel: Channel, case: Case, page: Notification
) -> None:
    fakes.next(case.service, Mood(hang_up=True))
    result = await channel.send(page, {})
    assert result.outcome is DeliveryOutcome.RETRY
    assert result.reason is (
        DeliveryReason.CONNECT if case.tells_status else DeliveryReason.SERVER_ERROR
    )


async def skips_what_it_cannot_update(
    fakes: Fakes, channel: Channel, case: Case, page: Notification
) -> None:
    del case
    result = await channel.send(replace(page, page=False), {})
    assert result.outcome is DeliveryOutcome.SKIPPED
    assert not fakes.received


async def tells_no_secret(fakes: Fakes, channel: Channel, case: Case, page: Notification) -> None:
    """A receiver that echoes the request, address and headers included, must not put them into a detail."""
    echo = " ".join((*case.secrets, fakes.slack_webhook, "and more")).encode()
    for status in (400, 401, 429, 500, 302):
        fakes.next(case.service, Mood(status=status, body=echo))
        result = await channel.send(page, {})
        for secret in case.secrets:
            assert secret not in result.detail
            assert secret not in repr(result)
        assert len(result.detail) <= 300


async def reads_no_endless_answer(
    fakes: Fakes, channel: Channel, case: Case, page: Notification
) -> None:
    fakes.next(case.service, Mood(status=400, body=b"x" * 4_000_000))
    result = await channel.send(page, {})
    assert result.outcome is not DeliveryOutcome.DELIVERED
    assert len(result.detail) <= 300


async def repeats_itself(fakes: Fakes, channel: Channel, case: Case, page: Notification) -> None:
    """A retry is the same page to the receiver: same id, same key, same bytes."""
    fakes.next(case.service, Mood(status=500, after=True))
    assert (await channel.send(page, {})).outcome is DeliveryOutcome.RETRY
    assert (await channel.send(page, {})).outcome is DeliveryOutcome.DELIVERED
    first, second = fakes.received
    assert first.body == second.body
    assert first.headers.get("webhook-id") == second.headers.get("webhook-id")
    assert len(fakes.incidents) <= 1
