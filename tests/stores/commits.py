"""Random commits as the daemon makes them, and everything a store can be asked, for holding two stores to each other."""

import random

from rulesd.model.instant import DAY
from rulesd.ports.store import (
    Checkpoint,
    Commit,
    DecisionRow,
    JournalRow,
    KeyRow,
    OutboxDone,
    OutboxRow,
    Store,
)

START = 1_700_000_000_000
RULES = ("denied_burst", "cross_tenant", "")
ALERTS = ("a1", "a2", "a3", "")


class Maker:
    """Makes commits that follow each other; the same seed makes the same ones."""

    def __init__(self, seed: int, step: int = 60_000) -> None:
        self.random = random.Random(seed)
        self.now = START
        self.step = step
        self.decision = 0
        self.pages = 0

    def commit(self) -> Commit:
        r = self.random
        size = r.choice((0, 1, 1, 2, 5, 70)) if r.random() < 0.98 else 2_500
        decisions = r.choice((0, 0, 1, 3, 80))
        checkpoint = self._checkpoint if r.random() < 0.2 else None
        return Commit(
            inputs=[self.input() for _ in range(size)],
            decisions=[self._decision() for _ in range(decisions)],
            outbox=[self._owed() for _ in range(r.choice((0, 0, 1, 4)))],
            done=[self._done() for _ in range(r.choice((0, 0, 1, 4)))],
            checkpoint=checkpoint() if checkpoint else None,
            plan=(f"plan{r.randrange(3)}", b"zip%d" % r.randrange(9)) if r.random() < 0.1 else None,
            settings=[
                (
                    f"{r.choice(('token', 'replay', 'tok%n'))}/{r.randrange(4)}",
                    r.choice((b"", b"v", b"w")),
                )
                for _ in range(r.choice((0, 0, 1, 5)))
            ],
        )

    def input(self) -> JournalRow:
        r = self.random
        self.now += r.randrange(self.step)
        kind = r.choice(("event",) * 12 + ("ack", "delivered", "refused"))
        identity = f"e{r.randrange(40)}"
        payload = r.choice(
            (
                b'{"id":"%s","n":%d}' % (identity.encode(), r.randrange(9)),
                b'{"document":{"id":"%s"},"source":"s"}' % identity.encode(),
                b"\x00\xff not json",
            )
        )
        if kind != "event":
            return JournalRow(now=self.now, kind=kind, payload=payload)
        return JournalRow(
            now=self.now,
            kind=kind,
            payload=payload,
            key=r.randrange(-(2**63), 2**63),
            body=r.randrange(-(2**63), 2**63),
            at=self.now - r.randrange(-5_000, 5_000),
        )

    def _decision(self) -> DecisionRow:
        self.decision += 1
        r = self.random
        return DecisionRow(
            seq=self.decision,
            at=self.now - r.randrange(3),
            kind="alert.firing",
            rule=r.choice(RULES),
            alert=r.choice(ALERTS),
            body=b'{"seq":%d}' % self.decision,
        )

    def _owed(self) -> OutboxRow:
        r = self.random
        self.pages += r.choice((0, 1, 1, 1))
        return OutboxRow(
            id=f"n{self.pages}",
            receiver=r.choice(("ops", "safety")),
            channel="slack",
            incident=f"i{self.pages % 5}",
            priority=r.randrange(4),
            created=self.now,
            body=b'{"alerts":[{"alert":"%s"}]}' % (alert := r.choice(ALERTS)).encode(),
            next_at=self.now,
            alerts=(alert,) if alert else (),
        )

    def _done(self) -> OutboxDone:
        r = self.random
        return OutboxDone(
            id=f"n{max(0, self.pages - r.randrange(6))}",
            receiver=r.choice(("ops", "safety")),
            channel="slack",
            state=r.choice(("delivered", "pending", "failed", "skipped")),
            attempts=r.randrange(9),
            next_at=self.now + 5,
            detail=r.choice(("200", "503 try later")),
            at=self.now,
            incident=r.choice(("", f"i{r.randrange(5)}")),
            reference=r.choice((b"", b'{"ts":"%d"}' % r.randrange(99))),
        )

    def _checkpoint(self) -> Checkpoint:
        r = self.random
        return Checkpoint(
            engine=b"engine%d" % r.randrange(1_000),
            plan_digest=f"plan{r.randrange(3)}",
            decision_seq=self.decision,
            keys=[
                KeyRow(
                    rule=r.choice(RULES),
                    key=r.choice((b"", b"k%d" % r.randrange(30))),
                    state=r.choice((b"", b"s%d" % r.randrange(99))),
                )
                for _ in range(r.choice((0, 3, 90)))
            ],
            forget_rules=r.choice(((), (), ("denied_burst",))),
        )


def answers(store: Store, maker: Maker) -> dict[str, object]:
    """What a store says to every question, as plain data; questions depend on the maker's state only."""
    ago = [maker.now - back for back in (0, maker.step, 30 * maker.step, 30 * DAY)]
    out: dict[str, object] = {
        "keys": sorted((row.rule, row.key, row.state) for row in list(store.keys())),
        "tail": list(store.tail(0)),
        "pending": list(store.pending()),
        "outbox": store.read_outbox(),
        "settings": store.settings("tok"),
        "settings all": store.settings(""),
        "settings special": store.settings("tok%"),
        "last": store.read_decisions(after_seq=maker.decision - 5),
    }
    last = out["tail"][-1][0] if out["tail"] else 0
    out["tail end"] = list(store.tail(last - 3))
    for since in ago:
        for at_least in (0, 1, 7, 200, 10_000):
            out[f"ids {since - maker.now} {at_least}"] = list(store.recent_ids(since, at_least))
    for alert in ALERTS:
        for rule in RULES:
            out[f"decisions {alert}/{rule}"] = store.read_decisions(
                alert=alert, rule=rule, limit=50
            )
    for state in ("pending", "delivered", "failed", "skipped"):
        out[f"outbox {state}"] = store.read_outbox(state=state, limit=7)
    for alert in ALERTS[:-1]:
        out[f"outbox about {alert}"] = store.read_outbox(alert=alert, limit=9)
        out[f"outbox given up about {alert}"] = store.read_outbox(alert=alert, state="failed")
    for number in range(max(0, maker.pages - 40), maker.pages + 1):
        out[f"outbox of n{number}"] = store.read_outbox(page=f"n{number}")
        out[f"attempts {number}"] = store.read_attempts(f"n{number}")
    for number in range(5):
        out[f"references {number}"] = store.references(f"i{number}")
        out[f"setting {number}"] = store.setting(f"token/{number}")
        out[f"plan {number}"] = store.plan_archive(f"plan{number}")
    for number in (0, 1, 39, 99):
        out[f"event {number}"] = store.read_event(f"e{number}")
    return out
