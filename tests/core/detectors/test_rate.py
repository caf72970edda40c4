import pytest

from rulesd.core.detectors.rate import Rate
from rulesd.model.instant import HOUR, MINUTE
from tests.core.detectors.harness import Seen, run


def test_the_numerator_says_what_a_hit_is_and_its_errors_are_let_through() -> None:
    rate = Rate(
        numerator=lambda d: d["n"] > 1, within=HOUR, above=0.5, below=None, min_denominator=10
    )  # type: ignore[operator]
    assert rate.name == "rate"
    said = run(rate, [Seen(n * MINUTE, {"n": 2}) for n in range(20)])[("k",)]
    assert said[0].value == 1.0
    assert run(rate, [Seen(n * MINUTE, {"n": 1}) for n in range(20)])[("k",)] == []

    def raises(_: object) -> bool:
        raise ValueError

    with pytest.raises(ValueError):
        run(
            Rate(numerator=raises, within=HOUR, above=0.5, below=None, min_denominator=10),
            [Seen(0, {})],
        )
