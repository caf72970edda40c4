import pytest

from rulesd.core.dedup import Sent, reason
from rulesd.model.reasons import Reason

A, AB = {"a": 1}, {"a": 1, "b": 1}
NONE: dict[str, int] = {}
GONE_A = {"a": None}


def sent(firing: dict[str, int], resolved: dict[str, None] | None = None) -> Sent:
    return Sent(at=0, firing=firing, resolved=resolved or {})


@pytest.mark.parametrize(
    ("last", "firing", "resolved", "now", "expected"),
    [
        (None, A, {}, 0, Reason.FIRST),
        (
            None,
            NONE,
            GONE_A,
            0,
            Reason.UNCHANGED,
        ),  # fired and resolved before we spoke: nobody needs to know
        (sent(NONE), A, {}, 0, Reason.FIRST),
        (sent(A), AB, {}, 1, Reason.NEW_ALERTS),
        (sent(AB), A, {"b": None}, 1, Reason.SOME_RESOLVED),
        (sent(AB, {"b": None}), A, {"b": None}, 1, Reason.UNCHANGED),
        (sent(AB), A, {}, 1, Reason.UNCHANGED),  # told before, and gone from the group since
        (sent(A), NONE, GONE_A, 1, Reason.ALL_RESOLVED),
        (sent(A), {"a": 0}, {}, 1, Reason.SEVERITY_RAISED),
        (sent(A), {"a": 2}, {}, 1, Reason.UNCHANGED),  # milder is no news
        (sent(A), A, {}, 99, Reason.UNCHANGED),
        (sent(A), A, {}, 100, Reason.REPEAT),  # exactly at the interval, not after it
    ],
)
def test_reason(
    last: Sent | None, firing: dict[str, int], resolved: dict[str, None], now: int, expected: Reason
) -> None:
    assert reason(last, firing, resolved, repeat_interval=100, now=now) is expected


def test_what_is_over_without_having_been_told_is_news_when_it_is_shown() -> None:
    assert reason(sent(A), A, {"x": None}, repeat_interval=100, now=1) is Reason.SOME_RESOLVED


def test_who_is_not_told_of_what_is_over_hears_of_it_only_when_all_is() -> None:
    def quiet(
        last: Sent, firing: dict[str, int], resolved: dict[str, None], now: int = 1
    ) -> Reason:
        return reason(last, firing, resolved, repeat_interval=100, now=now, send_resolved=False)

    assert quiet(sent(AB), A, {"b": None}) is Reason.UNCHANGED
    assert quiet(sent(AB), A, {"b": None}, 100) is Reason.REPEAT
    assert quiet(sent(AB), NONE, {"a": None, "b": None}) is Reason.ALL_RESOLVED


def test_what_must_not_be_repeated_is_not() -> None:
    assert reason(sent(A), A, {}, repeat_interval=None, now=10**9) is Reason.UNCHANGED
