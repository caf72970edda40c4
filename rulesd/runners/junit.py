"""Results of rule tests as JUnit XML, the form that CI servers read.

Law: one suite for each rule, one case for each test, a failure with the whole difference; nothing that is not XML text reaches the file; the same results give the same bytes.
"""

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from rulesd.runners.simulate import Verdict

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(verdicts: Sequence[Verdict]) -> str:
    """The document."""
    rules: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        rules.setdefault(verdict.test.rule, []).append(verdict)
    failed = sum(not v.passed for v in verdicts)
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        f'<testsuites name="rulesd" tests="{len(verdicts)}" failures="{failed}" errors="0">\n',
    ]
    for rule, mine in sorted(rules.items()):
        bad = sum(not v.passed for v in mine)
        parts.append(
            f'  <testsuite name={_attribute(rule)} tests="{len(mine)}" failures="{bad}" errors="0">\n'
        )
        parts += [_case(v) for v in mine]
        parts.append("  </testsuite>\n")
    parts.append("</testsuites>\n")
    return "".join(parts)


def _case(verdict: Verdict) -> str:
    test = verdict.test
    head = (
        f"    <testcase classname={_attribute(test.rule)} name={_attribute(test.name)} "
        f'file={_attribute(test.path)} line="{test.line}"'
    )
    if verdict.passed:
        return head + "/>\n"
    first = verdict.failures[0]
    diff = ["", "expected (-) and what happened (+):", *verdict.diff] if verdict.diff else []
    said = escape(_clean("\n".join([*verdict.failures, *diff])))
    return (
        f"{head}>\n      <failure message={_attribute(first)}>{said}</failure>\n    </testcase>\n"
    )


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
