"""A state with something in every table, and everything a start reads of it: for damaging it."""

from rulesd.ports.store import Checkpoint, Commit, DecisionRow, KeyRow, OutboxDone, OutboxRow
from rulesd.stores.sqlite import SqliteStore
from tests.stores.child import inputs


def filled(directory):
    store = SqliteStore(directory)
    store.open()
    number = 1
    for _ in range(20):
        store.commit(
            Commit(
                inputs=inputs(number, 20),
                decisions=[
                    DecisionRow(seq=number, at=0, kind="k", rule="r", alert="a", body=b"{}" * 40)
                ],
                outbox=[
                    OutboxRow(
                        id=f"n{number}",
                        receiver="r",
                        channel="c",
                        incident="i",
                        priority=0,
                        created=0,
                        body=b"page" * 50,
                    )
                ],
                done=[
                    OutboxDone(
                        id=f"n{number - 20}",
                        receiver="r",
                        channel="c",
                        state="delivered" if number % 40 else "pending",
                        attempts=1,
                        next_at=0,
                        detail="200",
                        at=0,
                        reference=b"{}",
                    )
                ],
                settings=[(f"setting{number}", b"value" * 20)],
                plan=("p", b"archive" * 90),
                checkpoint=Checkpoint(
                    engine=b"engine" * 50,
                    plan_digest="p",
                    decision_seq=0,
                    keys=[KeyRow(rule="r", key=b"k%d" % number, state=b"s" * 50)],
                ),
            )
        )
        number += 20
    store.close()
    return directory / "rulesd.db"


def everything(directory):
    store = SqliteStore(directory)
    found = store.open()
    try:
        return (
            found,
            list(store.tail(0)),
            sorted((row.key, row.state) for row in list(store.keys())),
            list(store.pending()),
            list(store.recent_ids(0, 10_000)),
            store.settings(""),
            store.references("i"),
            store.plan_archive("p"),
            store.read_outbox(),
            store.read_decisions(),
        )
    finally:
        store.close()
