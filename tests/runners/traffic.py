"""Simulated traffic of one rule, and the rule: for tests and proofs of calibration."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi
from random import Random

from rulesd.config import load_files
from rulesd.config.files import Files
from rulesd.core.plan import Plan, Rule
from rulesd.model.event import Document, Event, Json
from rulesd.model.instant import DAY, HOUR, Instant, parse_instant

MONDAY = parse_instant("2026-01-05T00:00:00Z")
WEEK = 7 * DAY

HEAD = """\
id: tool.denied
title: Denied
owner: safety
runbook: https://example.org/denied
on: [tool.call]
severity: high
"""
BURST = HEAD + "by: [tenant]\ndetect: {burst: {count: 6, within: 5m}}\n"


def plan_of(rule: str) -> Plan:
    """A plan with one rule of the operator's."""
    loaded = load_files(
        Files(
            content={
                "rules/tool/denied.yaml": rule.encode(),
                "notifiers/owners.yaml": b"owners: {safety: {contact: x}}",
                "notifiers/routing.yaml": b"route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: http://127.0.0.1:9/}]}]\n",
            }
        )
    )
    assert loaded.plan is not None, loaded.errors
    return loaded.plan


def rule_of(plan: Plan) -> Rule:
    return plan.rules[plan.by_id["tool.denied"]]


def flat(_: Instant) -> float:
    return 1.0


def daily(at: Instant) -> float:
    """Busy days, quiet nights, quieter weekends; mean near 1."""
    day = 1 + 0.8 * cos(2 * pi * (at % DAY / DAY - 0.6))
    return day * (0.5 if (at // DAY + 3) % 7 >= 5 else 1.2)


def rising(at: Instant) -> float:
    """A level that grows by 5 % a week."""
    return 1.0 + 0.05 * (at - MONDAY) / WEEK


@dataclass(frozen=True)
class World:
    """How a rule's events come."""

    per_hour: tuple[float, ...] = (1.0, 2.0, 3.0, 6.0, 6.0)
    "A rate for each tenant."
    shape: Callable[[Instant], float] = flat
    clump: float = 1.0
    "Mean events of one session, within a minute and a half."
    fail: float = 0.0
    "Share of events whose outcome is an error."
    together: bool = False
    "What fails, fails for all events of a session, and a session is as slow as its first event."

    def events(
        self, weeks: float, seed: int, start: Instant = MONDAY
    ) -> list[tuple[Event, Instant]]:
        draw = Random(seed)
        out: list[tuple[Event, Instant]] = []
        highest = 2.4 if self.shape is not rising else 4.0
        length = int(weeks * WEEK)
        for tenant, rate in enumerate(self.per_hour):
            at, n = 0.0, 0
            while (at := at + draw.expovariate(rate * highest / self.clump / HOUR)) < length:
                if draw.random() * highest > self.shape(start + int(at)):
                    continue
                n += 1
                size = 1
                while self.clump > 1 and draw.random() > 1 / self.clump:
                    size += 1
                first: dict[str, Json] = {}
                for i in range(size):
                    when = start + int(at) + (draw.randrange(90_000) if i else 0)
                    marks = self._marks(draw)
                    first = first or marks
                    given = first if self.together else marks
                    out.append(self._event(f"{seed}-{tenant}-{n}-{i}", tenant, n, when, given))
        out.sort(key=lambda pair: (pair[1], pair[0].id))
        return out

    def _marks(self, draw: Random) -> dict[str, Json]:
        outcome = "error" if draw.random() < self.fail else "ok"
        return {"outcome": outcome, "duration_ms": draw.expovariate(0.01)}

    def _event(
        self, id_: str, tenant: int, session: int, at: Instant, marks: dict[str, Json]
    ) -> tuple[Event, Instant]:
        name = f"t{tenant}"
        data = {"tool": "shell", "session_id": f"s{session}", "wanted": "ok"} | marks
        document: Document = {
            "id": id_,
            "source": "/sim",
            "type": "tool.call",
            "tenant": name,
            "data": data,
        }
        return Event(id_, "/sim", "tool.call", name, at, document, hash_of(id_), 0), at


def hash_of(text: str) -> int:
    return int.from_bytes(text.encode()[-8:], "big")
