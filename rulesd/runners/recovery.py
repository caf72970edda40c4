"""Recovery: from what the store knows to an engine that stands where the last one stood.

Law: the last checkpoint plus the journal after it, through the same engine under the plan that was in force, gives the same state
and the same decisions. Decisions that the log already holds are not made again; those it lacks (deadlines that had run, but whose
commit was cut off) are made durable now. Nothing is guessed: a plan that cannot be rebuilt is an error with a way out.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass, field

from rulesd.core.engine import Engine, Limits
from rulesd.core.plan import Plan
from rulesd.model.decision import Decision
from rulesd.model.errors import StoreError
from rulesd.model.event import Event
from rulesd.model.inputs import PlanReplaced
from rulesd.model.instant import Instant
from rulesd.ports.store import Recovered, Store
from rulesd.runners import codec
from rulesd.runners.waking import awake


@dataclass(slots=True)
class Restored:
    """An engine that stands where the journal ends."""

    engine: Engine
    seq: int
    "Sequence number of the last decision that is durable."

    missing: list[Decision] = field(default_factory=list)
    "Decisions the log lacks: to be committed, in order, before anything else."

    replayed: int = 0
    "Journal rows read after the checkpoint."


def recover(
    store: Store,
    known: Recovered,
    plan: Plan,
    limits: Limits,
    rebuild: Callable[[bytes], Plan],
) -> Restored:
    """Bring the engine back. ``rebuild`` compiles an archived plan.

    Nothing that is made here is garbage, and looking for some among a million keys would take as long as making them: it is set apart from all
    that the garbage collector looks at.

    Raises:
        StoreError: when the plan that was in force cannot be rebuilt.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _recover(store, known, plan, limits, rebuild)
    finally:
        if collecting:
            gc.freeze()
            gc.enable()


def _recover(
    store: Store,
    known: Recovered,
    plan: Plan,
    limits: Limits,
    rebuild: Callable[[bytes], Plan],
) -> Restored:
    engine = Engine(_plan_of(store, known.plan_digest, plan, rebuild), limits)
    if known.engine is not None:
        small = codec.unpack_state(known.engine)
        keys = awake(store.keys(), small, engine.detection.books)
        engine.void += engine.restore(small, keys)
    restored = Restored(engine, known.last_decision_seq)
    seq = known.checkpoint_decision_seq
    for _, row in store.tail(known.checkpoint_journal_seq):
        item = codec.read_input(row)
        restored.replayed += 1
        if isinstance(item, PlanReplaced):
            pages = (item.owner_pages, item.owner_window)
            made = engine.replace(_plan_of(store, item.digest, plan, rebuild), row.now, pages)
        elif isinstance(item, Event):
            made = engine.take_again(item, row.now)
        else:
            made = engine.receive(item, row.now)
        for decision in made:
            seq += 1
            if seq > known.last_decision_seq:
                restored.missing.append(decision)
    _remember_ids(store, engine, limits, max(known.last_now, engine.now))
    # Deadlines may have run between the last input and the crash: their decisions are in the log already.
    due = known.last_decision_seq - seq
    while due > 0 and (timer := engine.next_timer()) is not None:
        made = engine.handle_timer(timer)
        restored.missing += made[max(due, 0) :]
        due -= len(made)
    return restored


def _plan_of(store: Store, digest: str, plan: Plan, rebuild: Callable[[bytes], Plan]) -> Plan:
    if digest in ("", plan.digest):
        return plan
    archive = store.plan_archive(digest)
    if archive is None:
        raise StoreError(
            f"the state was made under rules {digest[:12]}, whose files the store does not hold. "
            "Restore the state directory from a backup, or start with a new one"
        )
    return rebuild(archive)


def _remember_ids(store: Store, engine: Engine, limits: Limits, now: Instant) -> None:
    engine.duplicates.remember(store.recent_ids(now - limits.window, limits.ids))
