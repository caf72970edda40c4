import pytest

from rulesd.core.detectors.quantile import quantile
from rulesd.model.event import Json
from rulesd.model.instant import MINUTE
from tests.core.detectors.harness import Seen, episodes, run
from tests.core.detectors.metamorphic import same_alerts
from tests.core.plans import field

LATENCY = quantile(field("ms"), 0.95, 1500, 10 * MINUTE)


def values(*given: Json) -> list[Seen]:
    return [Seen(n * 1000, {"ms": ms}) for n, ms in enumerate(given)]


def test_it_fires_when_more_than_the_rest_is_above_the_bound() -> None:
    slow: list[Json] = [80] * 45 + [2000] * 15
    found = run(LATENCY, values(*slow), until=60 * MINUTE)[("k",)]
    assert len(episodes(found)) == 1
    peak = max(found, key=lambda r: r.value)
    assert peak.threshold == 0.05
    full = next(r for r in found if r.detail and r.detail["events"] == "60")
    assert full.detail == {"events": "60", "above": "1500", "share": "25.0%", "allowed": "5.0%"}


@pytest.mark.parametrize(
    "quiet",
    [
        [2000] * 2 + [80] * 58,
        [1500] * 60,
        [9000] * 19,
        [True, None, "9000", [9000], {"ms": 9000}] * 30,
    ],
)
def test_chance_the_bound_itself_few_values_and_odd_ones_are_quiet(quiet: list[Json]) -> None:
    mixed = quiet[5:] + quiet[:5] if len(quiet) == 60 else quiet
    found = run(LATENCY, values(*mixed[::-1]), until=60 * MINUTE)[("k",)]
    assert not any(r.active for r in found)


def test_a_share_over_the_bound_that_may_be_chance_says_nothing() -> None:
    found = run(LATENCY, values(*[80] * 18, 2000, 2000), until=MINUTE)[("k",)]
    assert not any(r.active for r in found)


@pytest.mark.parametrize("seed", range(5))
def test_order_and_restarts_change_nothing(seed: int) -> None:
    events = values(*[2000 if n % 7 == 0 else 80 for n in range(200)])
    assert same_alerts(LATENCY, events, seed, until=60 * MINUTE) == {("k",)}
