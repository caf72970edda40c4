from typing import Any

from rulesd.ports.store import OutboxDone, OutboxRow
from rulesd.runners.proven import LOOKED_AT, PATIENCE, Proven


def done(state: str, attempts: int = 1, receiver: str = "oncall") -> OutboxDone:
    return OutboxDone(
        id="n",
        receiver=receiver,
        channel="slack[0]",
        state=state,
        attempts=attempts,
        next_at=0,
        detail="",
        at=0,
    )


class Past:
    def __init__(self, *receivers: str) -> None:
        self.receivers, self.asked = receivers, 0

    def __call__(self, limit: int) -> Any:
        assert limit == LOOKED_AT
        self.asked += 1
        return [
            (
                OutboxRow(
                    id="p",
                    receiver=name,
                    channel="slack[0]",
                    incident="i",
                    priority=0,
                    created=0,
                    body=b"",
                ),
                None,
            )
            for name in self.receivers
        ]


def test_a_channel_that_was_tried_and_never_worked_is_named() -> None:
    past = Past()
    proven = Proven(past)
    proven.note(done("pending"))
    assert proven.never() == []
    proven.note(done("pending", PATIENCE))
    proven.note(done("skipped", receiver="other"))
    assert proven.never() == [("oncall", "slack[0]")]
    assert proven.never() == [("oncall", "slack[0]")]
    assert past.asked == 1


def test_one_success_proves_it_for_good() -> None:
    proven = Proven(Past())
    for _ in range(PATIENCE):
        proven.note(done("failed"))
    assert proven.never() != []
    proven.note(done("delivered"))
    assert proven.never() == []
    proven.note(done("failed", 99))
    assert proven.never() == []


def test_what_worked_before_the_last_start_counts() -> None:
    proven = Proven(Past("oncall"))
    proven.note(done("failed", 99))
    assert proven.never() == []


def test_nobody_looks_back_while_all_is_well() -> None:
    past = Past()
    proven = Proven(past)
    proven.note(done("delivered"))
    assert proven.never() == []
    assert past.asked == 0
