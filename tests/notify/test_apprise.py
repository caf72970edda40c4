import asyncio
import threading
import time

import orjson
import pytest

from rulesd.model.notification import Delivery
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.apprise import HUNG_LIMIT, Apprise, apprise
from rulesd.notify.fakes import Fakes
from rulesd.notify.settings import ChannelError
from rulesd.notify.templates import Templates
from tests.notify.samples import note, spec

PAGE = note(channel=3)


def test_a_page_goes_out_through_the_library() -> None:
    async def run() -> None:
        async with Fakes() as fakes:
            url = fakes.webhook().replace("http://", "json://")
            channel = apprise(
                spec("apprise", {"url": {"env": url}}), lambda r: str(r["env"]), Templates()
            )
            assert (await channel.send(PAGE, {})).outcome is DeliveryOutcome.DELIVERED
            said = orjson.loads(fakes.received[0].body)
            assert said["title"].startswith("CRITICAL: An assistant used a tool")
            assert "First five minutes" in said["message"]
            assert said["type"] == "failure"

    asyncio.run(run())


def test_a_hung_service_costs_its_own_threads_and_nobody_elses() -> None:
    release = threading.Event()

    def hangs(*_: str) -> bool:
        return release.wait(10)

    async def run() -> tuple[list[Delivery], float]:
        sick = Apprise(spec("apprise"), Templates(), notify=hangs, deadline_s=0.02)
        well = Apprise(spec("apprise"), Templates(), notify=lambda *_: True)
        results = [await sick.send(PAGE, {}) for _ in range(HUNG_LIMIT + 2)]
        many = [Apprise(spec("apprise"), Templates(), notify=hangs) for _ in range(12)]
        waiting = [asyncio.ensure_future(one.send(PAGE, {})) for one in many]
        await asyncio.sleep(0.01)
        began = time.perf_counter()
        assert (await well.send(PAGE, {})).outcome is DeliveryOutcome.DELIVERED
        took = time.perf_counter() - began
        release.set()
        await asyncio.gather(*waiting)
        return results, took

    results, took = asyncio.run(run())
    assert {(r.outcome, r.reason) for r in results} == {
        (DeliveryOutcome.RETRY, DeliveryReason.TIMEOUT)
    }
    assert "have not come back" in results[-1].detail
    assert took < 0.25


def test_a_plugin_that_fails_or_raises_is_tried_again_without_its_words() -> None:
    def raises(*_: str) -> bool:
        raise RuntimeError("https://user:secret@host")

    async def run() -> list[Delivery]:
        out = []
        for notify in (raises, lambda *_: False):
            out.append(await Apprise(spec("apprise"), Templates(), notify=notify).send(PAGE, {}))
        return out

    raised, refused = asyncio.run(run())
    assert raised.outcome is refused.outcome is DeliveryOutcome.RETRY
    assert "secret" not in raised.detail
    assert "RuntimeError" in raised.detail


def test_a_page_that_is_too_long_is_cut_into_one() -> None:
    async def run() -> None:
        async with Fakes() as fakes:
            url = fakes.webhook().replace("http://", "json://")
            long = Templates({"plain.j2": "title\n{{ 'x' * 50000 }}"})
            await apprise(spec("apprise", {"url": url}), str, long).send(PAGE, {})
            assert len(fakes.received) == 1
            assert len(orjson.loads(fakes.received[0].body)["message"]) <= 32_768

    asyncio.run(run())


@pytest.mark.parametrize("url", ["", "nonsense", "nosuchschema://x"])
def test_an_address_apprise_does_not_know(url: str) -> None:
    with pytest.raises(ChannelError, match="is not an Apprise address"):
        apprise(spec("apprise", {"url": url}), str, Templates())
