"""A short recording and rule sets, for tests of backtest, reports and coverage."""

import json
from collections.abc import Iterator
from pathlib import Path

from rulesd.config import Loaded, load
from rulesd.ingest.event import EventDecoder, checksum
from rulesd.privacy.redact import Redactor
from rulesd.runners.backtest import Outcome, backtest
from rulesd.runners.backtest_events import Recorded, from_lines
from tests.cli.files import RULE, make

SCOPE = RULE
LINES = [
    json.dumps(
        {
            "specversion": "1.0",
            "id": f"e{n}",
            "source": "/svc",
            "type": kind,
            "time": at,
            "tenant": tenant,
            "data": data,
        }
    ).encode()
    for n, (at, kind, tenant, data) in enumerate(
        [
            ("2026-01-05T09:00:00Z", "tool.call", "acme", {"tool": "shell", "scope": "out"}),
            ("2026-01-05T23:00:00Z", "tool.call", "globex", {"tool": "<b>", "scope": "out"}),
            (
                "2026-01-06T02:00:00Z",
                "tool.call",
                "acme",
                {"tool": "mail", "scope": "out", "language": "sw"},
            ),
            (
                "2026-01-06T03:00:00Z",
                "tool.call",
                "idle",
                {"tool": "mail", "scope": "in", "language": "fr"},
            ),
            ("2026-01-06T04:00:00Z", "near_miss", "acme", {"hazard": "x"}),
        ]
    )
]


def decoder() -> EventDecoder:
    return EventDecoder(Redactor(b"0" * 32), digest=checksum)


def recorded(lines: list[bytes] = LINES) -> Iterator[Recorded]:
    return from_lines([*lines, b"\n"], decoder())


def loaded(folder: Path, rule: str = RULE) -> Loaded:
    made = load(*make(folder, rule))
    assert made.plan is not None, made.errors
    return made


def outcome(folder: Path, rule: str = RULE, name: str = "rules") -> Outcome:
    plan = loaded(folder, rule).plan
    assert plan is not None
    return backtest(recorded(), [(name, plan)])[0]
