"""Two seeded workloads: alert rules as teams write them, and one of another shape, so that the method is measured.

``mixed``   events of about 460 bytes, 15 types, Zipf-distributed tenants (one for every ten rules); rules of every shape:
            keys, ``in`` lists, prefixes, thresholds, ``or``, ``if``, ``some``; 3 % bare thresholds, 1 % negations.
``equal``   the same events; rules of keys, ``in`` lists, prefixes and ``or`` alone.
``nested``  deeply nested events of about 1 kB with many fields of few values; lists of up to 30 values, 20 % negations.
"""

from __future__ import annotations

import random
from typing import Any

import orjson

Json = Any

TYPES = ["policy.decision", "tool.call", "retrieval.query", "output.classification", "user.feedback", "usage.cost", "deploy.change", "redteam.finding",
         "review.outcome", "near_miss", "heartbeat", "alert.state", "containment.changed", "action.result", "session.end"]  # fmt: skip
HAZARDS = [
    "self_harm",
    "violence",
    "pii",
    "malware",
    "jailbreak",
    "fraud",
    "hate",
    "sexual",
    "bio",
    "none",
]
TOOLS = [
    f"{group}.{verb}"
    for group in ("fs", "db", "mail", "web", "crm", "k8s", "git", "pay")
    for verb in ("read", "write", "delete", "list", "send")
]
ENVS = ["prod", "staging", "dev"]
REGIONS = ["eu-west-1", "eu-north-1", "us-east-1", "us-west-2", "ap-south-1", "sa-east-1"]
MODELS = [f"model-{i}" for i in range(12)]
ROUTES = [f"/v1/{name}" for name in ("chat", "search", "agent", "batch", "summarise", "extract")]


def tenants(rules: int) -> int:
    return max(10, rules // 10)


class Zipf:
    """Draws numbers below ``n``, the small ones often."""

    def __init__(self, r: random.Random, n: int) -> None:
        self.r, self.items = r, range(n)
        total, self.cumulative = 0.0, []
        for i in range(n):
            total += 1 / (i + 1)
            self.cumulative.append(total)

    def draw(self, k: int) -> list[int]:
        return self.r.choices(self.items, cum_weights=self.cumulative, k=k)


def events(count: int, rules: int, seed: int = 1) -> list[bytes]:
    r = random.Random(seed)
    who = Zipf(r, tenants(rules)).draw(count)
    return [orjson.dumps(_event(r, i, who[i])) for i in range(count)]


def _event(r: random.Random, i: int, tenant: int) -> Json:
    kind = r.choices(TYPES, weights=[30, 25, 10, 10, 3, 8, 1, 1, 2, 1, 5, 1, 1, 1, 1])[0]
    data: dict[str, Json] = {
        "env": r.choices(ENVS, weights=[8, 1, 1])[0], "region": r.choice(REGIONS), "model": r.choice(MODELS), "route": r.choice(ROUTES),
        "request_id": f"req-{r.getrandbits(64):016x}", "session_id": f"ses-{r.getrandbits(48):012x}", "latency_ms": round(r.expovariate(1 / 300), 1),
    }  # fmt: skip
    if kind in ("policy.decision", "output.classification", "redteam.finding", "near_miss"):
        data |= {
            "hazard": r.choice(HAZARDS),
            "verdict": r.choices(["allow", "deny", "modify", "warn"], weights=[90, 5, 3, 2])[0],
            "score": round(r.betavariate(1, 6), 3),
        }
    if kind in ("tool.call", "action.result"):
        data |= {"tool": r.choice(TOOLS), "tier": r.choice(["read", "write", "destructive", "privileged"]), "scope": r.choices(["in", "out"], weights=[97, 3])[0],
                 "outcome": r.choices(["ok", "denied", "error", "timeout"], weights=[90, 5, 4, 1])[0], "duration_ms": r.randint(1, 4000)}  # fmt: skip
    if kind == "retrieval.query":
        data |= {"index": f"idx-{r.randint(0, 20)}", "filter_outcome": r.choices(["applied", "skipped"], weights=[98, 2])[0],
                 "docs": [{"id": f"d{r.randint(0, 999)}", "label": r.choice(["public", "internal", "secret"])} for _ in range(r.randint(0, 3))], "result_count": r.randint(0, 20)}  # fmt: skip
    if kind == "usage.cost":
        data |= {
            "meter": "tokens",
            "input_tokens": r.randint(10, 9000),
            "output_tokens": r.randint(10, 2000),
            "cost_usd": round(r.expovariate(50), 4),
        }
    return {"specversion": "1.0", "id": f"e-{i:08d}-{r.getrandbits(32):08x}", "source": f"/svc/{r.choice(['gateway', 'agent', 'search', 'batch'])}/{r.randint(1, 9)}",
            "type": kind, "time": f"2026-01-01T{r.randint(0, 23):02d}:{r.randint(0, 59):02d}:{r.randint(0, 59):02d}Z", "tenant": f"tenant-{tenant}", "data": data}  # fmt: skip


def var(name: str) -> Json:
    return {"var": name}


def rules(kind: str, count: int, seed: int = 2) -> dict[str, Json]:
    r = random.Random(f"{kind}{count}{seed}")
    make = {"mixed": _mixed, "equal": _equal, "nested": _nested_rule}[kind]
    return {f"{kind}.{i}": make(r, count) for i in range(count)}


def _who(r: random.Random, count: int) -> Json:
    return {"===": [var("tenant"), f"tenant-{r.randrange(tenants(count))}"]}


def _kind(name: str) -> Json:
    return {"===": [var("type"), name]}


def _threshold(r: random.Random) -> Json:
    return {r.choice([">", ">="]): [var("data.score"), round(r.uniform(0.5, 0.99), 2)]}


def _equal(r: random.Random, count: int) -> Json:
    pick = r.random()
    if pick < 0.3:
        return {
            "and": [
                _kind("policy.decision"),
                _who(r, count),
                {"===": [var("data.hazard"), r.choice(HAZARDS)]},
                {"==": [var("data.verdict"), r.choice(["deny", "warn"])]},
            ]
        }
    if pick < 0.55:
        return {
            "and": [
                _kind("tool.call"),
                _who(r, count),
                {"===": [var("data.tool"), r.choice(TOOLS)]},
                {"in": [var("data.env"), r.sample(ENVS, 2)]},
            ]
        }
    if pick < 0.65:
        return {
            "and": [
                _kind("tool.call"),
                _who(r, count),
                {"===": [{"substr": [var("data.tool"), 0, 3]}, r.choice(TOOLS)[:3]]},
            ]
        }
    if pick < 0.75:
        return {
            "and": [
                _who(r, count),
                {
                    "or": [
                        {"===": [var("data.outcome"), "denied"]},
                        {"===": [var("data.verdict"), "deny"]},
                    ]
                },
            ]
        }
    if pick < 0.85:
        return {
            "and": [
                {"in": [var("type"), r.sample(TYPES, 2)]},
                _who(r, count),
                {"===": [var("data.region"), r.choice(REGIONS)]},
            ]
        }
    return {
        "and": [
            _kind(r.choice(TYPES)),
            _who(r, count),
            {"===": [var("data.model"), r.choice(MODELS)]},
            {"===": [var("data.route"), r.choice(ROUTES)]},
        ]
    }


def _mixed(r: random.Random, count: int) -> Json:
    pick = r.random()
    if pick < 0.40:
        return _equal(r, count)
    if pick < 0.55:
        return {
            "and": [
                _kind(r.choice(["policy.decision", "output.classification"])),
                _who(r, count),
                _threshold(r),
            ]
        }
    if pick < 0.63:
        return {
            "and": [
                _kind("usage.cost"),
                _who(r, count),
                {"<": [round(r.uniform(0.01, 0.1), 3), var("data.cost_usd"), 10]},
            ]
        }
    if pick < 0.70:
        return {
            "and": [
                _kind("retrieval.query"),
                _who(r, count),
                {"some": [var("data.docs"), {"===": [var("label"), "secret"]}]},
            ]
        }
    if pick < 0.77:
        return {"if": [_kind("tool.call"), {"and": [_who(r, count), {">": [var("data.duration_ms"), r.randint(1000, 4000)]}]},
                       {"and": [_who(r, count), _kind("policy.decision"), _threshold(r)]}]}  # fmt: skip
    if pick < 0.84:
        return {"or": [{"and": [_kind("tool.call"), _who(r, count), {"==": [var("data.scope"), "out"]}]},
                       {"and": [_kind("retrieval.query"), _who(r, count), {"===": [var("data.filter_outcome"), "skipped"]}]}]}  # fmt: skip
    if pick < 0.96:
        return {
            "and": [
                _who(r, count),
                {"in": [var("data.hazard"), r.sample(HAZARDS, 3)]},
                _threshold(r),
                {"===": [var("data.env"), "prod"]},
            ]
        }
    if pick < 0.99:
        return {">": [var("data.score"), round(r.uniform(0.85, 0.999), 3)]}
    return {
        "and": [
            {"!": [{"in": [var("data.env"), ["prod", r.choice(["staging", "dev"])]]}]},
            {">": [var("data.latency_ms"), r.randint(1000, 3000)]},
        ]
    }


FIELDS = {"plan": ["free", "team", "enterprise"], "channel": ["web", "ios", "android", "api"], "language": ["en", "de", "fr", "es", "ja", "pt"],
          "stage": ["input", "output", "tool"], "action": ["allow", "block", "modify", "refuse", "audit"], "component": [f"c{i}" for i in range(8)],
          "policy": [f"p{i}" for i in range(20)], "category": [f"cat-{i}" for i in range(30)], "agent": [f"agent-{i}" for i in range(60)]}  # fmt: skip


def nested_events(count: int, rules: int, seed: int = 3) -> list[bytes]:
    r = random.Random(seed)
    who = Zipf(r, tenants(rules)).draw(count)
    return [orjson.dumps(_nested_event(r, i, who[i])) for i in range(count)]


def _nested_event(r: random.Random, i: int, tenant: int) -> Json:
    pick = {name: r.choice(values) for name, values in FIELDS.items()}
    return {"id": f"n-{i:08d}", "source": "/svc/agent", "type": r.choice(TYPES[:6]), "time": "2026-01-01T00:00:00Z",
            "data": {"context": {"account": {"tenant": f"t{tenant}", "plan": pick["plan"], "limits": {"daily": r.randint(1, 1000), "used": r.random()}},
                                 "client": {"channel": pick["channel"], "language": pick["language"], "agent": pick["agent"]}},
                     "trace": {"steps": [{"name": r.choice(TOOLS), "ms": r.randint(1, 900), "ok": r.random() < 0.9} for _ in range(r.randint(1, 6))],
                               "root": {"span": f"{r.getrandbits(64):016x}", "parent": f"{r.getrandbits(64):016x}"}},
                     "decision": {"stage": pick["stage"], "action": pick["action"], "policy": {"id": pick["policy"], "component": pick["component"], "version": r.randint(1, 40)},
                                  "scores": {"risk": round(r.betavariate(1, 5), 3), "confidence": round(r.random(), 3)}},
                     "labels": {"category": pick["category"], "reviewed": r.random() < 0.1}, "pad": "x" * r.randint(50, 250)}}  # fmt: skip


WHERE = {"plan": "data.context.account.plan", "channel": "data.context.client.channel", "language": "data.context.client.language", "stage": "data.decision.stage",
         "action": "data.decision.action", "component": "data.decision.policy.component", "policy": "data.decision.policy.id", "category": "data.labels.category",
         "agent": "data.context.client.agent"}  # fmt: skip


def _nested_rule(r: random.Random, count: int) -> Json:
    parts: list[Json] = []
    for name in r.sample(sorted(WHERE), r.randint(2, 4)):
        values = FIELDS[name]
        pick = r.random()
        if pick < 0.20:
            parts.append(
                r.choice(
                    [
                        {"!==": [var(WHERE[name]), r.choice(values)]},
                        {"!": {"in": [var(WHERE[name]), r.sample(values, 2)]}},
                    ]
                )
            )
        elif pick < 0.65:
            parts.append(
                {"in": [var(WHERE[name]), r.sample(values, min(len(values) - 1, r.randint(2, 30)))]}
            )
        else:
            parts.append({"===": [var(WHERE[name]), r.choice(values)]})
    pick = r.random()
    if pick < 0.55:
        parts.append(
            {"===": [var("data.context.account.tenant"), f"t{r.randrange(tenants(count))}"]}
        )
    elif pick < 0.8:
        parts.append(
            {
                "in": [
                    var("data.context.account.tenant"),
                    [f"t{r.randrange(tenants(count))}" for _ in range(r.randint(2, 10))],
                ]
            }
        )
    else:
        parts.append({"===": [var("data.labels.category"), r.choice(FIELDS["category"])]})
        parts.append({">": [var("data.decision.scores.risk"), round(r.uniform(0.5, 0.95), 2)]})
    if r.random() < 0.2:
        parts.append(
            {
                "some": [
                    var("data.trace.steps"),
                    {"and": [{"===": [var("name"), r.choice(TOOLS)]}, {">": [var("ms"), 500]}]},
                ]
            }
        )
    r.shuffle(parts)
    return {"and": parts}
