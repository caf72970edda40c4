import asyncio

import aiohttp
import pytest

from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.channels import make_channel, open_session
from rulesd.notify.fakes import Fakes, Service
from rulesd.notify.templates import Templates
from rulesd.ports.channel import Channel
from tests.contracts import channel as contract
from tests.contracts.channel import Case, Make, play
from tests.notify.samples import SECRET, note, spec

TOKEN = "xoxb-token-of-the-bot"
KEY = "0123456789abcdef0123456789abcdef"
HOOK_PATH = "xoxsecretxoxsecret"
WORD = "sesame-open-the-door"


def of(kind: str, settings: object) -> Make:
    """The adapter as the daemon makes it; ``settings`` gets the stand-ins."""

    def make(fakes: Fakes, session: aiohttp.ClientSession, deadline_s: float) -> Channel:
        values = {**settings(fakes), "deadline_s": deadline_s}  # type: ignore[operator]
        return make_channel(spec(kind, values), lambda ref: str(ref["env"]), session, Templates())

    return make


CASES = (
    Case(
        "slack bot",
        Service.SLACK,
        of(
            "slack",
            lambda f: {"token": {"env": TOKEN}, "channel": "#safety", "api_url": f.slack_api},
        ),
        secrets=(TOKEN,),
    ),
    Case(
        "slack webhook",
        Service.SLACK_WEBHOOK,
        of("slack", lambda f: {"webhook_url": {"env": f.slack_webhook}}),
        secrets=(HOOK_PATH,),
    ),
    Case(
        "pagerduty",
        Service.PAGERDUTY,
        of("pagerduty", lambda f: {"routing_key": {"env": KEY}, "url": f.pagerduty}),
        secrets=(KEY,),
    ),
    Case(
        "webhook",
        Service.WEBHOOK,
        of("webhook", lambda f: {"url": f.webhook(WORD), "secret": {"env": SECRET}}),
        secrets=(WORD, SECRET),
    ),
    Case(
        "apprise",
        Service.WEBHOOK,
        of("apprise", lambda f: {"url": f.webhook(WORD).replace("http://", "json://")}),
        tells_status=False,
        secrets=(WORD,),
        follows_no_redirect=False,
    ),
    Case(
        "slack_configs",
        Service.SLACK_WEBHOOK,
        of("slack_configs", lambda f: {"api_url": f.slack_webhook, "channel": "#safety"}),
        secrets=(HOOK_PATH,),
    ),
    Case(
        "pagerduty_configs",
        Service.PAGERDUTY,
        of("pagerduty_configs", lambda f: {"routing_key": KEY, "url": f.pagerduty}),
        secrets=(KEY,),
    ),
    Case(
        "webhook_configs",
        Service.WEBHOOK,
        of(
            "webhook_configs",
            lambda f: {
                "url": f.webhook(WORD),
                "http_config": {"authorization": {"credentials": "bearer-credentials"}},
            },
        ),
        secrets=(WORD, "bearer-credentials"),
    ),
)
EXACT = tuple(c for c in CASES if c.tells_status)
ALL = pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
NATIVE = pytest.mark.parametrize("case", EXACT, ids=lambda c: c.name)
PAGE = note()


@ALL
def test_a_page_is_delivered_with_one_request(case: Case) -> None:
    play(case, contract.delivers, PAGE)


@ALL
def test_server_errors_are_tried_again(case: Case) -> None:
    play(case, contract.retries_server_errors, PAGE)


@NATIVE
def test_retry_after_in_both_spellings(case: Case) -> None:
    play(case, contract.honours_retry_after, PAGE)


@NATIVE
def test_refusals_are_final(case: Case) -> None:
    play(case, contract.gives_up_on_refusals, PAGE)


@NATIVE
def test_redirects_are_not_followed(case: Case) -> None:
    play(case, contract.follows_no_redirect, PAGE)


@ALL
def test_a_receiver_that_hangs_costs_the_deadline(case: Case) -> None:
    play(case, contract.keeps_its_deadline, PAGE, deadline_s=0.2)


@ALL
def test_a_connection_that_breaks_is_tried_again(case: Case) -> None:
    play(case, contract.retries_a_broken_connection, PAGE)


@ALL
def test_a_quiet_notification_without_a_message_to_update_is_skipped(case: Case) -> None:
    play(case, contract.skips_what_it_cannot_update, PAGE)


@ALL
def test_no_secret_in_any_detail(case: Case) -> None:
    play(case, contract.tells_no_secret, PAGE)


@ALL
def test_an_endless_answer_is_cut(case: Case) -> None:
    play(case, contract.reads_no_endless_answer, PAGE)


@ALL
def test_a_retry_is_the_same_page(case: Case) -> None:
    play(case, contract.repeats_itself, PAGE)


@NATIVE
def test_tls_nobody_trusts_is_tried_again_and_named(case: Case) -> None:
    async def run() -> None:
        async with Fakes(tls=True) as fakes, open_session() as session:
            result = await case.make(fakes, session, 5.0).send(PAGE, {})
            assert (result.outcome, result.reason) == (DeliveryOutcome.RETRY, DeliveryReason.TLS)
            assert not fakes.received

    asyncio.run(run())


@NATIVE
def test_nobody_listening_is_tried_again(case: Case) -> None:
    async def run() -> None:
        async with Fakes() as fakes:
            pass
        async with open_session() as session:
            result = await case.make(fakes, session, 5.0).send(PAGE, {})
            assert (result.outcome, result.reason) == (
                DeliveryOutcome.RETRY,
                DeliveryReason.CONNECT,
            )

    asyncio.run(run())
