"""Every rule type of ElastAlert2 has its detector, which says the same on events in order; and where we differ, it is on purpose."""

import pytest

from rulesd.core.detectors.protocol import Reading
from rulesd.logic import Matcher
from rulesd.model.instant import DAY, SECOND
from tests.core.detectors.elastalert_cases import CASES, Case, Matches
from tests.core.detectors.elastalert_model import matches
from tests.core.detectors.harness import Seen, run
from tests.core.plans import burst, field, plan, rule
from tests.core.world import World
from tests.runners.traffic import HEAD, plan_of, rule_of

BASE = 20_000 * DAY
"A day's beginning, so that buckets and days start where the cases think."


def ours(case: Case) -> Matches:
    """What our detector says about the same events, with the rule as an operator writes it."""
    text = HEAD + f"detect: {case.ours_rule}\n"
    made = rule_of(plan_of(text))
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


def _condition(text: str) -> Matcher:
    from ruamel.yaml import YAML

    return Matcher({"r": YAML(typ="safe").load(text)})


def _second(reading: Reading) -> int:
    return (reading.at - BASE) // SECOND


def _opened(readings: list[Reading], case: Case) -> list[Reading]:
    active = [r for r in readings if r.active]
    return active if case.tell == "each" else active[:1]


def compared(found: Matches, case: Case) -> object:
    """As much of the matches as the case compares."""
    if case.tell == "keys":
        return {key for _, key in found}
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_ours_and_theirs(case: Case) -> None:
    assert compared(matches(case), case) == compared(case.theirs, case)
    assert compared(ours(case), case) == compared(case.ours, case)
    same = compared(case.theirs, case) == compared(case.ours, case)
    assert same != bool(case.better), "equal, or different on purpose"


def test_every_rule_type_with_events_has_a_case() -> None:
    types = {case.theirs_rule["type"] for case in CASES if not case.better}
    assert types == {
        "any", "blacklist", "whitelist", "change", "frequency", "spike", "flatline", "new_term",
        "cardinality", "metric_aggregation", "percentage_match",
    }  # fmt: skip


def test_a_duplicate_never_counts_twice() -> None:
    twice = Case("twice", {"type": "frequency", "num_events": 3, "timeframe": 60}, "", (), [], [])
    redelivered = Case(twice.name, twice.theirs_rule, "", ((0, {}), (0, {}), (1, {})), [], [])
    assert matches(redelivered) == [(1, "all")]
    world = World(plan(rule(detector=burst(3, 60_000), by=(field("tenant"),))))
    for _ in range(9):
        world.send(1, id_="the same")
    assert world.engine.alerts() == []


def test_a_condition_that_goes_on_is_one_alert_and_one_page() -> None:
    """Theirs matches again with every further event; only ``realert``, a timer, hides it. Ours is one alert until it is over."""
    many = tuple((n, {"v": f"v{n}"}) for n in range(40))
    config = {
        "type": "cardinality",
        "cardinality_field": "v",
        "max_cardinality": 3,
        "timeframe": 60,
    }
    assert len(matches(Case("re-fire", config, "", many, [], []))) == 37
    made = rule_of(plan_of(HEAD + "detect: {cardinality: {field: v, within: 60s, above: 3}}\n"))
    world = World(plan(rule(detector=made.detector)))
    for second, fields in many:
        world.send(second, **fields)
    assert len(world.engine.alerts()) == 1
    assert [word for _, word, _ in world.changes()].count("alert.firing") == 1
