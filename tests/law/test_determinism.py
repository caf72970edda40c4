"""The same events give the same decisions, byte for byte, in every process: hash seeds, time zones and languages change nothing."""

import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.law.tree import ROOT

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
EVENTS = 600


def stream(path: Path) -> None:
    """Events of several tenants over two hours, some of them late, repeated or broken; the shipped rules fire on them."""
    lot = random.Random(4711)
    lines = []
    for n in range(EVENTS):
        at = START + timedelta(seconds=12 * n)
        late = timedelta(seconds=lot.choice([0, 0, 0, 5, 40, 300]))
        lines.append(
            {
                "specversion": "1.0",
                "id": f"e{n if lot.random() > 0.02 else max(n - 1, 0)}",
                "source": f"/gateway/{lot.randrange(3)}",
                "time": (at - late).isoformat(),
                "arrivaltime": at.isoformat(),
                "tenant": lot.choice(["acme", "globex", "initech"]),
                **lot.choice(KINDS),
            }
        )
    lines[17].pop("id")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


KINDS = [
    {"type": "tool.call", "data": {"tool": "shell", "outcome": "denied", "scope": "in"}},
    {"type": "tool.call", "data": {"tool": "shell", "outcome": "ok", "scope": "out"}},
    {"type": "tool.call", "data": {"tool": "search", "outcome": "ok", "scope": "in"}},
    {"type": "retrieval.query", "data": {"index": "docs", "cross_tenant": True, "outcome": "ok"}},
    {"type": "output.classification", "data": {"hazard": "self_harm", "label": "fail"}},
    {"type": "policy.decision", "data": {"verdict": "deny", "stage": "output", "enforced": False}},
]


def replay(path: Path, **environment: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "rulesd", "replay", str(path)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recorded") / "events.ndjson"
    stream(path)
    return path


@pytest.fixture(scope="module")
def expected(recorded: Path) -> bytes:
    return replay(recorded, PYTHONHASHSEED="0")


def test_the_stream_is_worth_replaying(expected: bytes) -> None:
    kinds = {json.loads(line)["kind"] for line in expected.splitlines()}
    assert {"alert.firing", "alert.updated", "notification.due", "event.rejected"} <= kinds


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "42", "TZ": "Pacific/Kiritimati"},
        {"PYTHONHASHSEED": "7", "TZ": "America/St_Johns", "LC_ALL": "C", "PYTHONOPTIMIZE": "1"},
    ],
    ids=lambda e: "-".join(e.values()),
)
def test_the_same_bytes_everywhere(
    recorded: Path, expected: bytes, environment: dict[str, str]
) -> None:
    assert replay(recorded, **environment) == expected


def test_hash_seeds_do_differ_in_these_processes() -> None:
    # Without this the test above could pass because nothing was varied.
    said = {
        subprocess.run(
            [sys.executable, "-c", "print(list({'a', 'b', 'c', 'd', 'e'}))"],
            env={"PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("0", "1", "42")
    }
    assert len(said) > 1
