"""Traffic in which nothing happens, the detectors that calibrate can promise something about, and one year of each on each.

Law: drawn from seeds; the recording and the year after it are one traffic. A refusal is put to the test, too: what would have been promised without it is held against the same
year, so that a refusal of what would have been kept shows.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from rulesd.core.plan import Plan, Rule
from rulesd.model.event import Event
from rulesd.model.instant import Instant
from rulesd.runners import calibrate_count as count
from rulesd.runners.calibrate import Calibration, calibrate
from rulesd.runners.calibrate_kinds import Method, kind_of, learns_for, parameter_of, with_value
from rulesd.runners.calibrate_search import Null, search
from rulesd.runners.calibrate_watch import watch
from tests.runners.traffic import HEAD, MONDAY, WEEK, World, daily, plan_of, rising, rule_of

RECORDED = 6
BUDGET = 2.0
LONGEST_LEARNING = 2
"Weeks that the slowest of these detectors learns."

ERROR = '{"===": [{"var": "data.outcome"}, error]}'
GOOD = '{"===": [{"var": "data.outcome"}, ok]}'
RATES = (1.0, 2.0, 3.0) * 2
PAIRS = "[{long: 1h, short: 5m, burn: 2}, {long: 6h, short: 30m, burn: 1.2}]"

NULLS = {
    "Poisson": World(per_hour=RATES, fail=0.1),
    "seasonal": World(per_hour=RATES, fail=0.1, shape=daily),
    "clumped": World(per_hour=RATES, fail=0.1, clump=3.0, together=True),
    "drifting": World(per_hour=RATES, fail=0.1, shape=rising),
}
DETECTORS = {
    "burst": "burst: {count: 6, within: 15m}",
    "burst, distinct sessions": "burst: {count: 6, within: 15m, distinct: session_id}",
    "repeat": "repeat: {same: [tool], count: 6, within: 30m}",
    "cardinality": "cardinality: {field: session_id, within: 20m, above: 5}",
    "aggregate, count": "aggregate: {field: duration_ms, fn: count, within: 6h, above: 40}",
    "rate": f"rate: {{numerator: {ERROR}, within: 6h, above: 0.3, min_denominator: 10}}",
    "rate, below": f"rate: {{numerator: {GOOD}, within: 6h, below: 0.7, min_denominator: 10}}",
    "disagreement": "disagreement: {left: outcome, right: wanted, within: 6h, above: 0.3}",
    "aggregate, average": "aggregate: {field: duration_ms, fn: avg, within: 6h, above: 200, min_count: 10}",
    "aggregate, largest": "aggregate: {field: duration_ms, fn: max, within: 6h, above: 900}",
    "aggregate, sum": "aggregate: {field: duration_ms, fn: sum, within: 6h, above: 3000}",
    "quantile": "quantile: {field: duration_ms, q: 0.8, within: 6h, above: 300}",
    "shift": f"shift: {{numerator: {ERROR}, baseline: 7d, direction: up, budget: 1}}",
    "drift": "drift: {field: duration_ms, bins: [20, 50, 100, 150, 250], baseline: 7d, budget: 1}",
    "burn_rate, objective kept": f"burn_rate: {{good: {GOOD}, objective: 0.9, windows: {PAIRS}}}",
    "burn_rate, objective missed": f"burn_rate: {{good: {GOOD}, objective: 0.97, windows: {PAIRS}}}",
    "spike": "spike: {within: 1h, reference: 14d, budget: 1}",
    "spike, measure": "spike: {field: duration_ms, within: 6h, reference: 7d, budget: 1}",
    "accumulation": "accumulation: {half_life: 6h, threshold: 60}",
}

Traffic = list[tuple[Event, Instant]]


@dataclass(frozen=True, slots=True)
class Run:
    """One detector on one kind of traffic, from one seed."""

    promised: float | None
    "Pages a week; ``None``: nothing would have been proposed either."

    low: float
    high: float
    "The interval told with it (90 %)."

    weeks: float
    seen: int
    value: float
    refusal: str = ""
    "Why nothing was promised: then ``promised`` is what would have been."


@lru_cache(maxsize=1)
def traffic(null: str, seed: int, weeks: int) -> tuple[Traffic, Traffic]:
    """The recording, and so many weeks after it and after all learning; shared by the cells that follow each other."""
    world = NULLS[null]
    recorded = world.events(RECORDED, seed)
    after = MONDAY + RECORDED * WEEK
    return recorded, world.events(weeks + LONGEST_LEARNING, seed + 1_000, after)


def one(detector: str, null: str, seed: int, weeks: int) -> Run:
    """Record, calibrate, watch what follows."""
    plan = plan_of(HEAD + "by: [tenant]\ndetect: {" + DETECTORS[detector] + "}\n")
    rule = rule_of(plan)
    recorded, following = traffic(null, seed, weeks)
    ended = MONDAY + RECORDED * WEEK
    found = calibrate(plan, rule, recorded, MONDAY, ended, budget=BUDGET, brief=True)
    option = found.proposed or next(iter(found.options), None)
    refusal = ""
    if found.refusals or option is None or option.false_pages is None:
        refusal = " ".join(found.refusals) or "nothing proposed: " + " ".join(found.notes)
        refusal += f" (proposed: distinct: {found.distinct})" if found.distinct else ""
        told = despite(plan, rule, recorded, ended, found)
        if told is None:
            return Run(None, 0.0, 0.0, 0.0, 0, 0.0, refusal)
        value, promised, low, high = told
    else:
        value, promised, low, high = option.value, option.false_pages, option.low, option.high
    if found.kind.parameter:
        rule = replace(rule, detector=with_value(rule.detector, found.kind, value))
    learns = learns_for(rule.detector)
    until = ended + learns + weeks * WEEK
    pages = watch(plan, rule, ((e, now) for e, now in following if now < until))
    seen = sum(page.at >= ended + learns for page in pages)
    return Run(promised, low, high, float(weeks), seen, value, refusal)


def despite(
    plan: Plan, rule: Rule, recorded: Traffic, ended: Instant, found: Calibration
) -> tuple[float, float, float, float] | None:
    """What would have been proposed and promised, had it not been refused: value, pages a week, and their interval."""
    if kind_of(rule.detector).method is Method.FORMULA:
        fitted = count.population(rule, rule.detector, recorded, MONDAY, ended)
        k = count.propose(fitted.traffic, BUDGET)
        if k is None:
            return None
        low, high = count.interval(fitted.traffic, fitted.spread, k)
        mean = count.expected(fitted.traffic, [k])[k]
        return parameter_of(rule.detector, k), mean, low, high
    null = Null(plan, rule, recorded, MONDAY, ended)
    null.refusals()
    value = search(null, BUDGET) if not found.kind.budget and found.kind.parameter else BUDGET
    return None if value is None else (value, *null.measure(value))
