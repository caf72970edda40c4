import json

from rulesd.config import load
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.model.event import Event
from rulesd.runners.backtest_events import distinct_events, from_lines, unheeded
from rulesd.runners.replay import replay_lines
from tests.law.tree import ROOT
from tests.runners.recorded import LINES, decoder


def test_an_event_counts_once_and_refusals_not_at_all() -> None:
    got = list(distinct_events(from_lines([LINES[0], LINES[0], b"{", b"\n", LINES[1]], decoder())))
    assert [e.id for e, _ in got] == ["e0", "e1"]


def test_an_arrival_that_goes_back_is_the_latest_known() -> None:
    got = list(from_lines([LINES[1], LINES[0]], decoder()))
    assert got[0][1] == got[1][1]
    assert isinstance(got[1][0], Event)


def test_nobody_in_a_recording_could_obey_a_switch_that_a_replay_sets() -> None:
    made = load(ROOT / "rules", ROOT / "notifiers")
    assert made.plan is not None
    lines = []
    for n in range(40):
        at = f"2026-01-05T09:{n // 4:02}:{n % 4 * 15:02}Z"
        outcome = "denied" if n < 21 else "ok"
        data = {"tool": "mail", "tier": "write", "outcome": outcome, "args_hash": f"h{n}"}
        event = {
            "specversion": "1.0",
            "id": f"x{n}",
            "source": "/s",
            "type": "tool.call",
            "time": at,
        }
        lines.append(json.dumps(event | {"tenant": "acme", "data": data}).encode())

    def fired(plan: Plan) -> set[str]:
        log = bytearray()
        replay_lines(lines, Engine(plan), decoder(), log.extend)
        rows = [json.loads(line) for line in log.splitlines()]
        return {row["rule"] for row in rows if row["kind"] == "alert.firing"}

    live, recorded_ = fired(made.plan), fired(unheeded(made.plan))
    assert "tool.denied_burst" in live & recorded_
    assert {rule for rule in live - recorded_ if rule.startswith("acting.")}
    assert not {rule for rule in recorded_ if rule.startswith("acting.")}
