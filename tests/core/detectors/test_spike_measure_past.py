"""What is known of one key: levels, hours of the week, what lasts, the tail; and that all of it survives a restart."""

from math import exp
from random import Random

import pytest

from rulesd.core.detectors.spike_measure_past import LASTS, LEARNS, STEPS, Past, Tail, U
from rulesd.model.instant import DAY, HOUR, MINUTE

WIDTH = 5 * MINUTE
FADES = WIDTH / (7 * DAY)


def taught(values: list[float], past: Past | None = None, first: int = 0) -> Past:
    """A past that has learned these windows, one a step."""
    past = past or Past(WIDTH)
    for step, value in enumerate(values, first):
        past.learn(past.mean(step, [1.0, value, 0.0]), step * WIDTH, 1, FADES)
    return past


def noise(windows: int, level: float = 0.0, seed: int = 1) -> list[float]:
    rng = Random(seed)
    return [level + rng.gauss(0, 1) for _ in range(windows)]


def test_a_tail_is_as_far_as_it_has_been() -> None:
    tame, wild = Tail(), Tail()
    chance = tame.share * exp(-1.0)
    assert tame.limit(chance) == pytest.approx(U + tame.excess)
    assert tame.limit(1.0) == U
    for _ in range(300):
        tame.learn(1.0, 0.01)
        wild.learn(9.0, 0.01)
    assert tame.limit(chance) < U + 0.8 < wild.limit(chance)
    once = Tail()
    once.learn(1e9, 0.01)
    assert once.excess < 0.8 * 1.03  # one excess counts five mean ones at most


def test_the_window_is_twelve_steps_and_what_a_sum_lost_is_in_it() -> None:
    past = Past(WIDTH)
    assert past.mean(0, [1.0, 12.0, 0.0]) == 12.0
    assert past.mean(3, [3.0, 3.0, 1.0]) == 4.0
    assert past.mean(STEPS, [1.0, 6.0, 0.0]) == 2.5  # the first step is out
    assert past.judged == STEPS


def test_a_level_is_the_mean_at_first_and_fades_later() -> None:
    past = taught([4.0] * 10 + [6.0] * 10)
    assert 4.0 < past.level < 5.0
    assert taught([5.0] * 2000, past, 20).level == pytest.approx(5.0, abs=0.1)


def test_what_lasts_is_wild_until_known_then_grows_while_the_window_stays_off() -> None:
    past = taught(noise(LEARNS))
    assert past.lasting == 0.0
    assert past.lasting_spread == past.spread
    taught(noise(4000, seed=2), past, LEARNS)
    assert past.lasting_spread < 0.6 * past.spread
    before = past.lasting
    taught(noise(STEPS * LASTS, 1.0, seed=3), past, LEARNS + 4000)
    assert past.lasting > before + 0.4
    expected, spread, slow = past.learn(0.0, 5000 * WIDTH, 1, FADES)
    assert (expected, spread) != (past.level, past.spread)
    assert 0.0 < slow != past.lasting_spread


def test_calm_looks_make_the_tails_rarer_alike() -> None:
    past = Past(WIDTH)
    for _ in range(100):
        past.calm(1.0)
    assert past.tail.share == past.lasting_tail.share == pytest.approx(0.02 * 0.999**100)


def test_the_hour_of_the_week_is_known_after_two_weeks_and_gone_after_a_watch() -> None:
    past = Past(HOUR // STEPS)
    for hour in range(5 * 168):
        value = 100.0 if hour % 24 < 12 else 0.0
        step = hour * STEPS
        expected, spread, _ = past.learn(
            past.mean(step, [1.0, value, 0.0]), hour * HOUR, STEPS, HOUR / (7 * DAY)
        )
    assert past.weekly_known(3)
    assert (past.weekly[3], past.weekly[15]) == (100.0, 0.0)
    assert expected == 0.0
    assert spread < 200.0
    past.after_watch(0)
    assert past.windows == 5 * 168
    past.after_watch(DAY)
    assert past.windows == LEARNS + 1
    assert past.lasting_spread == past.spread
    assert not past.weekly_known(3)
    past.windows = 99
    past.after_watch(DAY)
    assert past.windows == 99


def test_a_restart_keeps_everything_also_from_before_there_was_what_lasts() -> None:
    past = taught(noise(2 * 2100 + 300))
    past.tail.learn(5.0, FADES)
    past.lasting_tail.learn(6.0, FADES)
    past.waiting[9000] = [1.0, 2.0, 0.5]
    past.open, past.week, past.era = True, 7, 3
    data = past.dump()
    again = Past(WIDTH)
    again.fill(data)
    assert again.dump() == data
    assert isinstance(data, list)
    older = Past(WIDTH)
    older.fill(data[:-1])
    assert older.level == past.level
    assert (older.lasting, older.lasting_spread) == (0.0, past.spread)
    wholes = data[0]
    assert isinstance(wholes, list)
    oldest = Past(WIDTH)
    oldest.fill([wholes[:-1], *data[1:-1]])
    assert (oldest.era, oldest.week) == (0, 7)
