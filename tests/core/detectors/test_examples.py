"""An alert that no event opens still names events that speak for it."""

from random import Random
from typing import Any

import pytest

from rulesd.core.detectors.burn_rate import BurnRate
from rulesd.core.detectors.examples import MOST, with_latest
from rulesd.core.detectors.protocol import Observation
from rulesd.core.detectors.rate import Rate
from rulesd.core.detectors.rollout import Rollout
from rulesd.core.detectors.shift import Shift
from rulesd.model.alert import Alert
from rulesd.model.decision import AlertChanged, Kind
from rulesd.model.instant import DAY, HOUR
from tests.core.plans import T0, plan, rule
from tests.core.world import World


def test_the_latest_few_are_kept() -> None:
    known: tuple[str, ...] = ()
    for name in "abcd":
        known = with_latest(known, name)
    assert known == ("b", "c", "d")
    assert len(known) == MOST


def bad(document: Any) -> bool:
    return bool(document["data"].get("bad"))


def good(document: Any) -> bool:
    return not bad(document)


def shift(direction: Any) -> Shift:
    return Shift(
        numerator=bad, baseline=DAY, ratio=3, tolerance=0.15, direction=direction, budget=1
    )


RATE = Rate(within=HOUR, above=0.2, below=None, min_denominator=30, numerator=bad)
BURN = BurnRate(good=good, objective=0.95)
ROLLOUT = Rollout(
    numerator=bad,
    change=lambda d: d["type"] == "deploy.change",
    alpha=0.01,
    tolerance=0.25,
    watch=DAY,
)


def opening(w: World) -> Alert:
    changes = (d for d in w.decisions if isinstance(d, AlertChanged))
    return next(d.alert for d in changes if d.kind is Kind.FIRING)


def world(detector: Any, before: float, after: float) -> World:
    """A day of one share of bad events, a release, and some hours of another; one event a minute. Ids of bad ones begin with b."""
    rng, w = Random(5), World(plan(rule(detector=detector, on=("tool.call", "deploy.change"))))
    for n in range(36 * 60):
        wrong = rng.random() < (before if n < 24 * 60 else after)
        w.send(n * 60.0, id_=f"{'b' if wrong else 'g'}{n}", bad=wrong)
        if n == 24 * 60:
            w.send(n * 60.0, id_="release", type_="deploy.change")
    return w


@pytest.mark.parametrize("detector", [RATE, BURN, ROLLOUT, shift("up")], ids=lambda d: d.name)
def test_the_alert_names_events_that_speak_for_it(detector: Any) -> None:
    opened = opening(world(detector, 0.02, 0.6))
    assert len(opened.causes) == MOST
    assert all(cause.startswith("b") for cause in opened.causes)


@pytest.mark.parametrize("detector", [ROLLOUT, shift("down")], ids=lambda d: d.name)
def test_a_fall_has_no_events_that_speak_for_it(detector: Any) -> None:
    assert opening(world(detector, 0.6, 0.02)).causes == ()


@pytest.mark.parametrize("detector", [RATE, BURN, ROLLOUT, shift("up")], ids=lambda d: d.name)
def test_they_outlive_a_restart_and_an_older_version_has_none(detector: Any) -> None:
    state = detector.start(("k",), T0)
    for n in range(5):
        seen = Observation(
            T0 + n, T0 + n, f"e{n}", 1, {"type": "tool.call", "data": {"bad": n > 1}}
        )
        detector.observe(state, detector.pool(), seen)
    written = detector.dump(state)
    assert detector.load(written) is not state
    assert detector.dump(detector.load(written)) == written
    again = detector.dump(detector.load(without_them(written)))
    assert str(again) == str(written).replace(str(["e2", "e3", "e4"]), str([]))


def without_them(written: Any) -> Any:
    """What a version that kept none has written."""
    if isinstance(written, dict):
        return {name: value for name, value in written.items() if name != "latest"}
    if len(written) == len(BURN.pairs):
        return [row[:4] for row in written]
    return written[:-1]
