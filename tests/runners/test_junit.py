import xml.etree.ElementTree as ET
from dataclasses import replace

from rulesd.config.rule_tests import RuleTest
from rulesd.runners.junit import junit
from rulesd.runners.simulate import Verdict

TEST = RuleTest(
    rule="a.b", name='it <"fires"', path="a.yaml", line=3, trains=(), expect=(), until=0
)


def test_suites_cases_and_failures() -> None:
    good = Verdict(test=TEST, failures=(), decisions=())
    bad = replace(good, failures=("a.yaml:4: no & \x00never", "second"))
    root = ET.fromstring(junit([good, bad]).encode())
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    (suite,) = root
    assert suite.get("name") == "a.b"
    assert [c.get("name") for c in suite] == ['it <"fires"'] * 2
    failure = suite[1][0]
    assert failure.get("message") == "a.yaml:4: no & \ufffdnever"
    assert (failure.text or "").endswith("second")


def test_a_failure_carries_the_difference() -> None:
    bad = Verdict(test=TEST, failures=("no",), decisions=(), diff=("-  1s  firing", "+  2s  <b>"))
    text = ET.fromstring(junit([bad]).encode())[0][0][0].text
    assert text == "no\n\nexpected (-) and what happened (+):\n-  1s  firing\n+  2s  <b>"


def test_no_tests_are_a_document_too() -> None:
    assert ET.fromstring(junit([]).encode()).get("tests") == "0"
