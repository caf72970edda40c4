import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rulesd.config.detect import TABLE
from rulesd.config.problems import Problems
from rulesd.config.read import read
from rulesd.config.schema import NAMES, schema

SHIPPED = Path(__file__).parents[2]


def mistakes(name: str, data: object) -> list[str]:
    return [
        f"{list(e.path)}: {e.message}" for e in Draft202012Validator(schema(name)).iter_errors(data)
    ]


def data(file: Path) -> Any:
    document = read(file.name, file.read_bytes(), str(file), Problems())
    assert document is not None
    return document.data


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    assert json.loads(json.dumps(schema(name))) == schema(name)


def test_the_contracts_names() -> None:
    assert set(NAMES) == {"rule", "receivers", "owners", "switches", "hooks", "event"}
    with pytest.raises(KeyError):
        schema("x")


def test_the_shipped_files_fit() -> None:
    for file in sorted((SHIPPED / "rules").glob("*/*.yaml")):
        assert mistakes("rule", data(file)) == [], file
    for name in ("owners", "receivers", "hooks"):
        assert mistakes(name, data(SHIPPED / "notifiers" / f"{name}.yaml")) == []


RULE = {
    "id": "a.b",
    "title": "T",
    "owner": "o",
    "runbook": "r.md",
    "detect": "never",
    "severity": "high",
}


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"on": "x", "by": ["a"]}, True),
        ({"lateness": "30s"}, True),
        ({"lateness": "soon"}, False),
        ({"lateness": 30}, False),
        ({"ownr": "x"}, False),
        ({"detect": "nver"}, False),
        ({"detect": {"burst": {"count": 3, "within": "5m"}}}, True),
        ({"detect": {"burst": {"count": 3}}}, False),
        ({"detect": {"burst": {"count": 3, "within": "5m", "x": 1}}}, False),
        ({"detect": {"never": {}, "burst": {"count": 3, "within": "5m"}}}, False),
        ({"severity": [{"if": {"var": "x"}, "then": "low"}, {"then": "high"}]}, True),
        ({"severity": [{"then": "worst"}]}, False),
        ({"tests": [{"name": "n", "events": [{"at": "0s", "type": "t"}], "expect": []}]}, True),
        ({"tests": [{"name": "n"}]}, False),
    ],
)
def test_a_rule(change: dict[str, Any], fits: bool) -> None:
    assert (mistakes("rule", RULE | change) == []) is fits


def test_every_detector_stands_in_the_schema() -> None:
    text = json.dumps(schema("rule")["properties"]["detect"])
    assert all(f'"{word}"' in text for word in TABLE)


EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/x",
    "type": "tool.call",
    "data": {"tool": "shell", "cost_usd": 1.5},
}


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"type": "ai.safety.tool.call.v1", "data": {"cost_usd": "dear"}}, False),
        ({"type": "own.type", "data": {"cost_usd": "dear", "anything": 1}}, True),
        ({"data": {"latency_ms": "slow"}}, False),
        ({"id": ""}, False),
        ({"specversion": "0.3"}, False),
        ({"extension": 5}, True),
    ],
)
def test_an_event(change: dict[str, Any], fits: bool) -> None:
    assert (mistakes("event", EVENT | change) == []) is fits
