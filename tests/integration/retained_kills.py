"""The acting trial with a real broker: after each kill the signed message that the broker retains is what OFREP and the store say.

The doers pause while it is looked at. The store is read from a copy of its file, by the recovery a start would make; the broker by a client
that has never been there before, so that it is told what is retained and nothing else.
"""

import sqlite3
import threading
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

import orjson
import paho.mqtt.client as paho
from standardwebhooks.webhooks import Webhook

from rulesd.config import load
from rulesd.core.engine import Limits
from rulesd.core.plan import Plan
from rulesd.core.switch_table import SwitchTable
from rulesd.notify.retained import TOPIC, body_of
from rulesd.runners.recovery import recover
from rulesd.stores.files import DATABASE
from rulesd.stores.sqlite import SqliteStore
from tests.integration.acting_kills import ActingTrial, Report
from tests.mosquitto import Mosquitto

SIGNED = "whsec_cmV0YWluZWQgc3dpdGNoZXMgb2YgdGhlIGtpbGwgcHJvb2Y="
SETTINGS = """\
sources:
  mqtt:
    - url: URL
      switches_secret: {env: SWITCHES_SECRET}
"""
TENANTS = ("acme", "globex")
CALM_S = 0.15
"A broker sends what it retains at once: after so long without a message that was all."

CONVERGES_S = 60.0
"A daemon that is back must connect and publish within this; a busy machine is no counter-example."


class Listener:
    """One client on the switches' topic."""

    def __init__(self, port: int) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        "By key: the last one."
        self.settings: set[str] = set()
        "Ids of every setting any message told of."
        self.versions: list[str] = []
        "Keys whose version went back."
        self.forged: list[str] = []
        self.last = time.monotonic()
        self._ready = threading.Event()
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=f"listener-{uuid4().hex[:8]}"
        )
        self._client.on_connect = lambda client, *_: client.subscribe(TOPIC + "#", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _client, _data, message: self._take(message)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(20)

    def _take(self, message: Any) -> None:
        self.last = time.monotonic()
        key = message.topic.removeprefix(TOPIC)
        outer = orjson.loads(message.payload)
        try:
            body = Webhook(SIGNED).verify(outer["body"], outer)
        except Exception as error:
            # A retained message may be older than a service's tolerance: its time is no forgery.
            if "timestamp too old" not in str(error).lower():
                self.forged.append(f"{key}: {error}")
            body = orjson.loads(outer["body"])
        before = self.messages.get(key)
        # What a broker retains it tells after its own crash, too, however old: only what is published anew counts.
        if not message.retain and before is not None and body["version"] < before["version"]:
            self.versions.append(f"{key}: {before['version']} then {body['version']}")
        self.messages[key] = body
        self.settings |= {s["setting"] for s in body["settings"]}

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def retained(port: int) -> Listener:
    """What the broker retains, told to a client that is new there."""
    listener = Listener(port)
    listener.last = time.monotonic()
    while time.monotonic() - listener.last < CALM_S:
        time.sleep(0.01)
    listener.close()
    return listener


class RetainedTrial(ActingTrial):
    """As ``ActingTrial``; ``brokers``: each time after so many kills the broker is killed, too (0: never)."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 1,
        environ: dict[str, str] | None = None,
        brokers: int = 0,
    ) -> None:
        self.broker = Mosquitto(folder)
        self.broker.start()
        self._brokers = brokers
        self._copies = folder / "copies"
        self.listener = Listener(self.broker.port)
        self._plan: Plan | None = None
        self.compared = 0
        "Keys that were compared, over all kills."
        super().__init__(
            folder,
            seed=seed,
            environ={"SWITCHES_SECRET": SIGNED, **(environ or {})},
            settings=SETTINGS.replace("URL", self.broker.url),
        )

    def run(self, kills: int) -> Report:
        """As ``ActingTrial.run``; then what was ever published is judged, too."""
        try:
            report = super().run(kills)
        finally:
            self.close()
        report.retained = self.compared
        return report

    def close(self) -> None:
        """Leave the broker, and end it."""
        self.listener.close()
        self.broker.kill()

    def back(self) -> None:
        """The daemon is back after a kill: the broker's copy becomes what the store and the flags say."""
        if self._brokers and self.report.kills % self._brokers == 0:
            self.broker.kill()
            self.broker.start()
        with self.paused():
            kill = self.report.kills
            found = self.differences(CONVERGES_S)
            self.report.broken += [f"after kill {kill}: {said}" for said in found[:5]]

    def judge(self) -> None:
        """Nothing was ever published that the daemon does not know, or that a service would refuse."""
        self.seen |= self.listener.settings
        super().judge()
        self.report.broken += [f"not signed as ours: {said}" for said in self.listener.forged]
        self.report.broken += [f"a version went back: {said}" for said in self.listener.versions]

    # ------------------------------------------------------------------ the three that must agree

    def differences(self, seconds: float) -> list[str]:
        """What they still do not agree on after this time; empty as soon as they do."""
        limit = time.monotonic() + seconds
        while (found := self._look()) and time.monotonic() < limit:
            pass
        return found

    def _look(self) -> list[str]:
        there = retained(self.broker.port)
        table, at = self._stored()
        out = [f"not signed as ours: {said}" for said in there.forged]
        self.compared += len(there.messages)
        for key in table.by_key.keys() - there.messages.keys():
            out.append(f"{key} is set, and the broker does not say so")
        for key, body in there.messages.items():
            said = {name: body[name] for name in ("key", "value", "default", "settings")}
            stored = orjson.loads(orjson.dumps(body_of(table, key)))
            if said != stored:
                out.append(f"{key}: the broker says {said}, the store {stored}")
                continue
            for tenant in TENANTS:
                read = self._evaluate(key.split(".")[1], tenant).json()["value"]
                if (obeyed := value_for(body, {"tenant": tenant}, at)) != read:
                    out.append(f"{key} for {tenant}: the broker says {obeyed}, the flag {read}")
        return out

    def _stored(self) -> tuple[SwitchTable, float]:
        """The switches as a daemon that starts now from the store's file would have them, and when that was."""
        copy = self._copies / uuid4().hex[:8]
        copy.mkdir(parents=True)
        source = f"file:{self.daemon.state / DATABASE}?mode=ro"
        with (
            closing(sqlite3.connect(source, uri=True)) as a,
            closing(sqlite3.connect(copy / DATABASE)) as b,
        ):
            a.backup(b)
        plan = self._plan = self._plan or load(self.daemon.rules, self.daemon.notifiers).plan
        assert plan is not None
        store = SqliteStore(copy)
        try:
            engine = recover(store, store.open(), plan, Limits(), lambda _: plan).engine
        finally:
            store.close()
        at = time.time()
        engine.handle_timer(int(at * 1000))
        rmtree(copy)
        return engine.switches.shown().table, at


def value_for(body: dict[str, Any], context: dict[str, str], at: float) -> Any:
    """What a service reads from a message: the first setting that is for it and not over, else the default."""
    for setting in body["settings"]:
        ends = setting["expires_at"]
        over = ends is not None and datetime.fromisoformat(ends).timestamp() <= at
        if not over and all(context.get(k) == v for k, v in setting["scope"].items()):
            return setting["value"]
    return body["default"]
