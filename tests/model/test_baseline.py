"""What is said about a baseline stands in the decision log."""

from rulesd.model.baseline import BaselineChanged, baseline_fields
from rulesd.model.reasons import Reason


def test_a_line_tells_what_is_there_and_nothing_else() -> None:
    short = BaselineChanged(
        at=0, reason=Reason.RELEARN_SILENT, rule="t.x", labels={"tenant": "a"}, keys=1
    )
    assert baseline_fields(short) == {
        "rule": "t.x",
        "labels": {"tenant": "a"},
        "keys": 1,
        "detail": "",
    }
    whole = BaselineChanged(
        at=0,
        reason=Reason.RELEARN_ASKED,
        rule="t.x",
        labels={},
        keys=3,
        detail="d",
        by="ana",
        note="new model",
        alert="a1",
        until=0,
    )
    assert baseline_fields(whole) == {
        "rule": "t.x",
        "labels": {},
        "keys": 3,
        "detail": "d",
        "by": "ana",
        "why": "new model",
        "alert": "a1",
        "until": "1970-01-01T00:00:00.000Z",
    }
