"""What calibrate promises against what happens: ``python -m tests.proofs.calibration [--weeks 52] [--seeds 1-3] [--only WORD]``.

For each detector that has a threshold, and each kind of traffic without incidents (Poisson; by hours of the day and the week; in sessions whose events fail
together; growing by a twentieth a week): six weeks are recorded and calibrated, then a year that follows runs through the rule with the proposed number. What calibrate
refuses must be refused in words; what it promises must happen 0.5 to 1.5 times. A row *fails* when the 95 % interval of what was seen (Poisson,
all seeds together) lies outside that; it is *short* when only the ratio does. Then: how often releases that change nothing are accused although they are looked at after every
event, and how many of the accused are innocent among a thousand segments of which twenty have changed.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

from rulesd.runners.calibrate import calibrate
from rulesd.runners.calibrate_kinds import learns_for, with_value
from rulesd.runners.calibrate_scan import poisson_interval
from rulesd.runners.calibrate_watch import watch
from tests.proofs.world.releases import ALPHA, Found, accused, peeked
from tests.runners.traffic import HEAD, MONDAY, WEEK, World, daily, plan_of, rising, rule_of

RECORDED = 6
LOW, HIGH = 0.5, 1.5
ERROR = '{"===": [{"var": "data.outcome"}, error]}'
RATES = (1.0, 2.0, 3.0) * 2
BUDGET = 2.0

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
    "disagreement": "disagreement: {left: outcome, right: wanted, within: 6h, above: 0.3}",
    "aggregate, average": "aggregate: {field: duration_ms, fn: avg, within: 6h, above: 200, min_count: 10}",
    "quantile": "quantile: {field: duration_ms, q: 0.8, within: 6h, above: 300}",
    "shift": f"shift: {{numerator: {ERROR}, baseline: 7d, direction: up, budget: 1}}",
    "drift": "drift: {field: duration_ms, bins: [20, 50, 100, 150, 250], baseline: 7d, budget: 1}",
    "burn_rate": 'burn_rate: {good: {"===": [{"var": "data.outcome"}, ok]}, objective: 0.85, windows: [{long: 1h, short: 5m, burn: 2}, {long: 6h, short: 30m, burn: 1.2}]}',
    "spike": "spike: {within: 1h, reference: 14d, budget: 1}",
    "accumulation": "accumulation: {half_life: 6h, threshold: 60}",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One detector on one kind of traffic, from one seed."""

    promised: float | None
    "Pages a week; ``None``: refused."

    refusal: str = ""
    weeks: float = 0.0
    seen: int = 0
    value: float = 0.0


def one(detector: str, null: str, seed: int, weeks: int) -> Run:
    """Record, calibrate, watch what follows."""
    plan = plan_of(HEAD + "by: [tenant]\ndetect: {" + DETECTORS[detector] + "}\n")
    rule, world = rule_of(plan), NULLS[null]
    ended = MONDAY + RECORDED * WEEK
    recorded = world.events(RECORDED, seed)
    found = calibrate(plan, rule, recorded, MONDAY, ended, budget=BUDGET, brief=True)
    option = found.proposed or next(iter(found.options), None)
    if found.refusals or option is None or option.false_pages is None:
        said = " ".join(found.refusals + tuple(found.notes)) or "nothing proposed"
        return Run(None, said + (f" (count {found.distinct} instead)" if found.distinct else ""))
    if found.kind.parameter:
        rule = replace(rule, detector=with_value(rule.detector, found.kind, option.value))
    learns = learns_for(rule.detector)
    length = weeks + learns / WEEK
    pages = watch(plan, rule, world.events(length, seed + 1_000, ended))
    seen = sum(fired.at >= ended + learns for fired in pages)
    return Run(option.false_pages, "", float(weeks), seen, option.value)


def told(detector: str, null: str, runs: list[Run]) -> tuple[str, str]:
    """A row of the table, and its verdict: ``ok``, ``short``, ``FAILED`` or ``refused``."""
    name = f"{detector:<25} {null:<9}"
    promised = [r for r in runs if r.promised is not None]
    refused = [r for r in runs if r.promised is None]
    if not promised:
        return f"{name} refused: {refused[0].refusal[:110]}", "refused"
    hoped = sum((r.promised or 0.0) * r.weeks for r in promised)
    seen, weeks = sum(r.seen for r in promised), sum(r.weeks for r in promised)
    verdict, ratio, low, high = judged(seen, hoped)
    return (
        f"{name} promised {hoped / weeks:6.3f}  seen {seen / weeks:6.3f} a week ({seen:>4})  ratio {ratio:4.2f} ({low:.2f} to {high:.2f})  {verdict}"
        + (f"; {len(refused)} of {len(runs)} seeds refused" if refused else "")
    ), verdict


def judged(seen: int, hoped: float) -> tuple[str, float, float, float]:
    """Verdict, ratio of what was seen to what was promised, and its 95 % interval."""
    if not hoped and not seen:
        return "ok", 1.0, 0.0, float("inf")
    hoped = hoped or 1e-9
    low, high = (n / hoped for n in poisson_interval(seen, 0.05))
    ratio = seen / hoped
    if high < LOW or low > HIGH:
        return "FAILED", ratio, low, high
    return ("ok" if LOW <= ratio <= HIGH else "short"), ratio, low, high


def main() -> int:
    """The tables; 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--seeds", default="1-3")
    parser.add_argument("--only", default="", help="rows whose name holds this")
    given = parser.parse_args()
    first, _, last = given.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    verdicts: list[str] = []
    with ProcessPoolExecutor(2) as pool:
        rows = [(d, n) for d in DETECTORS for n in NULLS if given.only in f"{d} {n}"]
        jobs = {r: [pool.submit(one, *r, s, given.weeks) for s in seeds] for r in rows}
        releases = [] if given.only else [pool.submit(peeked, given.weeks, s) for s in seeds]
        many = [] if given.only else [pool.submit(accused, 1_000, 20, s) for s in range(10)]
        for (detector, null), runs in jobs.items():
            row, verdict = told(detector, null, [run.result() for run in runs])
            verdicts.append(verdict)
            print(row, flush=True)
        if not given.only:
            verdicts += rollouts([r.result() for r in releases], [m.result() for m in many])
    kept = sum(v in ("ok", "refused") for v in verdicts)
    print(
        f"{kept} of {len(verdicts)} rows kept or refused, {verdicts.count('short')} short, {verdicts.count('FAILED')} failed"
    )
    return 1 if "FAILED" in verdicts else 0


def rollouts(watches: list[tuple[int, int]], many: list[Found]) -> list[str]:
    """Two rows about releases."""
    alarms, looked = sum(a for a, _ in watches), sum(n for _, n in watches)
    low, high = (n / looked for n in poisson_interval(alarms, 0.05))
    first = "FAILED" if low > ALPHA else "ok" if alarms <= ALPHA * looked else "short"
    print(
        f"rollout, releases that change nothing: {alarms} of {looked} accused, {alarms / looked:.3f} ({low:.3f} to {high:.3f}), alpha {ALPHA}: {first}"
    )
    wrong = sum(f.wrong / max(1, f.wrong + f.right) for f in many) / len(many)
    found = sum(f.right for f in many) / sum(f.changed for f in many)
    second = "ok" if wrong <= ALPHA else "FAILED"
    print(
        f"rollout, 1,000 segments of which 20 changed: false discovery rate {wrong:.4f} over {len(many)} releases, {found:.2f} of the changed found, q {ALPHA}: {second}"
    )
    return [first, second]


if __name__ == "__main__":
    sys.exit(main())
