"""What calibrate promises against what happens: ``python -m tests.proofs.calibration [--weeks 52] [--seed 1]``.

Four weeks are recorded and calibrated; then a year of other traffic of the same kind, with no incident in it, runs through the rule with the
proposed number. Observed false pages a week must be 0.5 to 1.5 times what was promised. Clumped and drifting traffic must be refused,
and the field that calibrate proposes to count instead must keep its promise.
"""

import argparse
import sys
from dataclasses import replace

from rulesd.config.fields import field
from rulesd.core.plan import Plan, Rule
from rulesd.runners.calibrate import calibrate
from rulesd.runners.calibrate_kinds import with_value
from rulesd.runners.calibrate_watch import watch
from tests.runners.traffic import BURST, HEAD, MONDAY, WEEK, World, daily, plan_of, rising, rule_of

LEARN = 4
RATE = HEAD + (
    "by: [tenant]\n"
    'detect: {rate: {numerator: {"===": [{"var": "data.outcome"}, error]}, within: 6h, above: 0.3, min_denominator: 10}}\n'
)


def promised(
    name: str, text: str, world: World, weeks: int, seed: int, budget: float, distinct: str = ""
) -> bool:
    """Calibrate, then watch; print a line; whether the promise was kept."""
    plan = plan_of(text)
    rule = rule_of(plan)
    if distinct:
        rule = replace(rule, detector=replace(rule.detector, distinct=field(distinct)))
    found = calibrate(
        plan, rule, world.events(LEARN, seed), MONDAY, MONDAY + LEARN * WEEK, budget=budget
    )
    proposed = found.proposed
    if proposed is None or proposed.false_pages is None:
        print(
            f"{name:<34} FAILED: nothing proposed: {' '.join(found.refusals + tuple(found.notes))}"
        )
        return False
    seen = pages(plan, rule, found, world, weeks, seed + 1000, proposed.value)
    ratio = seen / proposed.false_pages if proposed.false_pages else float("inf")
    ok = 0.5 <= ratio <= 1.5
    print(
        f"{name:<34} {rule.detector.name} {found.kind.parameter}={proposed.value:g}: promised {proposed.false_pages:.2f} "
        f"({proposed.low:.2f} to {proposed.high:.2f}), observed {seen:.2f} a week, ratio {ratio:.2f} {'ok' if ok else 'FAILED'}"
    )
    return ok


def pages(
    plan: Plan, rule: Rule, found: object, world: World, weeks: int, seed: int, value: float
) -> float:
    """False pages a week of other traffic."""
    kind = found.kind  # type: ignore[attr-defined]
    changed = replace(rule, detector=with_value(rule.detector, kind, value))
    total = 0
    for year_part in range(weeks // 4):
        total += len(watch(plan, changed, world.events(4, seed + year_part)))
    return total / (weeks // 4 * 4)


def refused(name: str, world: World, seed: int, word: str, distinct: str = "") -> bool:
    """Whether the traffic is refused for the right reason."""
    plan = plan_of(BURST)
    rule = rule_of(plan)
    found = calibrate(plan, rule, world.events(LEARN, seed), MONDAY, MONDAY + LEARN * WEEK)
    said = " ".join(found.refusals)
    ok = word in said and found.distinct == distinct and not found.options
    print(
        f"{name:<34} D {found.dispersion or 0:.2f}: {said[:60] or 'not refused'}; distinct: {found.distinct or '-'} {'ok' if ok else 'FAILED'}"
    )
    return ok


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    weeks, seed = given.weeks, given.seed
    few, many = (
        World(per_hour=(1.0, 2.0, 3.0, 6.0, 6.0) * 6),
        World(per_hour=tuple(0.2 + 0.02 * i for i in range(100))),
    )
    fast = World(per_hour=(60.0, 30.0))
    fine = [
        promised("Poisson, 30 keys", BURST, few, weeks, seed, 4.0),
        promised("Poisson, 100 keys", BURST, many, weeks, seed, 4.0),
        promised("Poisson, fast keys", BURST, fast, weeks, seed, 4.0),
        promised("seasonal", BURST, replace(few, shape=daily), weeks, seed, 4.0),
        promised("seasonal, 100 keys", BURST, replace(many, shape=daily), weeks, seed, 4.0),
        promised(
            "clumps of 2, distinct sessions",
            BURST,
            replace(few, clump=2.0),
            weeks,
            seed,
            4.0,
            "session_id",
        ),
        promised(
            "clumps of 4, distinct sessions",
            BURST,
            replace(few, clump=4.0),
            weeks,
            seed,
            4.0,
            "session_id",
        ),
        promised("a rate of 10 % errors", RATE, replace(few, fail=0.1), weeks, seed, 4.0),
        refused("clumps of 2", replace(few, clump=2.0), seed, "dispersion", "session_id"),
        refused("clumps of 4", replace(few, clump=4.0), seed, "dispersion", "session_id"),
        refused("drifting", World(per_hour=(6.0,) * 10, shape=rising_fast), seed, "rose"),
    ]
    print(f"{sum(fine)} of {len(fine)} kept")
    return 0 if all(fine) else 1


def rising_fast(at: int) -> float:
    """The level grows by a fifth a week."""
    return 1.0 + 4 * (rising(at) - 1.0)


if __name__ == "__main__":
    sys.exit(main())
