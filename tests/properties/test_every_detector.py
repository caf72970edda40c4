"""Every detector with every option, in one rule set: order of arrival, repetition, batches and restarts change no (rule, key) that fires.

The stream makes all of them fire: a release, a burst, a chain, silence, a rise, new values; with weights, missing labels, and a clock
that is 90 s fast.
"""

import random
from functools import cache
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.cli.decoding import offline_decoder
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.model.decision import AlertChanged, Decision, Kind
from rulesd.model.event import Event
from rulesd.model.instant import HOUR, MINUTE, SECOND, format_instant
from rulesd.runners import codec
from tests.config.testing import loaded, rule
from tests.core.plans import T0

LATENESS = 30 * SECOND
BAD = '{"===": [{var: data.outcome}, denied]}'
OK = '{"===": [{var: data.outcome}, ok]}'
STEP = '{{name: {0}, when: {{"===": [{{var: data.tool}}, {0}]}}}}'
STEPS = ", ".join(STEP.format(name) for name in ("alpha", "beta", "gamma"))
LEFT_OUT = '{"===": [{var: data.tool}, breaks]}'
DEPLOY = '{"===": [{var: type}, deploy.change]}'

RULES: dict[str, tuple[str, dict[str, str]]] = {
    "never": ("never", {"when": '{"===": [{var: data.scope}, out]}', "by": "[tenant]"}),
    "burst": ("{burst: {count: 12, within: 2m}}", {"when": BAD, "by": "[tenant]"}),
    "burst_long": ("{burst: {count: 12, within: 2m}}", {"when": BAD, "by": "[tool]", "keep_firing_for": "0s"}),
    "burst_distinct": ("{burst: {count: 6, within: 5m, distinct: user_ref}}", {"when": BAD}),
    "burst_for": ("{burst: {count: 12, within: 4m}}", {"when": BAD, "for": "1m", "by": "[tenant]"}),
    "repeat": ("{repeat: {same: [user_ref, tool], count: 5, within: 6m}}", {"when": BAD, "by": "[tenant]"}),
    "rate": (f"{{rate: {{numerator: {BAD}, above: 0.3, min_denominator: 10, within: 5m}}}}", {"by": "[tool]"}),
    "rate_below": (f"{{rate: {{numerator: {OK}, below: 0.5, min_denominator: 10, within: 10m}}}}", {"by": "[tenant]"}),
    "rate_for": (f"{{rate: {{numerator: {BAD}, above: 0.4, within: 10m}}}}", {"for": "2m", "by": "[tenant]"}),
    "shift": (f"{{shift: {{numerator: {BAD}, baseline: 30m, budget: 20}}}}", {"by": "[tenant]"}),
    "shift_pinned": (f"{{shift: {{numerator: {BAD}, baseline: 30m, pinned: 0.05, direction: up, tolerance: 0, budget: 9}}}}", {}),
    "spike": ("{spike: {within: 5m, reference: 40m, min_count: 5, budget: 50}}", {"when": BAD, "by": "[tenant]"}),
    "spike_field": ("{spike: {field: latency_ms, within: 5m, reference: 1h, budget: 50, direction: up}}", {"by": "[tenant]"}),
    "rollout": (f"{{rollout: {{numerator: {BAD}, change: {DEPLOY}, alpha: 0.05, watch: 1h}}}}", {"on": "[tool.call, deploy.change]", "by": "[tenant]"}),
    "absence": ("{absence: {period: 1m, missed: 3, expected: [[gate], [ghost]]}}", {"on": "[heartbeat]", "by": "[component]"}),
    "absence_cron": ("{absence: {schedule: 'CRON_TZ=Europe/Berlin */10 * * * *', missed: 1, period: 2m}}", {"on": "[heartbeat]"}),
    "new_value": ("{new_value: {field: route, learn_for: 40m}}", {"by": "[tenant]"}),
    "new_value_share": ("{new_value: {field: route, learn_for: 40m, share: 0.1}}", {}),
    "new_value_forgets": ("{new_value: {field: tool, learn_for: 40m, forget_after: 20m}}", {}),
    "cardinality": ("{cardinality: {field: user_ref, above: 9, within: 10m}}", {"by": "[tenant]"}),
    "cardinality_below": ("{cardinality: {field: tool, below: 2, within: 4m}}", {}),
    "sequence": (f"{{sequence: {{steps: [{STEPS}], within: 2m}}}}", {"by": "[correlationid]"}),
    "sequence_loose": (f"{{sequence: {{steps: [{STEPS}], within: 2m, ordered: false}}}}", {"by": "[correlationid]"}),
    "sequence_without": (f"{{sequence: {{steps: [{STEPS}], within: 2m, without: {LEFT_OUT}}}}}", {"by": "[correlationid]"}),
    "budget": ("{budget: {sum: cost_usd, cap: 40, within: 10m}}", {"by": "[tenant]"}),
    "budget_ahead": ("{budget: {sum: cost_usd, cap: 900, within: 6h, horizon: 2h}}", {}),
    "drift": ("{drift: {field: outcome, baseline: 40m, budget: 20}}", {}),
    "drift_bins": ("{drift: {field: latency_ms, bins: 4, baseline: 40m, budget: 20}}", {}),
    "drift_pinned": ("{drift: {field: outcome, pinned: {ok: 0.95, denied: 0.05}, budget: 5}}", {}),
    "burn_rate": (f"{{burn_rate: {{good: {OK}, objective: 0.9, windows: [{{long: 20m, short: 5m, burn: 3}}]}}}}", {"by": "[tenant]"}),
    "disagreement": ("{disagreement: {left: tool_type, right: server, within: 20m, above: 0.2}}", {}),
    "quantile": ("{quantile: {field: latency_ms, q: 0.9, above: 500, within: 10m}}", {"by": "[tenant]"}),
    "sum": ("{aggregate: {field: cost_usd, fn: sum, above: 60, within: 10m}}", {"by": "[tenant]"}),
    "avg": ("{aggregate: {field: cost_usd, fn: avg, above: 1, within: 4m, min_count: 5}}", {"by": "[tenant]"}),
    "min": ("{aggregate: {field: cost_usd, fn: min, below: 0.02, within: 5m}}", {"by": "[tenant]"}),
    "max": ("{aggregate: {field: cost_usd, fn: max, above: 5, within: 5m, min_count: 3}}", {"by": "[tenant]"}),
    "count": ("{aggregate: {field: cost_usd, fn: count, above: 60, within: 5m}}", {}),
    "change": ("{change: {field: policy_version}}", {"by": "[tenant]"}),
    "change_within": ("{change: {field: policy_version, within: 45s, ignore_null: false}}", {"by": "[tenant]"}),
    "accumulation": ("{accumulation: {half_life: 3m, threshold: 14}}", {"when": BAD, "by": "[tenant]"}),
    "both": ("{composite: {all: [tool.burst, tool.sequence], within: 1h}}", {"on": ""}),
    "either": ("{composite: {any: [tool.burst, tool.rate], not: [tool.nothing], within: 10m}}", {"on": "", "by": "[tenant]"}),
    "nothing": ("{burst: {count: 999, within: 1m}}", {}),
    "crowded": ("{burst: {count: 2, within: 5m}}", {"when": BAD, "by": "[user_ref]", "max_keys": "5"}),
}  # fmt: skip
"Options of the contract by the name of the rule: what it detects, and the rest of its file."

SENSITIVE = frozenset(("tool.crowded",))
"Which keys find room depends on who comes first: that is what a limit is."


@cache
def plan() -> Plan:
    """All of them, read as files are."""
    made = loaded(
        {
            f"rules/tool/{name}.yaml": rule(id=f"tool.{name}", detect=detect, **more)
            for name, (detect, more) in RULES.items()
        }
    )
    assert made.plan is not None, [str(e) for e in made.errors]
    return made.plan


@cache
def decode(raw: bytes, now: int) -> Event:
    made = offline_decoder()(raw, now, "")
    assert isinstance(made, Event)
    return made


def _calls(chance: random.Random) -> list[tuple[int, str, dict[str, Any], dict[str, Any]]]:
    """Two hours: one to learn, one in which things go wrong for the tenant ``b``."""
    out: list[tuple[int, str, dict[str, Any], dict[str, Any]]] = []
    at = 0
    while at < 110 * MINUTE:
        at += round(chance.expovariate(1 / 12_000))
        tenant = chance.choice(["a", "b", ""])
        bad = tenant == "b" and at > HOUR
        data: dict[str, Any] = {
            "tool": chance.choice(["shell", "crm"]),
            "outcome": "denied" if chance.random() < (0.7 if bad else 0.04) else "ok",
            "user_ref": f"u{chance.randrange(60 if bad else 8)}",
            "route": "new" if bad and chance.random() < 0.6 else "chat",
            "latency_ms": chance.randrange(400, 1_500) if bad else chance.randrange(20, 480),
            "cost_usd": round(chance.uniform(0.5, 4) if bad else chance.uniform(0.05, 0.9), 2),
            "tool_type": "x",
            "server": "y" if bad else "x",
            "policy_version": "p2" if bad else "p1",
        }
        if tenant == "b" and chance.random() < 0.05:
            del data["tool"], data["policy_version"]
        more: dict[str, Any] = {"tenant": tenant} if tenant else {}
        if chance.random() < 0.1:
            more["sampledrate"] = 2
        out.append((at, "tool.call", data, more))
    return out


def _rest(chance: random.Random) -> list[tuple[int, str, dict[str, Any], dict[str, Any]]]:
    """A release, beats that stop, chains with and without what breaks them, a great cost, something out of scope."""
    out: list[tuple[int, str, dict[str, Any], dict[str, Any]]] = [
        (HOUR, "deploy.change", {"kind": "model", "to_version": "m2"}, {}),
        (62 * MINUTE, "tool.call", {"scope": "out", "cost_usd": 9.0}, {"tenant": "b"}),
        (63 * MINUTE, "tool.call", {"outcome": "ok", "cost_usd": 0.01}, {"tenant": "b"}),
        (64 * MINUTE, "tool.call", {"outcome": "denied", "tool": ["odd"]}, {"tenant": "b"}),
    ]
    loop = {"outcome": "denied", "tool": "shell", "user_ref": "u7", "cost_usd": 2.5}
    out += [
        (61 * MINUTE + n * 4 * SECOND, "tool.call", loop, {"tenant": "b", "sampledrate": 1 + n % 2})
        for n in range(40)
    ]
    out += [(n * MINUTE, "heartbeat", {"component": "gate"}, {}) for n in range(70)]
    for chain, steps in (
        ("c1", ("alpha", "beta", "gamma")),
        ("c2", ("gamma", "beta", "alpha")),
        ("c3", ("alpha", "breaks", "beta", "gamma")),
    ):
        start = chance.randrange(61, 90) * MINUTE
        for n, step in enumerate(steps):
            at = start + n * chance.randrange(5, 30) * SECOND
            out.append((at, "tool.call", {"tool": step}, {"correlationid": chain}))
    return out


def stream(seed: int) -> list[tuple[int, bytes]]:
    """(arrival, event) in order of event time; every fiftieth event's clock is 90 s fast."""
    chance = random.Random(seed)
    told = sorted(_calls(chance) + _rest(chance), key=lambda each: each[0])
    out = []
    for n, (at, type_, data, more) in enumerate(told):
        raw = {
            "specversion": "1.0",
            "id": f"e{n}",
            "source": "/svc",
            "type": type_,
            "time": format_instant(T0 + at + (90_000 if n % 50 == 0 else 0)),
            "data": data,
            **more,
        }
        out.append((T0 + at, orjson.dumps(raw)))
    return out


def fired(decisions: list[Decision]) -> set[tuple[str, tuple[str, ...]]]:
    """The (rule, key) pairs, but those that a limit decides."""
    return {
        (d.alert.rule, tuple(d.alert.labels.values()))
        for d in decisions
        if isinstance(d, AlertChanged) and d.kind is Kind.FIRING and d.alert.rule not in SENSITIVE
    }


def run(arrivals: list[tuple[int, bytes]], engine: Engine | None = None) -> list[Decision]:
    """Everything decided, with three hours of silence after it."""
    engine = engine or Engine(plan())
    made: list[Decision] = []
    for now, raw in arrivals:
        made += engine.receive(decode(raw, now), now)
    return made + engine.handle_timer(arrivals[-1][0] + 3 * HOUR)


@cache
def straight(seed: int) -> frozenset[tuple[str, tuple[str, ...]]]:
    return frozenset(fired(run(stream(seed))))


SEEDS = st.integers(0, 1)
few = settings(max_examples=4, deadline=None)


def test_all_of_them_fire() -> None:
    seen = {name for seed in range(2) for name, _ in straight(seed)}
    quiet = {f"tool.{name}" for name in RULES} - seen
    assert quiet == {"tool.nothing", "tool.crowded"}


@few
@given(SEEDS, st.integers(0, 10**6))
def test_the_order_of_arrival_within_the_lateness_changes_no_alert(seed: int, luck: int) -> None:
    chance = random.Random(luck)
    told = stream(seed)
    late = [(at + chance.randrange(LATENESS), raw) for at, raw in told]
    assert fired(run(sorted(late, key=lambda each: each[0]))) == straight(seed)


@few
@given(SEEDS, st.integers(0, 10**6))
def test_duplicates_of_anything_change_no_alert(seed: int, luck: int) -> None:
    chance = random.Random(luck)
    told = stream(seed)
    again = [(at + chance.randrange(HOUR), raw) for at, raw in told if chance.random() < 0.3]
    mixed = sorted(told + again, key=lambda each: each[0])
    assert fired(run([*mixed])) == straight(seed)


@few
@given(SEEDS, st.integers(0, 10**6))
def test_what_arrives_together_decides_as_what_arrives_apart(seed: int, luck: int) -> None:
    """Batches: everything of up to twenty seconds arrives at its last moment, at once."""
    chance = random.Random(luck)
    batches: list[tuple[int, bytes]] = []
    waiting: list[bytes] = []
    until = 0
    for at, raw in stream(seed):
        if at > until:
            batches += [(until, each) for each in waiting]
            waiting, until = [], at + chance.randrange(20 * SECOND)
        waiting.append(raw)
    batches += [(until, each) for each in waiting]
    assert fired(run(batches)) == straight(seed)


@few
@given(SEEDS, st.integers(0, 10**6))
def test_a_restart_anywhere_changes_no_byte(seed: int, luck: int) -> None:
    chance = random.Random(luck)
    told = stream(seed)
    stops = sorted(chance.sample(range(1, len(told)), 3))
    whole = Engine(plan())
    parts = Engine(plan())
    for n, (now, raw) in enumerate(told):
        if n in stops:
            small, keys = parts.snapshot()
            written = codec.pack_state(small), [codec.pack_key(k) for k in keys]
            again = Engine(plan())
            again.restore(codec.unpack_state(written[0]), codec.unpack_keys(written[1]))
            again.duplicates = parts.duplicates
            parts = again
        event = decode(raw, now)
        lines = [
            [codec.decision_line(0, d) for d in each.receive(event, now)] for each in (whole, parts)
        ]
        assert lines[0] == lines[1], (n, now - T0)
    end = told[-1][0] + 3 * HOUR
    assert whole.handle_timer(end) == parts.handle_timer(end)
