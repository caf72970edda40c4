from rulesd.sources.backoff import MOST_S, STEADY_S, Backoff


def test_it_doubles_to_a_limit_and_starts_over_after_a_good_connection() -> None:
    backoff = Backoff(lambda: 1.0)
    assert [backoff.after(0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, MOST_S, MOST_S]
    assert backoff.after(STEADY_S - 0.1) == MOST_S
    assert backoff.after(STEADY_S) == 0.5
    assert backoff.after(0) == 1


def test_it_draws_from_the_upper_half() -> None:
    assert Backoff(lambda: 0.0).after(0) == 0.25
    assert Backoff(lambda: 0.5).after(0) == 0.375


def test_a_least_wait() -> None:
    assert Backoff(lambda: 1.0).after(0, 10) == 10


def test_it_never_overflows() -> None:
    backoff = Backoff(lambda: 1.0)
    assert {backoff.after(0) for _ in range(5_000)} >= {MOST_S}
