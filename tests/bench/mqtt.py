"""MQTT QoS 1 with acknowledgement after the commit, against a bare aiomqtt loop that only counts.

Run ``python -m tests.bench.mqtt [--quick]``. A real mosquitto holds a queue of single events for each; the daemon and the loop drain theirs
in turn. Measured is from the first to the last message taken, so neither start-up nor the publisher counts.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import paho.mqtt.client as paho

from tests.bench.daemons import folder, header, median, row, shipped, traffic
from tests.integration.daemon import Daemon, Receiver, paging, until
from tests.mosquitto import Mosquitto

REACH, THEN = 0.7, 0.9
TOPIC = "safety/acme/events/bench"

BARE = """
import asyncio, sys, time
import aiomqtt

async def main(port, count):
    async with aiomqtt.Client("127.0.0.1", port, identifier="bare", clean_session=False) as client:
        await client.subscribe("safety/+/events/#", qos=1)
        if not count:
            return
        seen, began = 0, 0.0
        async for message in client.messages:
            began = began or time.perf_counter()
            seen += 1
            if seen == count:
                break
        print(time.perf_counter() - began, time.process_time(), flush=True)

asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
"""


def bare(port: int, count: int) -> tuple[float, float]:
    """Seconds and processor seconds to take ``count`` messages; 0 only subscribes."""
    done = subprocess.run(
        [sys.executable, "-c", BARE, str(port), str(count)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    wall, _, cpu = done.stdout.partition(" ")
    return (float(wall), float(cpu)) if count else (0.0, 0.0)


def publish(port: int, lines: list[bytes]) -> None:
    """Publish each line as a message; return when the broker has all."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="publisher")
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    sent = [client.publish(TOPIC, line, qos=1) for line in lines]
    for one in sent:
        one.wait_for_publish(120)
    client.disconnect()
    client.loop_stop()


def drain(daemon: Daemon, count: int) -> float:
    """Start the daemon on a full queue: seconds from the first acknowledgement seen to the last."""
    name = "rulesd_mqtt_messages_total"
    daemon.start()
    first = until(lambda: daemon.total(name, outcome="acknowledged"), 60)
    began = time.perf_counter()
    until(lambda: daemon.total(name, outcome="acknowledged") >= count, 300)
    return (time.perf_counter() - began) * count / max(1.0, count - first)


def round_(
    daemon: Daemon, broker: Mosquitto, count: int, number: int
) -> tuple[float, float, float]:
    """Events/s of the bare loop, of the daemon, and the daemon's per processor second."""
    publish(broker.port, traffic(f"m{number}", count))
    wall, _ = bare(broker.port, count)
    seconds = drain(daemon, count)
    cpu = daemon.cpu_seconds()
    daemon.stop()
    return count / wall, count / seconds, count / cpu


def measure(
    home: Path, settings: list[str], rounds: int, count: int, *, all_rules: bool = False
) -> tuple[float, float, float]:
    """Medians: bare events/s, daemon events/s, ratio."""
    # Saving the queue at every change costs the broker more than it costs anybody to read it.
    quiet = ["autosave_on_changes false", "autosave_interval 1800"]
    with Mosquitto(home, settings=[*quiet, *settings]) as broker, Receiver() as receiver:
        bare(broker.port, 0)
        flags = ["--mqtt", broker.url]
        daemon = (
            shipped(home / "d", receiver.url(), flags=flags)
            if all_rules
            else Daemon(home / "d", notifiers=paging(receiver.url()), flags=flags)
        )
        with daemon:
            until(lambda: daemon.total("rulesd_source_up") == 1, 60)
            daemon.stop()
            found = [round_(daemon, broker, count, n) for n in range(rounds)]
    return (
        median([b for b, _, _ in found]),
        median([d for _, d, _ in found]),
        median([d / b for b, d, _ in found]),
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    rounds, count = (3, 10_000) if args.quick else (7, 30_000)
    header("MQTT QoS 1, one event a message, ack after commit / bare aiomqtt loop")
    good = True
    wide = ["max_inflight_messages 1000"]
    for name, settings, all_rules in (
        ("window of 1,000", wide, False),
        ("window of 1,000, shipped rules", wide, True),
        ("mosquitto's default window of 20", [], False),
    ):
        with folder() as home:
            loop, durable, ratio = measure(home, settings, rounds, count, all_rules=all_rules)
        row(f"{name}: bare loop, messages/s", loop)
        row(f"{name}: rulesd, messages/s", durable)
        aim = settings and not all_rules
        goal = (lambda v: v >= REACH) if aim else None
        good &= row(f"{name}: ratio", ratio, "", goal, f">= {REACH}" if aim else "")
    print(f"  (then >= {THEN})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
