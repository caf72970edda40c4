"""A machine: one part of the engine with state and deadlines of its own, beside Detection and Dispatch.

Law: pure, like everything in the core. A machine takes inputs that are meant for it, hears every decision, owns its deadlines and
says what it has to say as decisions; it never calls another machine. The engine turns all of them in one defined order.
"""

from collections.abc import Iterator
from typing import Protocol

from rulesd.core.labels import Key
from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
from rulesd.model.decision import Decision
from rulesd.model.event import Json
from rulesd.model.inputs import Input
from rulesd.model.instant import Instant

NOT_DUE: Instant = 1 << 62
"Beyond all time: nothing to wake for."


class Machine(Protocol):
    """What the engine asks of each of its parts."""

    name: str
    "Under which its state is kept."

    due: Instant
    "Its earliest deadline, ``NOT_DUE`` when it has none."

    def take(self, item: Input, now: Instant, out: list[Decision]) -> bool:
        """Take an input that is no event; ``False`` when it is not for this machine."""
        ...

    def follow(self, decision: Decision, now: Instant, out: list[Decision]) -> None:
        """Hear a decision (of any part, its own too) and say what follows from it."""
        ...

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """Run the deadlines due at ``now``."""
        ...

    def replace(self, plan: Plan, now: Instant, out: list[Decision]) -> None:
        """Take a new plan."""
        ...

    def alerts(self) -> list[Alert]:
        """Open alerts that live in this machine; most have none."""
        ...

    def dump(self) -> Json:
        """Its state as plain data."""
        ...

    def load(self, data: Json) -> None:
        """From what ``dump`` gave; the machine is new."""
        ...


class Rows(Protocol):
    """A part with so much state that a checkpoint must hold only what changed: it is kept row by row, as keys of rules are."""

    def changes(self) -> Iterator[tuple[Key, Json]]:
        """What changed since the last call, and forget that it did; data ``None``: the row is gone."""
        ...

    def rows(self) -> Iterator[tuple[Key, Json]]:
        """Everything."""
        ...

    def load_row(self, key: Key, data: Json) -> None:
        """One row of a part that is new; the part is loaded when all of its rows are."""
        ...
