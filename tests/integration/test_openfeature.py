"""The real OpenFeature SDK with its OFREP provider against the real daemon: a burst locks a tool path, a review releases it."""

import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import Reason

from tests.integration.daemon import BURST, TOKEN, Answer, Daemon, Receiver, event, paging, until

SWITCHES = """\
switches:
  lock_tool:
    key: "tool.{tool}.enabled"
    safe: false
    until: review
    approvals: never
  cap: {key: cap.usd_per_hour, type: number, safe: 1.5, default: 10}
  calls: {key: cap.calls, type: number, safe: 1, default: 100}
  model: {key: route.model, type: string, safe: small, default: large}
  policy: {key: policy.level, type: object, safe: {level: strict}, default: {level: usual}}
"""
LOCKING = BURST + "actions: [lock_tool]\n"


def client(url: str) -> OpenFeatureClient:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    api.set_provider(OFREPProvider(base_url=url, headers_factory=lambda: headers))
    return api.get_client()


def send(daemon: Daemon, method: str, path: str, **body: Any) -> Answer:
    return daemon.request(method, path, orjson.dumps(body), {"Content-Type": "application/json"})


def burst(daemon: Daemon, name: str) -> None:
    rows = [event(f"{name}{i}", tool="shell", outcome="denied") for i in range(5)]
    assert daemon.post(rows).status == 202


def review(daemon: Daemon, verdict: str, **fields: Any) -> None:
    (item,) = daemon.get("/v1/reviews").json()["reviews"]
    assert item["locked"]
    path = f"/v1/reviews/{item['review']}/complete"
    assert send(daemon, "POST", path, verdict=verdict, **fields).status == 200


def test_a_burst_locks_the_tool_until_a_review_also_across_kill_9(tmp_path: Path) -> None:
    with Receiver() as receiver:
        files = {**paging(receiver.url("pages")), "switches.yaml": SWITCHES}
        with Daemon(tmp_path, notifiers=files, rules={"test/burst.yaml": LOCKING}) as daemon:
            flags = client(f"http://127.0.0.1:{daemon.port}")
            acme = EvaluationContext(attributes={"tenant": "acme"})

            def enabled() -> bool:
                return flags.get_boolean_value("tool.shell.enabled", True, acme)

            assert enabled()
            burst(daemon, "a")
            until(lambda: not enabled(), what="the tool is locked")
            details = flags.get_boolean_details("tool.shell.enabled", True, acme)
            assert details.reason == Reason.STATIC
            assert details.flag_metadata["rule"] == "test.burst"
            daemon.kill()
            daemon.start()
            assert not enabled()
            review(daemon, "harm", next="patch the gate")
            assert not enabled()
            review(daemon, "fixed")
            assert enabled()


def test_every_type_the_sdk_knows(tmp_path: Path) -> None:
    with Receiver() as receiver:
        files = {**paging(receiver.url("pages")), "switches.yaml": SWITCHES}
        with Daemon(tmp_path, notifiers=files) as daemon:
            flags = client(f"http://127.0.0.1:{daemon.port}")
            assert flags.get_float_value("cap.usd_per_hour", 0.0) == 10.0
            assert flags.get_integer_value("cap.calls", 0) == 100
            assert flags.get_string_value("route.model", "") == "large"
            assert flags.get_object_value("policy.level", {}) == {"level": "usual"}
            for name in ("cap", "calls", "model", "policy"):
                done = send(daemon, "PUT", f"/v1/switches/{name}", reason="exercise")
                assert done.status == 200, done.body
            assert flags.get_float_value("cap.usd_per_hour", 0.0) == 1.5
            assert flags.get_integer_value("cap.calls", 0) == 1
            assert flags.get_string_value("route.model", "") == "small"
            assert flags.get_object_value("policy.level", {}) == {"level": "strict"}
            unknown = flags.get_boolean_details("nothing.of.ours", True)
            assert (unknown.value, str(unknown.error_code)) == (True, "FLAG_NOT_FOUND")


def test_an_expiry_that_fell_into_a_downtime_is_carried_out(tmp_path: Path) -> None:
    with Receiver() as receiver:
        files = {**paging(receiver.url("pages")), "switches.yaml": SWITCHES}
        with Daemon(tmp_path, notifiers=files) as daemon:
            flags = client(f"http://127.0.0.1:{daemon.port}")
            done = send(daemon, "PUT", "/v1/switches/model", reason="exercise", ttl="1s")
            assert done.status == 200
            assert flags.get_string_value("route.model", "") == "small"
            daemon.kill()
            time.sleep(1.2)  # the setting's time passes while nobody is there
            daemon.start()
            until(lambda: flags.get_string_value("route.model", "") == "large")


@pytest.fixture(autouse=True)
def _no_provider_stays() -> Any:
    yield
    api.shutdown()
    api.clear_providers()
