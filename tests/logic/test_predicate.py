"""Single conditions and values, against datalogic."""

import json

import datalogic_py as datalogic
import orjson
import pytest

from rulesd.logic import EvaluationError, RaiseReason, predicate, value_of
from tests.logic.fuzz import Generator

ENGINE = datalogic.Engine()


@pytest.mark.parametrize("seed", range(4))
def test_the_same_truth_value_and_errors_as_datalogic(seed: int) -> None:
    generator = Generator(4000 + seed)
    session = ENGINE.session()
    for i in range(150):
        text = json.dumps(generator.value(3) if i % 2 else generator.rule())
        try:
            rule = ENGINE.compile_checked(text)
        except datalogic.DataLogicError:
            continue
        test, value = predicate(text), value_of(text)
        for _ in range(30):
            document = orjson.loads(orjson.dumps(generator.event()))
            data = datalogic.DataHandle(orjson.dumps(document).decode())
            try:
                expected = orjson.loads(session.evaluate_data_str(rule, data))
                truth = session.evaluate_truthy(rule, data)
            except datalogic.DataLogicError:
                with pytest.raises(EvaluationError):
                    test(document)
                with pytest.raises(EvaluationError):
                    value(document)
                continue
            assert test(document) is truth
            got = value(document)
            assert got == expected
            assert type(got) is type(expected)


@pytest.mark.parametrize(
    "needle",
    [{"var": ["k", "a"]}, {"lower": {"var": "k"}}, {"if": [{"var": "flag"}, {"var": "k"}, "b"]}],
)
@pytest.mark.parametrize("k", ["a", "A", "c", "", 1, 1.5, True, None, [], ["a"], {}, {"a": 1}])
def test_what_is_computed_is_looked_for_among_texts(needle: object, k: object) -> None:
    listed = {"in": [needle, ["a", "b"]]}
    nested = {"some": [{"var": "l"}, {"in": [{"substr": [{"var": ""}, 0, 1]}, ["a", "b"]]}]}
    for logic in (listed, {"!": listed}, {"or": [listed, nested]}):
        rule = ENGINE.compile_checked(json.dumps(logic))
        for document in ({"k": k, "l": ["xa", "ab"]}, {"k": k, "flag": True}, {"l": ["xa"]}):
            data = datalogic.DataHandle(json.dumps(document))
            try:
                truth = ENGINE.session().evaluate_truthy(rule, data)
            except datalogic.DataLogicError:
                with pytest.raises(EvaluationError):
                    predicate(logic)(document)
                continue
            assert predicate(logic)(document) is truth


def test_the_reason_is_told() -> None:
    with pytest.raises(EvaluationError) as caught:
        predicate({">": [{"var": "a"}, 1]})({"a": "text"})
    assert caught.value.reason is RaiseReason.NOT_A_NUMBER
    with pytest.raises(EvaluationError) as caught:
        value_of({"throw": "own words"})({})
    assert caught.value.reason is RaiseReason.THROWN
