from rulesd.core.detectors.disagreement import Disagreement
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, MINUTE
from tests.core.detectors.harness import Seen, run
from tests.core.plans import field

LIMIT = Disagreement(
    left=field("left"), right=field("right"), within=HOUR, above=0.3, below=None, min_denominator=1
)


def pairs(*values: tuple[Json, Json]) -> list[Seen]:
    return [
        Seen(n * MINUTE, {"left": left, "right": right}) for n, (left, right) in enumerate(values)
    ]


def test_two_judges_who_differ_too_often_fire_and_a_few_cases_of_chance_do_not() -> None:
    said = run(LIMIT, pairs(*[("a", "b")] * 10))[("k",)]
    assert said[0].at == 4 * MINUTE  # four of four: a chance of 0.8 % at 30 %
    assert said[0].value == 1.0
    assert run(LIMIT, pairs(*[("a", "b"), ("a", "a")] * 4))[("k",)] == []


def test_judgements_are_compared_as_labels() -> None:
    assert run(LIMIT, pairs(*[(1, 1.0), (True, "true"), ("x", "x")] * 6))[("k",)] == []


def test_a_missing_judgement_is_not_counted() -> None:
    assert run(LIMIT, pairs(*[("a", None), (None, "b")] * 20))[("k",)] == []
