"""Scenarios at random: any tree, any history, the same for the same seed."""

import random
from collections.abc import Mapping
from typing import Any

from tests.twin.story import Fire, Hush, Push, Scenario, Step, Unhush

STEPS = range(0, 22, 2)
"Even seconds at which something may happen."


def scenario(seed: int) -> Scenario:
    """One scenario."""
    chance = random.Random(seed)
    route: dict[str, Any] = {
        "group_by": chance.choice(
            [["alertname"], ["cluster"], ["alertname", "cluster"], ["..."], []]
        )
    }
    if chance.random() < 0.6:
        # Two routes that are the same page the same receiver twice there, and once here (docs/routing.md).
        children = [_child(chance) for _ in range(chance.randint(1, 3))]
        places = {(str(child["matchers"]), child["receiver"]): child for child in children}
        route["routes"] = list(places.values())
    if chance.random() < 0.2:
        route["repeat_interval"] = chance.choice(["3s", "5s", "11s"])
    if chance.random() < 0.2:
        route["group_interval"] = "4s"
    receivers = {name: chance.random() < 0.8 for name in ("main", "pager", "team")}
    inhibit = [_rule(chance) for _ in range(chance.choice((0, 1, 1, 2)))]
    return Scenario(f"chance-{seed}", _steps(chance), route, inhibit, receivers=receivers)


def _child(chance: random.Random) -> dict[str, Any]:
    label, values = chance.choice([("severity", ["critical", "warning"]), ("cluster", ["x", "y"])])
    op = chance.choice(["=", "!=", "=~", "!~"])
    out: dict[str, Any] = {
        "matchers": [f'{label}{op}"{chance.choice(values)}"'],
        "receiver": chance.choice(["main", "pager", "team"]),
        "continue": chance.random() < 0.5,
    }
    if chance.random() < 0.5:
        # An empty list takes back what is inherited since 0.34; 0.25 inherits it all the same.
        out["group_by"] = chance.choice([["cluster"], ["severity"], ["..."]])
    return out


def _rule(chance: random.Random) -> Mapping[str, Any]:
    source, target = chance.choice(
        [
            ('severity="critical"', 'severity="warning"'),
            ('alertname="A"', 'alertname=~"A|B"'),
            ('cluster="x"', 'alertname="C"'),
            ('severity=~"critical|warning"', 'severity="warning"'),
        ]
    )
    equal = chance.choice([["cluster"], ["alertname"], ["cluster", "severity"], ["nothing"], []])
    return {"source_matchers": [source], "target_matchers": [target], "equal": equal}


def _steps(chance: random.Random) -> list[Step]:
    pool = [
        {"alertname": name, "cluster": cluster, "severity": severity}
        for name in "ABC"
        for cluster in ("x", "y")
        for severity in ("critical", "warning")
    ]
    chosen = chance.sample(pool, chance.randint(2, 7))
    firing: dict[int, float] = {}
    hushes: list[str] = []
    steps: list[Step] = []
    for at in STEPS:
        if at and chance.random() < 0.35:
            continue
        alerts = []
        for number in chance.sample(range(len(chosen)), chance.randint(1, min(3, len(chosen)))):
            if number in firing and chance.random() < 0.55:
                alerts.append(Fire(chosen[number], firing.pop(number), at - 0.05))
                continue
            # A moment earlier: at the very millisecond at which one that timed out ends, it would be a matter of luck.
            starts = firing.get(number, at - 0.02)
            ends = chance.choice([1000, 1000, 1000, None, at + 4.2, at + 8.1])
            alerts.append(Fire(chosen[number], starts, ends))
            if ends == 1000:
                firing[number] = starts
            else:
                firing.pop(number, None)
        steps.append(Push(at, tuple(alerts)))
        if chance.random() < 0.15:
            name = f"s{at}"
            label = chance.choice([("cluster", "x"), ("severity", "warning"), ("alertname", "A")])
            steps.append(Hush(at + 0.05, name, (label,), at + chance.choice([4.3, 8.3, 1000])))
            hushes.append(name)
        elif hushes and chance.random() < 0.2:
            steps.append(Unhush(at + 0.1, hushes.pop(0)))
    return steps
