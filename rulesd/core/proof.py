"""What shows that a service does not obey a switch, as a value.

Law: values only; the condition and the amount come in as callables that ``rulesd.config`` has built.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rulesd.core.field import Field
from rulesd.model.event import Document, Json
from rulesd.model.instant import Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Events of some types, and what must hold of them while a switch is set."""

    switch: str
    "The name of the switch."

    when: Callable[[Document], bool]
    "Of the event with ``switch`` (``key``, ``value``, ``default``) beside its own fields. May raise; then the event shows nothing."

    labels: tuple[Field, ...]
    "What the switch's key and scope are made of, read from the event."

    within: Milliseconds = 0
    "Above 0: not one event but more than the setting's value in this time shows it."

    amount: Callable[[Document], Json] | None = None
    "What an event adds to that; ``None``: one."
