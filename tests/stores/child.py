"""A process that commits to a store until it is killed, telling each durable commit on its standard output.

``python child.py DIRECTORY SEED [LIMIT]``: commits numbered inputs, one decision each and now and then a checkpoint; prints the last
durable number. With LIMIT, files may not grow beyond so many bytes (a full disk that frees itself when told on standard input).
"""

import random
import resource
import signal
import sys
from pathlib import Path

from rulesd.model.errors import StoreError
from rulesd.ports.store import Checkpoint, Commit, DecisionRow, JournalRow, KeyRow
from rulesd.stores.sqlite import SqliteStore


def inputs(first: int, count: int) -> list[JournalRow]:
    return [
        JournalRow(
            now=n, kind="event", payload=b'{"id":"e%d","pad":"%s"}' % (n, b"x" * 300), key=n, body=n
        )
        for n in range(first, first + count)
    ]


def commit_of(chance: random.Random, first: int) -> Commit:
    count = chance.choice((1, 3, 50, 400))
    last = first + count - 1
    checkpoint = None
    if chance.random() < 0.2:
        checkpoint = Checkpoint(
            engine=b"%d" % last,
            plan_digest="p",
            decision_seq=last,
            keys=[
                KeyRow(rule="r", key=b"%d" % (n % 500), state=b"%d" % n)
                for n in range(first, last + 1)
            ],
        )
    return Commit(
        inputs=inputs(first, count),
        decisions=[
            DecisionRow(seq=n, at=n, kind="k", rule="r", alert=f"a{n % 7}", body=b"{}")
            for n in range(first, last + 1)
        ],
        checkpoint=checkpoint,
        settings=[("last", b"%d" % last)],
    )


def main(directory: str, seed: str, limit: str = "") -> None:
    store = SqliteStore(Path(directory))
    first = store.open().last_journal_seq + 1
    print("open", first, flush=True)
    if limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    chance = random.Random(int(seed))
    while True:
        commit = commit_of(chance, first)
        try:
            store.commit(commit)
        except StoreError as error:
            print("failed", first, str(error).replace("\n", " "), flush=True)
            if sys.stdin.readline().strip() == "free":
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            store.commit(commit)
            limit = ""
        first += len(commit.inputs)
        print("durable", first - 1, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
