from rulesd.core.detectors.history import History


def test_counts_are_those_of_the_bins_that_a_stretch_touches() -> None:
    history = History(10, 100)
    for at in (5, 15, 15, 29, 95):
        history.add(at, 1)
    assert history.between(10, 30, 0) == (3, 20)
    assert history.between(12, 28, 0) == (3, 20)
    assert history.between(0, 200, 0) == (5, 200)
    assert history.between(40, 90, 0) == (0, 50)
    assert history.between(100, 120, 0) == (0, 20)


def test_what_is_older_than_the_bins_or_than_what_is_known_is_no_history() -> None:
    history = History(10, 5)
    history.add(100, 1)
    assert history.between(50, 70, 0) == (0, 0)
    assert history.between(60, 70, 65) == (0, 0)
    assert history.between(60, 70, 60) == (0, 10)
    history.add(40, 7)
    history.add(-30, 7)
    assert history.between(60, 110, 0) == (1, 50)
    history.add(1_000, 1)
    assert history.between(960, 1_010, 0) == (1, 50)


def test_the_bins_go_round() -> None:
    history = History(10, 5)
    for at in (30, 45, 51, 68, 69, 90):
        history.add(at, 1)
    assert history.between(50, 100, 0) == (4, 50)
    assert history.between(60, 80, 0) == (2, 20)
    history.add(130, 1)
    assert history.between(90, 140, 0) == (2, 50)


def test_stretches_that_were_shut_out_join_and_are_bounded() -> None:
    history = History(10, 50)
    history.add(400, 3)
    history.shut_out(100, 120)
    history.shut_out(110, 130)
    assert history.shut == [(100, 130)]
    assert history.between(120, 140, 0) == (0, 0)
    assert history.between(130, 140, 0) == (0, 10)
    for start in range(200, 400, 20):
        history.shut_out(start, start + 5)
    assert len(history.shut) == 8


def test_it_is_written_and_read_back() -> None:
    history = History(10, 50)
    for at in (30, 30, 200, 480):
        history.add(at, 2)
    history.shut_out(3, 9)
    again = History(10, 50)
    again.fill(history.dump())
    assert (again.dump(), again.between(0, 500, 0)) == (history.dump(), history.between(0, 500, 0))
