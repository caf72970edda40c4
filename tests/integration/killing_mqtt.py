"""The same trial with events that come over MQTT QoS 1 from a real mosquitto.

A producer counts an event as accepted when the broker has acknowledged its publication: from then on the broker owes it to
rulesd, and rulesd acknowledges it after its commit alone. So what the broker took must be in the journal, however often rulesd dies.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import orjson
import paho.mqtt.client as paho

from tests.integration.daemon import until
from tests.integration.killing import Producer, Report, Trial
from tests.mosquitto import Mosquitto

TOPIC = "safety/acme/events/tool"


class Publisher:
    """One connection to the broker that publishes with QoS 1 and waits for every acknowledgement."""

    def __init__(self, port: int, name: str) -> None:
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=name)
        self._client.max_inflight_messages_set(200)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._chance = random.Random(name)
        self._lock = threading.Lock()

    def send(self, lines: list[bytes]) -> None:
        """Publish as single events, as an array or as NDJSON; return when the broker has all of it."""
        form = self._chance.random()
        if form < 0.6:
            payloads = lines
        elif form < 0.8:
            payloads = [b"[" + b",".join(lines) + b"]"]
        else:
            payloads = [b"\n".join(lines)]
        sent = [self._client.publish(TOPIC, payload, qos=1) for payload in payloads]
        for one in sent:
            one.wait_for_publish(60)
            assert one.is_published()

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


class MqttTrial:
    """A trial whose producers publish; ``share`` and ``progress`` as in ``Trial.run``."""

    def __init__(self, folder: Path, *, seed: int = 1) -> None:
        # Saving a long queue at every change would make the broker the only thing that works here.
        quiet = ["autosave_on_changes false", "autosave_interval 1800"]
        self.broker = Mosquitto(folder, settings=quiet)
        self.broker.start()
        self.trial = Trial(folder / "run", seed=seed, flags=["--mqtt", self.broker.url])
        self._publishers: list[Publisher] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._publishers:
            each.close()
        self.broker.kill()

    def run(
        self,
        *,
        kills: int,
        events: int,
        producers: int = 3,
        share: float = 0.03,
        progress: Callable[[str], None] = lambda _: None,
        patience: float = 300.0,
    ) -> Report:
        """As ``Trial.run``."""
        trial = self.trial
        threads: list[Producer] = []
        for number in range(producers):
            publisher = Publisher(self.broker.port, f"producer-{number}")
            self._publishers.append(publisher)
            each = events // producers + 1
            producer = Producer(f"m{number}", publisher.send, share, each, number)
            self._hold(producer, kills, each / (kills + 1))
            threads.append(producer)
        with trial.daemon:  # The subscription must exist before anything is published.
            until(lambda: trial.daemon.total("rulesd_source_up") == 1, 60, "SUBACK")
            trial.settle_source = lambda: self._drained(threads)
            trial.meet = self._meet
            return trial.run(
                kills=kills,
                events=events,
                producers=0,
                more=threads,
                progress=progress,
                patience=patience,
            )

    def _hold(self, producer: Producer, kills: int, step: float) -> None:
        """Never more than two kills ahead of rulesd: kills shall meet messages on their way, not a long queue at the broker."""
        send = producer.send

        def held(lines: list[bytes]) -> None:
            report = self.trial.report
            while report.kills < kills and len(producer.accepted) > (report.kills + 2) * step:
                threading.Event().wait(0.02)
            send(lines)

        producer.send = held

    def _meet(self, events: float) -> None:
        """What the broker has is not what rulesd has taken: only its own counter tells where a kill would hit."""
        limit = time.monotonic() + 20  # The producers may have nothing more to send.
        while time.monotonic() < limit:
            if self.trial.daemon.total("rulesd_events_total", source="mqtt") >= events:
                return
            time.sleep(0.005)

    def _drained(self, threads: Sequence[Producer]) -> None:
        """Wait until rulesd has taken as many events as this life can show; the journal tells the rest."""
        daemon = self.trial.daemon
        last = "the-last-one"
        line = orjson.dumps(
            {"specversion": "1.0", "id": last, "source": "/svc", "type": "tool.call", "data": {}}
        )
        for publisher in self._publishers:
            publisher.send([line.replace(b"the-last-one", f"{last}-{id(publisher)}".encode())])
        del threads

        def idle() -> bool:
            before = daemon.total("rulesd_mqtt_messages_total", outcome="acknowledged")
            threading.Event().wait(1.0)
            return (
                before > 0
                and daemon.total("rulesd_mqtt_messages_total", outcome="acknowledged") == before
            )

        until(idle, 600, "the broker's queue to empty")
