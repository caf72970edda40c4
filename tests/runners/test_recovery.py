"""A daemon that was killed at any moment stands where it stood, and says nothing twice."""

import random

import pytest

from rulesd.core.engine import Engine, Limits
from rulesd.core.plan import Plan
from rulesd.model.errors import StoreError
from rulesd.model.reasons import Outcome
from rulesd.ports.store import Checkpoint, Commit, DecisionRow, JournalRow
from rulesd.runners import codec
from rulesd.runners.recovery import recover
from rulesd.stores.memory import MemoryStore
from tests.core.plans import T0, burst, event, field, plan, rule


def rules() -> Plan:
    return plan(
        rule("a.never"),
        rule(
            "b.burst",
            detector=burst(3, 60_000),
            by=(field("tenant"),),
            lateness=0,
            keep_firing_for=0,
        ),
    )


def no_rebuild(archive: bytes) -> Plan:
    raise AssertionError("the plan did not change")


class Life:
    """A daemon without its loop: every step is one commit."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        known = store.open()
        restored = recover(store, known, rules(), Limits(), no_rebuild)
        self.engine, self.seq = restored.engine, restored.seq
        self.made: list[bytes] = []
        if restored.missing:
            self._commit([], restored.missing)

    def _commit(self, rows: list[JournalRow], decisions: list[object]) -> None:
        logged: list[DecisionRow] = []
        for decision in decisions:
            self.seq += 1
            logged.append(codec.decision_row(self.seq, decision))  # type: ignore[arg-type]
        self.store.commit(Commit(inputs=rows, decisions=logged))

    def event(self, n: int, now: int, **data: object) -> None:
        item = event(n, now, **data)  # type: ignore[arg-type]
        before = self.engine.outcomes[Outcome.DUPLICATE]
        decisions = self.engine.receive(item, now)
        fresh = self.engine.outcomes[Outcome.DUPLICATE] == before
        self._commit([codec.event_row(item, self.engine.now)] if fresh else [], list(decisions))

    def time(self, now: int) -> None:
        decisions = self.engine.handle_timer(now)
        if decisions:
            self._commit([], list(decisions))

    def checkpoint(self) -> None:
        keys = [codec.pack_key(k) for k in self.engine.changes()]
        self.store.commit(
            Commit(
                checkpoint=Checkpoint(
                    engine=codec.pack_state(self.engine.small_state()),
                    plan_digest=self.engine.plan.digest,
                    decision_seq=self.seq,
                    keys=keys,
                )
            )
        )


def log(store: MemoryStore) -> list[bytes]:
    return [row.body for row in store.read_decisions(limit=10**6)]


@pytest.mark.parametrize("seed", range(12))
def test_killed_at_any_moment_the_decision_log_is_that_of_one_life(seed: int) -> None:
    straight, broken = MemoryStore(), MemoryStore()
    chance = random.Random(seed)
    one, two = Life(straight), Life(broken)
    now = T0
    for n in range(120):
        now += chance.choice([100, 1_500, 40_000, 200_000])
        step = chance.random()
        if step < 0.2:
            one.time(now)
            two.time(now)
        else:
            for life in (one, two):
                life.event(n, now, x=seed)
        if chance.random() < 0.15:
            two.checkpoint()
        if chance.random() < 0.25:  # kill -9: only what was committed is left
            broken.close()
            two = Life(broken)
    one.time(now + 10**9)
    two.time(now + 10**9)
    assert log(straight) == log(broken)
    assert len(log(straight)) > 50


def test_what_was_accepted_before_the_kill_is_a_duplicate_after_it() -> None:
    store = MemoryStore()
    Life(store).event(1, T0)
    store.close()
    life = Life(store)
    life.event(1, T0)
    assert life.engine.outcomes[Outcome.DUPLICATE] == 1
    assert life.engine.alerts()[0].count == 1


def test_rules_that_changed_while_it_was_down_are_taken_over_from_the_plan_that_was_in_force() -> (
    None
):
    store = MemoryStore()
    life = Life(store)
    life.event(1, T0)
    store.commit(Commit(plan=(life.engine.plan.digest, b"archive")))
    life.checkpoint()
    store.close()
    other = plan(rule("z.other"))
    restored = recover(store, store.open(), other, Limits(), lambda archive: rules())
    assert [a.rule for a in restored.engine.alerts()] == ["a.never"]
    assert isinstance(restored.engine, Engine)


def test_a_plan_that_nobody_has_is_an_error_with_a_way_out() -> None:
    store = MemoryStore()
    life = Life(store)
    life.event(1, T0)
    life.checkpoint()
    store.close()
    with pytest.raises(StoreError, match="backup"):
        recover(store, store.open(), plan(rule("z.other")), Limits(), no_rebuild)
