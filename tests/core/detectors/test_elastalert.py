"""Every rule type of ElastAlert2 has its detector, which says the same on events in order; and where we differ, it is on purpose."""

import pytest

from rulesd.core.detectors.protocol import Reading
from rulesd.core.engine import Engine
from rulesd.logic import Matcher
from rulesd.model.decision import AlertChanged, Decision, Kind
from rulesd.model.instant import DAY, SECOND
from tests.core.detectors.elastalert_better import BETTER
from tests.core.detectors.elastalert_cases import CASES, Case, Matches
from tests.core.detectors.elastalert_edges import EDGES
from tests.core.detectors.elastalert_model import matches
from tests.core.detectors.harness import Seen, run
from tests.core.plans import burst, event, field, plan, rule
from tests.core.world import World
from tests.runners.traffic import HEAD, plan_of, rule_of

BASE = 20_000 * DAY
"A day's beginning, so that buckets and days start where the cases think."

ALL = (*CASES, *EDGES, *BETTER)


def ours(case: Case) -> Matches:
    """What our detector says about the same events, with the rule as an operator writes it."""
    made = rule_of(plan_of(_text(case)))
    conditions = [line for line in case.ours_rule.split("\n") if line.startswith("when: ")]
    wanted = _condition(conditions[0][6:]) if conditions else None
    events = []
    for second, fields in case.events:
        document = {"type": "tool.call", "tenant": "t", "data": fields}
        if wanted is None or wanted.match_document(document):
            key = tuple(str(f.get(document)) for f in made.by) or ("all",)
            events.append(Seen(BASE + second * SECOND, document, key))
    until = BASE + case.until * SECOND if case.until else None
    said = run(made.detector, events, until=until)
    for key in getattr(made.detector, "expected_keys", ()):
        state = made.detector.start(key, BASE)
        said[key] = list(made.detector.advance(state, None, until))
    found = [
        (_second(r), key[-1]) for key, readings in said.items() for r in _opened(readings, case)
    ]
    return sorted(found)


def alerts(case: Case) -> Matches:
    """(second of the decision, key) of each alert that the whole engine opens for the same events, one after the other."""
    engine = Engine(plan_of(_text(case)))
    made: list[Decision] = []
    for number, (second, fields) in enumerate(case.events):
        now = max(BASE + second * SECOND, engine.now)
        made += engine.handle_timer(now)
        made += engine.receive(event(f"e{number}", BASE + second * SECOND, **fields), now)
    made += engine.handle_timer(BASE + max(case.until, case.events[-1][0] + 95) * SECOND)
    return [
        ((d.at - BASE) // SECOND, d.alert.labels.get("k", "all"))
        for d in made
        if isinstance(d, AlertChanged) and d.kind is Kind.FIRING and "problem" not in d.alert.labels
    ]


def _text(case: Case) -> str:
    return HEAD + f"detect: {case.ours_rule}\n"


def _condition(text: str) -> Matcher:
    from ruamel.yaml import YAML

    return Matcher({"r": YAML(typ="safe").load(text)})


def _second(reading: Reading) -> int:
    return (reading.at - BASE) // SECOND


def _opened(readings: list[Reading], case: Case) -> list[Reading]:
    active = [r for r in readings if r.active]
    return active if case.tell == "each" else active[:1]


def said(case: Case) -> Matches:
    """Ours, as the case asks for it."""
    return alerts(case) if case.tell == "alerts" else ours(case)


def compared(found: Matches, case: Case) -> object:
    """As much of the matches as the case compares."""
    if case.tell == "keys":
        return {key for _, key in found}
    return [key for _, key in found] if case.tell == "alerts" else found


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_ours_and_theirs(case: Case) -> None:
    assert compared(matches(case), case) == compared(case.theirs, case)
    assert compared(said(case), case) == compared(case.ours, case)
    same = compared(case.theirs, case) == compared(case.ours, case)
    assert same != bool(case.better), "equal, or different on purpose"


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_the_whole_engine_opens_alerts_for_the_same_keys(case: Case) -> None:
    assert {key for _, key in alerts(case)} == {key for _, key in case.ours}


def test_every_rule_type_with_events_has_a_case() -> None:
    types = {case.theirs_rule["type"] for case in ALL if not case.better}
    assert types == {
        "any", "blacklist", "whitelist", "change", "frequency", "spike", "flatline", "new_term",
        "cardinality", "metric_aggregation", "percentage_match", "spike_aggregation",
    }  # fmt: skip


def test_a_duplicate_never_counts_twice() -> None:
    twice = Case("twice", {"type": "frequency", "num_events": 3, "timeframe": 60}, "", (), [], [])
    redelivered = Case(twice.name, twice.theirs_rule, "", ((0, {}), (0, {}), (1, {})), [], [])
    assert matches(redelivered) == [(1, "all")]
    world = World(plan(rule(detector=burst(3, 60_000), by=(field("tenant"),))))
    for _ in range(9):
        world.send(1, id_="the same")
    assert world.engine.alerts() == []
