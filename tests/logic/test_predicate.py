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


def test_the_reason_is_told() -> None:
    with pytest.raises(EvaluationError) as caught:
        predicate({">": [{"var": "a"}, 1]})({"a": "text"})
    assert caught.value.reason is RaiseReason.NOT_A_NUMBER
    with pytest.raises(EvaluationError) as caught:
        value_of({"throw": "own words"})({})
    assert caught.value.reason is RaiseReason.THROWN
