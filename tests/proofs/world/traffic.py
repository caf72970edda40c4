"""The usual traffic of a world: requests by sessions, each with its decision, searches, tool calls, classification, reviews and reports.

Law: every chance is asked of ``Effects`` first, so an incident changes traffic and never adds a marked event of its own.
"""

from collections.abc import Iterator
from math import exp
from random import Random
from typing import Any

from tests.proofs.world.effects import Effects
from tests.proofs.world.settings import DAY, HOUR, LENGTH, MONDAY, World, moved

Made = dict[str, Any]
"An event: its time in epoch seconds as ``at``, and the rest of its envelope."
_BIN = 600.0
TOOLS = {
    "kb_read": ("read", 0.5),
    "ticket_write": ("write", 0.2),
    "sql_read": ("read", 0.15),
    "email_send": ("write", 0.1),
    "admin_user": ("privileged", 0.05),
}


class Maker:
    """Draws the traffic of one world."""

    def __init__(self, world: World, effects: Effects, random: Random) -> None:
        """Nobody has come yet."""
        self.world, self.effects, self.random = world, effects, random
        self.sessions: dict[str, str] = {}
        self.blocks: dict[tuple[str, int], float] = {}
        self.score = [exp(-((b - 1.2) ** 2) / 6.0 - 0.1 * b * self.world.tilt) for b in range(9)]
        self.drifted = [exp(-((b - 3.4) ** 2) / 7.0) for b in range(9)]

    def token(self, prefix: str) -> str:
        """A short name nobody else has."""
        return f"{prefix}{self.random.getrandbits(32):08x}"

    def pick(self, shares: dict[str, float]) -> str:
        """One of them, by its share."""
        return self.random.choices(list(shares), list(shares.values()))[0]

    def wander(self, what: str, share: float, at: float) -> float:
        """The share as it is in this stretch of six hours."""
        if not self.world.block:
            return share
        key = what, int(at // (6 * HOUR))
        if key not in self.blocks:
            self.blocks[key] = self.random.gauss(0.0, self.world.block)
        return moved(share, self.blocks[key])

    def chance(self, what: str, usual: float, at: float, labels: dict[str, str]) -> bool:
        """Whether it happens."""
        return self.random.random() < self.effects.of(what, usual, at, labels)

    def requests(self) -> Iterator[Made]:
        """All events of all requests, in no order."""
        at = MONDAY
        while at < MONDAY + LENGTH:
            mean = self.world.pace(at) * _BIN * self.effects.of("traffic", 1.0, at, {})
            for _ in range(poisson(self.random, mean)):
                yield from self.request(at + self.random.random() * _BIN)
            at += _BIN

    def person(self, at: float) -> tuple[str, dict[str, Any]]:
        """Who asks: tenant, and the labels of the session."""
        random = self.random
        tenant = self.pick(self.world.tenants)
        user = f"{tenant}-u{min(int(random.expovariate(1 / 9)), self.world.users):02d}"
        if user not in self.sessions or random.random() < 0.6:
            self.sessions[user] = self.token("s")
        data = {
            "route": self.pick(self.world.routes),
            "language": self.pick(self.world.languages),
            "model": "m1",
            "user_ref": user,
            "session_id": self.sessions[user],
        }
        if random.random() < 0.002:
            del data["language"]
        return tenant, data

    def request(self, at: float) -> Iterator[Made]:
        """The events of one request."""
        random, world = self.random, self.world
        tenant, who = self.person(at)
        hazard = self.pick(world.hazards)
        labels = {
            "tenant": tenant,
            "hazard": hazard,
            "route": who["route"],
            "language": who.get("language", ""),
        }
        flow = self.token("c")

        def event(type_: str, later: float, **data: Any) -> Made:
            return {
                "at": at + later,
                "type": type_,
                "tenant": tenant,
                "correlationid": flow,
                "data": {**who, **data},
            }

        decision = self.decision(at, labels)
        yield event("policy.decision", 0.0, **decision)
        if random.random() < 0.66:
            yield event("retrieval.query", 0.4, **self.search(at, labels))
        if random.random() < 0.28:
            yield event("tool.call", 3.0, **self.call(at, labels))
        if decision["verdict"] != "deny":
            yield event("output.classification", 5.0, **self.classified(at, labels))
        if random.random() < 0.06:
            then = 600 + random.expovariate(1 / 3000)
            yield event("review.outcome", then, **self.reviewed(at + then, labels))
        if self.chance("report", world.reporting, at, labels):
            yield event("user.feedback", 20.0, kind="report")
        elif random.random() < 0.006:
            yield event("user.feedback", 20.0, kind=random.choice(("thumbs_down", "thumbs_up")))
        if random.random() < 0.0008:
            yield event("near_miss", 8.0, hazard=hazard, stage="approval")
        if world.versions and random.random() < 0.1:
            state = "soft" if random.random() < 0.02 else "ok"
            yield event("usage.cost", 9.0, meter="tokens", limit_state=state, cost_usd=0.01)

    def decision(self, at: float, labels: dict[str, str]) -> dict[str, Any]:
        world = self.world
        usual = self.wander(labels["hazard"], world.refused[labels["tenant"], labels["hazard"]], at)
        verdict, action = "allow", "allow"
        if self.chance("refuse", usual, at, labels):
            verdict, action = "deny", "refuse"
        elif self.chance("clarify", world.clarified[labels["route"]], at, labels):
            verdict, action = "escalate", "ask_clarify"
        elif self.random.random() < 0.003:
            verdict, action = "escalate", "require_approval"
        return {
            "stage": "input",
            "verdict": verdict,
            "action": action,
            "hazard": labels["hazard"],
            "status": "error" if self.chance("gate", world.gate_failing, at, labels) else "ok",
            "reason_code": "jailbreak_pattern" if self.random.random() < 0.013 else "none",
            "component": "policy_gate",
        } | self.version("policy_version", "p", at)

    def version(self, label: str, prefix: str, at: float) -> dict[str, str]:
        """The version in force, where the world tells versions."""
        if not self.world.versions:
            return {}
        return {label: f"{prefix}{int(self.effects.of(label, 6, at, {}))}"}

    def search(self, at: float, labels: dict[str, str]) -> dict[str, Any]:
        index = self.pick(self.world.indexes)
        for each in self.effects.by.get("source", ()):
            if each.start <= at < each.end and self.random.random() < each.value:
                index = each.labels["index"]
        failed = self.chance("filter", self.world.filter_failing, at, labels)
        return {
            "index": index,
            "result_count": min(20, int(self.random.expovariate(0.25))),
            "filter_outcome": "error" if failed else "applied",
            "cross_tenant": False,
            "instruction_like": self.random.random() < 0.0045,
            "outcome": "ok",
        }

    def call(self, at: float, labels: dict[str, str]) -> dict[str, Any]:
        tool = self.random.choices(list(TOOLS), [share for _, share in TOOLS.values()])[0]
        outcome = "denied" if self.random.random() < self.world.denied else "ok"
        if self.chance("restart", 0.0008, at, labels):
            outcome = "error"
        data = {
            "tool": tool,
            "tier": TOOLS[tool][0],
            "phase": "result",
            "outcome": outcome,
            "scope": "in",
            "args_hash": f"h{self.random.getrandbits(16):04x}",
            "cost_usd": round(self.random.expovariate(1 / 0.004), 5),
            "egress": False,
        }
        return data | ({"deny_reason": "policy"} if outcome == "denied" else {})

    def classified(self, at: float, labels: dict[str, str]) -> dict[str, Any]:
        failed = self.chance("fail", self.wander("fail", self.world.failing, at), at, labels)
        drifted = self.effects.of("drift", 0.0, at, labels)
        weights = self.drifted if self.random.random() < drifted else self.score
        bin_ = 9 if failed else self.random.choices(range(9), weights)[0]
        return {
            "classifier": "harm",
            "target": "output",
            "hazard": labels["hazard"],
            "label": "fail" if failed else "pass",
            "score_bin": bin_,
        } | self.version("classifier_version", "v", at)

    def reviewed(self, at: float, labels: dict[str, str]) -> dict[str, Any]:
        agree = not self.chance("disagree", self.world.disagreeing, at, labels)
        said = "violation" if self.random.random() < 0.04 else "clean"
        other = "clean" if said == "violation" else "violation"
        return {
            "agree": agree,
            "classifier_label": said,
            "reviewer_label": said if agree else other,
        } | self.version("classifier_version", "v", at)

    def beats(self) -> Iterator[Made]:
        """The heartbeats of every component, on time but for some jitter."""
        for name in self.world.components:
            at = MONDAY + self.random.random() * self.world.beat
            while at < MONDAY + LENGTH:
                gone = self.effects.of("silent", 0.0, at, {"component": name})
                if not gone:
                    data = {"component": name, "kind": "monitor", "status": "ok"}
                    data |= {"interval_s": int(self.world.beat)}
                    shifted = at + self.random.gauss(0.0, self.world.beat / 75)
                    yield {"at": shifted, "type": "heartbeat", "data": data}
                at += self.world.beat


def poisson(random: Random, mean: float) -> int:
    """A Poisson number (by counting arrivals)."""
    count, sum_ = 0, random.expovariate(1.0)
    while sum_ < mean:
        count += 1
        sum_ += random.expovariate(1.0)
    return count


def day_of(at: float) -> float:
    """Days since the world began."""
    return (at - MONDAY) / DAY
