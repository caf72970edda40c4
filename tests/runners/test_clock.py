"""Time that never goes back, on a machine whose clock does."""

from collections.abc import Callable

import pytest

from rulesd.model.instant import MINUTE
from rulesd.runners import clock
from rulesd.runners.clock import WallClock

START = 1_767_600_000_000


class Machine:
    """A machine's two clocks."""

    def __init__(self) -> None:
        self.wall, self.tick = float(START), 100.0

    def time_ns(self) -> int:
        return int(self.wall * 1_000_000)

    def monotonic(self) -> float:
        return self.tick

    def passes(self, ms: float) -> None:
        self.wall += ms
        self.tick += ms / 1000


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(clock, "time", made)
    return made


def test_it_tells_the_machines_time(machine: Machine) -> None:
    time = WallClock()
    assert time.now() == START
    machine.passes(1500)
    assert time.now() == START + 1500


def test_a_small_step_back_makes_it_wait(machine: Machine) -> None:
    time = WallClock()
    time.now()
    machine.wall -= 30_000
    assert time.now() == START
    machine.passes(29_000)
    assert time.now() == START
    machine.passes(2_000)
    assert time.now() == START + 1_000
    assert time.stepped_back == 0


def test_a_large_step_back_is_counted_once_and_time_goes_on(machine: Machine) -> None:
    time = WallClock()
    time.now()
    machine.wall -= 60 * MINUTE
    for second in range(1, 11):
        machine.passes(1000)
        # The first look after the step is where it begins to count by itself.
        assert time.now() == START + (second - 1) * 1000
    assert time.stepped_back == 1


@pytest.mark.parametrize("each_ms", [0.1, 0.4, 0.6, 0.9])
def test_time_neither_stops_nor_runs_when_it_is_asked_for_every_event(
    machine: Machine, each_ms: float
) -> None:
    time = WallClock()
    time.now()
    machine.wall -= 60 * MINUTE
    time.now()
    for _ in range(10_000):
        machine.passes(each_ms)
        time.now()
    assert abs(time.now() - (START + 10_000 * each_ms)) <= 1


def test_a_clock_put_right_again_is_followed_again(machine: Machine) -> None:
    time = WallClock()
    time.now()
    machine.wall -= 60 * MINUTE
    time.now()
    machine.passes(5000)
    assert time.now() == START + 5000
    machine.wall += 60 * MINUTE
    assert time.now() == START + 5000
    machine.wall -= 60 * MINUTE
    time.now()
    assert time.stepped_back == 2


def test_a_step_ahead_is_followed_and_stays(machine: Machine) -> None:
    time = WallClock()
    time.now()
    machine.wall += 60 * MINUTE
    assert time.now() == START + 60 * MINUTE
    machine.wall -= 60 * MINUTE
    machine.passes(1000)
    assert time.now() == START + 60 * MINUTE
    machine.passes(1000)
    assert time.now() == START + 60 * MINUTE + 1000


def test_it_never_tells_a_time_before_the_journals_last(machine: Machine) -> None:
    assert WallClock(START + 5).now() == START + 5
    assert WallClock(START + 10 * MINUTE).now() == START + 10 * MINUTE


def test_it_never_goes_back_whatever_the_machine_does(machine: Machine) -> None:
    import random

    chance = random.Random(7)
    time: Callable[[], int] = WallClock().now
    last = 0
    for _ in range(5000):
        machine.passes(chance.uniform(0, 50))
        if chance.random() < 0.01:
            machine.wall += chance.uniform(-10, 10) * MINUTE
        told = time()
        assert told >= last
        last = told
