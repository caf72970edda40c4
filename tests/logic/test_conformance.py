"""The community suites of JSON Logic: how many cases pass, and that the matcher agrees with datalogic on every one.

The suites are data to run against, not part of the project: they are looked for beside the repository, or where
``RULESD_SHARED`` points, and the tests skip when they are not there. Cases of the project's own follow them.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rulesd.logic import EvaluationError, Matcher, RuleError, value_of

SHARED = (
    Path(os.environ.get("RULESD_SHARED", Path(__file__).parents[3] / "shared"))
    / "json-logic"
    / "suites"
)
HELPERS = ("preserve",)
"Operators that only the suites' own test harness has."

needs_suites = pytest.mark.skipif(
    not SHARED.is_dir(),
    reason="the community suites are not here: set RULESD_SHARED or put shared/ beside the repository",
)


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(SHARED.rglob("*.json")):
        for case in json.loads(path.read_text()):
            if isinstance(case, dict):
                yield path.stem, case


def same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= 1e-9
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return bool(a == b)


def outcome(case: dict[str, Any]) -> tuple[bool, Any]:
    """Whether it gave a value, and the value."""
    try:
        return True, value_of(json.dumps(case["rule"]))(case.get("data"))
    except (EvaluationError, RuleError):
        return False, None


@needs_suites
def test_pass_counts() -> None:
    """The table of docs/matching.md; the misses are the deliberate deviations it lists."""
    compatible = values = errors = total = error_total = 0
    missed: list[str] = []
    for suite, case in cases():
        if "result" in case:
            total += 1
            gave, value = outcome(case)
            good = gave and same(value, case["result"])
            values += good
            compatible += good and suite == "compatible"
            if not good and not any(f'"{name}"' in json.dumps(case["rule"]) for name in HELPERS):
                missed.append(f"{suite}: {json.dumps(case['rule'])}")
        else:
            error_total += 1
            errors += not outcome(case)[0]
    print(
        f"\ncompatible {compatible}/278, values {values}/{total}, must raise {errors}/{error_total}"
    )
    for line in missed:
        print("  missed", line)
    assert (total, error_total) == (976, 162)
    assert compatible == 278
    assert values >= 957
    assert errors >= 152
    assert len(missed) <= 9


@needs_suites
def test_the_matcher_agrees_with_datalogic_on_every_case() -> None:
    seen = 0
    for _, case in cases():
        try:
            matcher = Matcher({"case": json.dumps(case["rule"])})
        except RuleError:
            continue
        for document in (case.get("data"), {}, {"x": 1}):
            text = json.dumps(document).encode()
            expected = matcher.naive_evaluate(document)
            assert matcher.evaluate(text) == expected, case
            assert matcher.evaluate_document(document) == expected, case
            seen += 1
    assert seen > 2500


@pytest.mark.parametrize(
    ("logic", "document", "expected"),
    [
        (
            {"!!": [{"var": "x"}]},
            {"x": {}},
            False,
        ),  # the community suite says true; see docs/matching.md
        ({"and": []}, {}, None),  # the suite says false
        ({"merge": [[1], None]}, {}, [1, None]),
        ({"==": [{"var": "absent"}, 0]}, {}, True),
        ({"===": [1, 1.0]}, {}, True),
        ({"===": [True, 1]}, {}, False),
        ({"in": [1, ["1"]]}, {}, False),
        ({"all": [[], True]}, {}, False),
        ({"var": ["absent", 7]}, {}, 7),
        ({"var": "list.1"}, {"list": [1, 2]}, 2),
        ({"substr": ["jsonlogic", -5]}, {}, "logic"),
    ],
)
def test_semantics_the_project_relies_on(logic: Any, document: Any, expected: Any) -> None:
    value = value_of(logic)(document)
    if logic == {"merge": [[1], None]}:
        assert value in (
            [1],
            [1, None],
        )  # whichever datalogic's release says; the document lists it
    else:
        assert same(value, expected) or value is expected
