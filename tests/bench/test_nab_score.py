"""NAB's scoring rule: the facts of its description, worked out by hand."""

import pytest

from tests.bench.nab_score import Labelled, normalised, raw, score, sigmoid

FILE = Labelled(1000, ((200, 299), (600, 699)))


def test_the_sigmoid_of_the_paper() -> None:
    assert sigmoid(-1.0) == pytest.approx(0.98661, abs=1e-5)
    assert sigmoid(0.0) == 0.0
    assert sigmoid(3.1) == -1.0


def test_nothing_said_is_0_and_perfect_is_100() -> None:
    assert score([(FILE, [])], "standard")[0] == 0.0
    assert score([(FILE, [200, 600])], "reward_low_FN")[0] == pytest.approx(100.0)


def test_a_window_counts_once_by_its_earliest_row() -> None:
    early, late = raw(FILE, [210, 290], 0.11, 1.0), raw(FILE, [290], 0.11, 1.0)
    assert early == raw(FILE, [210], 0.11, 1.0) > late
    assert raw(FILE, [250], 0.11, 1.0) == pytest.approx(sigmoid(-0.5) / sigmoid(-1.0) - 1.0)


def test_a_false_detection_costs_less_just_after_a_window() -> None:
    nothing = raw(FILE, [], 0.11, 1.0)
    assert raw(FILE, [160], 0.11, 1.0) == nothing - 0.11
    assert raw(FILE, [305], 0.11, 1.0) > nothing - 0.02
    assert raw(FILE, [599], 0.11, 1.0) == pytest.approx(nothing - 0.11, abs=1e-6)
    assert raw(FILE, [160], 0.22, 1.0) == nothing - 0.22


def test_the_first_rows_count_nothing() -> None:
    assert FILE.probation == 150
    assert Labelled(100_000, ()).probation == 750
    assert raw(FILE, [149], 0.11, 1.0) == raw(FILE, [], 0.11, 1.0)
    early = Labelled(1000, ((10, 100), (600, 699)))
    assert raw(early, [], 0.11, 1.0) == -1.0


def test_counts_and_the_mean_of_files() -> None:
    value, found, windows, false = score([(FILE, [200, 205, 400]), (FILE, [])], "standard")
    assert (found, windows, false) == (1, 4, 1)
    assert value == pytest.approx(normalised(raw(FILE, [200, 400], 0.11, 1.0) - 2.0, 4, 1.0))


def test_backwards_is_the_same_file_from_its_end() -> None:
    assert FILE.backwards() == Labelled(1000, ((300, 399), (700, 799)))
    assert FILE.backwards().backwards() == FILE
