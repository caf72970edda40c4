"""Ten million distinct keys for one rule: memory, time, what is told, and how idle keys go.

Run ``python -m tests.bench.keys [--quick]`` (``--quick``: 300,000 keys). Every event brings a new value of the rule's ``by``, 2,000 a second of event time, straight
into the engine (no decoding, no store). What changed is written as a checkpoint would be every five seconds of event time. Once with ``max_keys`` as it is by default and once with
a million, each in a process of its own. Then the traffic stops for two hours, and some new keys come: what is idle has to go.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rulesd.config import load
from rulesd.core.book import Book
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.model.alert import OVERFLOW
from rulesd.model.decision import AlertChanged, Decision, Kind, LimitReached, NotificationDue
from rulesd.model.event import Event
from rulesd.model.instant import HOUR
from rulesd.runners import codec
from tests.bench.daemons import header, row
from tests.integration.daemon import OWNERS, ROOT, paging, write

RULE = """\
id: test.keys
title: A conversation is denied again and again
owner: safety
runbook: https://runbooks.example.org/keys
on: [tool.call]
when: {"===": [{"var": "data.outcome"}, "denied"]}
detect: {burst: {count: 20, within: 10m}}
by: [conversation_id]
severity: high
"""
T0 = 1_767_600_000_000
RATE = 2
"Events a millisecond."

STEP = 10_000
"Events between two checkpoints: five seconds."


def planned(max_keys: int | None) -> Plan:
    """The one rule."""
    text = RULE if max_keys is None else f"{RULE}max_keys: {max_keys}\n"
    with tempfile.TemporaryDirectory() as home:
        notifiers = {**paging("http://127.0.0.1:1/x"), "owners.yaml": OWNERS}
        loaded = load(
            write(Path(home) / "rules", {"test/keys.yaml": text}),
            write(Path(home) / "notifiers", notifiers),
        )
    assert loaded.plan is not None, [str(e) for e in loaded.errors]
    return loaded.plan


def denied(first: int, count: int, start: int) -> Iterator[Event]:
    """Denied calls, each of a conversation nobody has seen before."""
    for n in range(first, first + count):
        at = start + (n - first) // RATE
        who = f"conv-{n:08d}"
        document: dict[str, Any] = {
            "type": "tool.call",
            "source": "/assistants/1",
            "tenant": "acme",
            "data": {"tool": "t", "outcome": "denied", "conversation_id": who},
        }
        yield Event(f"e-{n:032d}", "/assistants/1", "tool.call", "acme", at, document, n, n)


def resident() -> float:
    """Megabytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


class Flood:
    """One engine, one rule, and what it said."""

    def __init__(self, max_keys: int | None) -> None:
        """Nothing yet."""
        self.engine = Engine(planned(max_keys))
        self.book: Book = self.engine.detection.books[self.engine.plan.by_id["test.keys"]]
        self.at = T0
        self.sent = 0
        self.most = 0
        "The most keys held."
        self.taking = self.writing = 0
        "Nanoseconds of the processor for events, and for what a checkpoint asks of the engine."
        self.said: list[Decision] = []

    def send(self, count: int) -> None:
        """So many new keys."""
        for begin in range(0, count, STEP):
            events = list(denied(self.sent, min(STEP, count - begin), self.at))
            began = time.process_time_ns()
            for event in events:
                made = self.engine.receive(event, event.at)
                if made:
                    self.said += made
            done = time.process_time_ns()
            for state in self.engine.changes():
                codec.pack_key(state)
            self.taking += done - began
            self.writing += time.process_time_ns() - done
            self.most = max(self.most, len(self.book))
            self.sent += len(events)
            self.at = events[-1].at

    def wait(self, milliseconds: int) -> None:
        """Nothing arrives."""
        self.at += milliseconds
        self.said += self.engine.handle_timer(self.at)

    def limits(self) -> list[LimitReached]:
        """How often the limit was told."""
        return [d for d in self.said if isinstance(d, LimitReached)]

    def fired(self) -> list[str]:
        """The label of each alert that fired."""
        return [
            d.alert.labels["conversation_id"]
            for d in self.said
            if isinstance(d, AlertChanged) and d.kind is Kind.FIRING
        ]

    def pages(self) -> int:
        """How many pages that made."""
        return sum(isinstance(d, NotificationDue) and d.page for d in self.said)


def measure(keys: int, max_keys: int | None) -> dict[str, float]:
    """One run; figures by name."""
    flood = Flood(max_keys)
    limit = flood.book.rule.max_keys
    empty = resident()
    filling = min(limit, keys) // STEP * STEP
    flood.send(filling)
    fill = flood.taking / filling / 1000
    full = resident()
    flood.taking = 0
    flood.send(keys - filling)
    held = resident()
    beyond = flood.taking / max(1, keys - filling) / 1000
    span = flood.at - T0
    flood.wait(2 * HOUR)
    new = max(STEP, limit * 3 // 4 // STEP * STEP)
    flood.send(new)
    return {
        "limit": limit,
        "fill_us": fill,
        "beyond_us": beyond,
        "checkpoint_us": flood.writing / flood.sent / 1000,
        "empty_mb": empty,
        "full_mb": full,
        "held_mb": held,
        "end_mb": resident(),
        "most": flood.most,
        "told": len(flood.limits()),
        "hours": span / HOUR,
        "overflow": sum(label == OVERFLOW for label in flood.fired()),
        "others": sum(label != OVERFLOW for label in flood.fired()),
        "pages": flood.pages(),
        "left": len(flood.book),
        "new": new,
    }


def show(found: dict[str, float], keys: int) -> bool:
    """Print one run; whether all is as it should be."""
    limit = found["limit"]
    print(f" max_keys {limit:,.0f}")
    row("an event while there is room", found["fill_us"], "us")
    row("an event beyond that", found["beyond_us"], "us")
    row("a checkpoint, for each event", found["checkpoint_us"], "us")
    row("resident memory before", found["empty_mb"], "MB")
    row("resident memory when the rule is full", found["full_mb"], "MB")
    a_key = (found["full_mb"] - found["empty_mb"]) * 1024 * 1024 / min(limit, keys)
    row("bytes a key, with its id in the duplicates window", a_key)
    row("resident memory after all keys", found["held_mb"], "MB")
    row("resident memory at the end", found["end_mb"], "MB")
    good = row("keys held at most", found["most"], "", lambda v: v <= limit + 1, "<= max + 1")
    if keys > limit:
        hours = found["hours"]
        good &= row(
            f"limit.reached told, in {hours:.1f} h",
            found["told"],
            "",
            lambda v: 1 <= v <= hours + 1,
            "once an hour",
        )
        good &= row(f"alerts {OVERFLOW}", found["overflow"], "", lambda v: v == 1, "1")
        good &= row("pages", found["pages"], "", lambda v: 1 <= v <= 2 + hours, "few")
    good &= row("alerts of other keys", found["others"], "", lambda v: v == 0, "0")
    new = found["new"]
    good &= row(
        f"idle keys left after 2 h of nothing and {new:,.0f} new ones",
        max(0.0, found["left"] - new),
        "",
        lambda v: v <= limit / 10,
        "<= a tenth",
    )
    return good


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--one", nargs=2, type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one is not None:
        keys, max_keys = args.one
        print(json.dumps(measure(keys, max_keys or None)))
        return 0
    keys = 300_000 if args.quick else 10_000_000
    header(f"{keys:,} distinct keys for one burst rule with count 20")
    good = True
    for max_keys in (0, 50_000 if args.quick else 1_000_000):
        command = [sys.executable, "-m", "tests.bench.keys", "--one", str(keys), str(max_keys)]
        said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        good &= show(json.loads(said.stdout), keys)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
