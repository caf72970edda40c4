"""Buttons, back-sync, failover and dead letters through the real daemon."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from slack_sdk.signature import SignatureVerifier

from rulesd.model.instant import format_instant
from rulesd.notify.fakes import Fakes, Mood, Service
from tests.integration.daemon import OWNERS, ROUTING, SECRET, Daemon, Receiver, event, until
from tests.web.integrating import PAGERDUTY, SLACK, click, form, pagerduty_headers

SECRETS = {"SLACK": SLACK, "PD": PAGERDUTY, "TOKEN": "xoxb-1", "KEY": "k" * 32}


@contextmanager
def stand_ins() -> Iterator[Fakes]:
    """Slack and PagerDuty in a thread of their own."""
    loop = asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()
    made: list[Fakes] = []

    async def run() -> None:
        async with Fakes() as fakes:
            made.append(fakes)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    ready.wait(10)
    try:
        yield made[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


def notifiers(receivers: str) -> dict[str, str]:
    return {"routing.yaml": ROUTING, "owners.yaml": OWNERS, "receivers.yaml": receivers}


def people(fakes: Fakes) -> str:
    return (
        "receivers:\n  pager:\n"
        f"    slack: {{token: {{env: TOKEN}}, channel: '#s', api_url: '{fakes.slack_api}', signing_secret: {{env: SLACK}}}}\n"
        f"    pagerduty: {{routing_key: {{env: KEY}}, url: '{fakes.pagerduty}', signing_secret: {{env: PD}}, changes: true}}\n"
    )


def clicked(daemon: Daemon, action: str, value: str, user: str) -> int:
    raw = form(click(action, value, user, stamp=f"{time.time()}"))
    stamp = str(int(time.time()))
    signature = SignatureVerifier(SLACK).generate_signature(timestamp=stamp, body=raw)
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": str(signature)}
    return daemon.request("POST", "/integrations/slack", raw, headers).status


def happened(daemon: Daemon, kind: str, key: str) -> Any:
    said = {
        "event": {
            "event_type": f"incident.{kind}",
            "occurred_at": format_instant(int(time.time() * 1_000)),
            "agent": {"type": "user_reference", "summary": "Jane"},
            "data": {"id": "Q1", "incident_key": key},
        }
    }
    raw = orjson.dumps(said)
    headers = pagerduty_headers(raw, PAGERDUTY, call=f"{kind}{time.time()}")
    answer = daemon.request("POST", "/integrations/pagerduty", raw, headers)
    assert answer.status == 202
    return answer.json()["result"]


def buttons(fakes: Fakes) -> dict[str, str]:
    (parent,) = [m for m in fakes.messages.values() if not m.thread_ts]
    (row,) = [b for b in parent.blocks if b["type"] == "actions"] or [{"elements": []}]
    return {b["action_id"]: b["value"] for b in row["elements"] if "value" in b}


def thread(fakes: Fakes) -> list[str]:
    return [m.text for m in fakes.messages.values() if m.thread_ts]


def told(daemon: Daemon, alert: str) -> bool:
    """Whether every page about an alert has its end on record."""
    pages = daemon.get(f"/v1/alerts/{alert}/deliveries").json()["deliveries"]
    return all(one["state"] in ("delivered", "skipped") for one in pages)


def test_a_click_in_slack_and_an_act_in_pagerduty_reach_both(tmp_path: Path) -> None:
    with stand_ins() as fakes:
        files = notifiers(people(fakes))
        with Daemon(tmp_path, notifiers=files, environ=SECRETS) as daemon:
            daemon.accept([event("e1", tool="shell", scope="out")])
            until(lambda: fakes.messages and fakes.incidents)
            (alert,) = daemon.get("/v1/alerts?state=firing").json()["alerts"]
            shown = buttons(fakes)
            assert shown == {"rulesd_ack": alert["alert"], "rulesd_silence": alert["alert"]}
            assert clicked(daemon, "rulesd_ack", shown["rulesd_ack"], "kim") == 200
            (alert,) = daemon.get("/v1/alerts?state=firing").json()["alerts"]
            assert alert["acknowledged_by"] == "kim (UKIM, Slack)"
            until(lambda: thread(fakes) == ["Acknowledged by kim (UKIM, Slack)."])
            until(lambda: fakes.incidents[0].state == "acknowledged")
            assert "rulesd_ack" not in buttons(fakes)
            settled = partial(told, daemon, alert["alert"])
            until(settled)  # a page whose delivery is not on record yet comes again after a restart
            daemon.restart()  # what is remembered of clicks and incidents is durable
            assert happened(daemon, "resolved", alert["alert"]) == "done"
            until(lambda: len(thread(fakes)) == 2)
            assert thread(fakes)[1].endswith("Jane (resolved in PagerDuty) had it.")
            proof = daemon.get(f"/v1/alerts/{alert['alert']}/deliveries").json()["deliveries"]
            until(settled)
            assert {one["channel"] for one in proof} == {"slack[0]", "pagerduty[0]"}
            # No echo: PagerDuty is not told what it said itself.
            actions = [e["event_action"] for i in fakes.incidents for e in i.events]
            assert actions == ["trigger", "acknowledge"]


def test_a_deploy_is_a_change_event(tmp_path: Path) -> None:
    with stand_ins() as fakes:
        files = notifiers(people(fakes))
        with Daemon(tmp_path, notifiers=files, environ=SECRETS) as daemon:
            deploy = event("d1", type_="deploy.change", kind="model", to_version="m-8")
            daemon.accept([deploy])
            daemon.accept([deploy])
            until(lambda: daemon.get("/v1/deliveries?state=delivered").json()["deliveries"])
            daemon.restart()
            daemon.accept([deploy])
            time.sleep(0.3)
            assert [one["payload"]["summary"] for one in fakes.changes] == ["model: m-8"]
            assert fakes.incidents == []


def test_a_page_that_is_not_taken_goes_on_over_kills(tmp_path: Path) -> None:
    with stand_ins() as fakes, Receiver() as second:
        fakes.always(Service.SLACK, Mood(status=503))
        files = notifiers(
            "receivers:\n"
            f"  pager: {{slack: {{token: {{env: TOKEN}}, channel: c, api_url: '{fakes.slack_api}'}}, failover: second}}\n"
            f"  second: {{webhook: {{url: '{second.url()}', secret: {SECRET}}}}}\n"
        )
        settings = "failover: {after: 1s}\n"
        with Daemon(tmp_path, notifiers=files, environ=SECRETS, settings=settings) as daemon:
            daemon.accept([event("e1", tool="shell", scope="out")])
            until(lambda: fakes.of(Service.SLACK))
            daemon.restart()  # before its time is over
            page = second.wait(1)[0]
            assert "It comes here because pager (slack[0]) has not accepted" in str(page.body)
            daemon.restart()  # after the second receiver's answer
            time.sleep(1.5)
            assert len({p.key for p in second.pages}) == 1
            assert len(second.pages) <= 2
            fakes.always(Service.SLACK, None)
            daemon.restart()
            time.sleep(1.5)
            assert fakes.messages == {}  # the first receiver works again, and pages nobody twice
            assert daemon.get("/v1/deliveries?state=pending").json()["deliveries"] == []


def test_dead_letters_are_sent_again_with_their_id(tmp_path: Path) -> None:
    with Receiver(lambda _: 400) as receiver:
        files = notifiers(
            f"receivers: {{pager: {{webhook: {{url: '{receiver.url()}', secret: {SECRET}}}}}}}\n"
        )
        with Daemon(tmp_path, notifiers=files) as daemon:
            daemon.accept([event("e1", tool="shell", scope="out")])
            failed = "/v1/deliveries?state=failed"
            (one,) = until(lambda: daemon.get(failed).json()["deliveries"])
            receiver.mood = None
            daemon.restart()
            answer = daemon.request("POST", f"/v1/deliveries/{one['id']}/redeliver", b"{}")
            assert answer.json() == {"id": one["id"], "result": "done"}
            until(receiver.delivered)
            until(lambda: not daemon.get(failed).json()["deliveries"])
            assert len({p.key for p in receiver.pages}) == 1
            proof = daemon.get(f"/v1/alerts/{one['alerts'][0]}/deliveries").json()["deliveries"]
            outcomes = [a["outcome"] for a in proof[0]["attempts"]]
            assert outcomes == ["failed", "delivered"]
