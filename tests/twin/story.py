"""What a scenario is made of: a part of the route tree, and what happens to it when.

Times are seconds after the start of all scenarios. Everything happens shortly after an even second; with ``group_wait`` 1 s and
``group_interval`` 2 s every flush then falls shortly after an odd one, far from all that could race with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WAIT, INTERVAL, REPEAT, RESOLVE = 1, 2, 7, 6
"``group_wait``, ``group_interval``, ``repeat_interval`` and ``resolve_timeout`` of every scenario, in seconds."


@dataclass(frozen=True)
class Fire:
    """One alert of a push."""

    labels: Mapping[str, str]
    starts: float | None = None
    ends: float | None = None
    "``None``: not told, so it is over after ``RESOLVE``."

    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Push:
    """One request with alerts."""

    at: float
    alerts: tuple[Fire, ...]


@dataclass(frozen=True)
class Hush:
    """A silence is made."""

    at: float
    name: str
    matchers: tuple[tuple[str, str], ...]
    "(label, value)"

    until: float
    regex: bool = False


@dataclass(frozen=True)
class Unhush:
    """A silence is ended by hand."""

    at: float
    name: str


Step = Push | Hush | Unhush


@dataclass(frozen=True)
class Scenario:
    """One subtree of routes, marked by the label ``scenario``, and its history."""

    name: str
    steps: Sequence[Step]
    route: Mapping[str, Any] = field(default_factory=dict)
    inhibit: Sequence[Mapping[str, Any]] = ()
    intervals: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    receivers: Mapping[str, bool] = field(default_factory=lambda: {"main": True})
    "By name: whether it is told of what is over."

    until: float = 24
    minute_matters: bool = False
    "Whether an interval begins or ends with a minute: then its flushes must be far from full minutes."


def fire(at: float, *alerts: str, ends: float | None = 1000, **more: str) -> Push:
    """A push of alerts that begin then, each written ``A cluster=x severity=warning``."""
    return Push(at, tuple(Fire(_labels(text, more), at, ends) for text in alerts))


def again(at: float, starts: float, *alerts: str, ends: float | None = 1000, **more: str) -> Push:
    """A push of alerts that began earlier."""
    return Push(at, tuple(Fire(_labels(text, more), starts, ends) for text in alerts))


def over(at: float, *alerts: str, starts: float = 0, **more: str) -> Push:
    """A push of alerts that are over."""
    return Push(at, tuple(Fire(_labels(text, more), starts, at - 0.05) for text in alerts))


def _labels(text: str, more: Mapping[str, str]) -> dict[str, str]:
    name, *rest = text.split()
    pairs = (word.split("=", 1) for word in rest)
    return {"alertname": name, **dict(pairs), **more}


def prefixed(scenario: Scenario) -> dict[str, Any]:
    """The scenario's route with its receivers under the scenario's name."""

    def walk(route: Mapping[str, Any]) -> dict[str, Any]:
        made = dict(route)
        if "receiver" in made:
            made["receiver"] = f"{scenario.name}/{made['receiver']}"
        for word in ("mute_time_intervals", "active_time_intervals"):
            if word in made:
                made[word] = [f"{scenario.name}/{name}" for name in made[word]]
        if "routes" in made:
            made["routes"] = [walk(child) for child in made["routes"]]
        return made

    base = {"receiver": "main", "group_by": ["alertname"], **scenario.route}
    return walk({"matchers": [f'scenario="{scenario.name}"'], **base})


def configuration(scenarios: Sequence[Scenario], inbox: str) -> dict[str, Any]:
    """One ``alertmanager.yml`` for all scenarios; ``inbox`` is where webhooks go."""
    receivers: list[dict[str, Any]] = [{"name": "nobody"}]
    for scenario in scenarios:
        for name, resolved in scenario.receivers.items():
            url = f"{inbox}/{scenario.name}/{name}"
            hook = {"url": url, "send_resolved": resolved}
            receivers.append({"name": f"{scenario.name}/{name}", "webhook_configs": [hook]})
    mine = [
        {**rule, "equal": ["scenario", *rule.get("equal", ())], **_narrow(rule, scenario.name)}
        for scenario in scenarios
        for rule in scenario.inhibit
    ]
    return {
        "global": {"resolve_timeout": f"{RESOLVE}s"},
        "route": {
            "receiver": "nobody",
            "group_wait": f"{WAIT}s",
            "group_interval": f"{INTERVAL}s",
            "repeat_interval": f"{REPEAT}s",
            "routes": [prefixed(scenario) for scenario in scenarios],
        },
        "receivers": receivers,
        "inhibit_rules": mine,
        "time_intervals": [
            {"name": f"{scenario.name}/{name}", "time_intervals": list(parts)}
            for scenario in scenarios
            for name, parts in scenario.intervals.items()
        ],
    }


def _narrow(rule: Mapping[str, Any], scenario: str) -> dict[str, list[str]]:
    """An inhibition rule of one scenario speaks of nobody else."""
    own = f'scenario="{scenario}"'
    return {side: [own, *rule[side]] for side in ("source_matchers", "target_matchers")}
