"""``violated_by`` of switches.yaml: which events show that a service does not obey a switch.

Law: what is wrong is said at its place. A condition sees the event, and ``switch.key``, ``switch.value`` and
``switch.default`` beside it.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from rulesd.config.conditions import bare_type, logic_problem
from rulesd.config.document import Document, Path_
from rulesd.config.fields import NAME, field
from rulesd.config.problems import Code, Problems
from rulesd.config.shape import Free, Names, Positive, Strict
from rulesd.core.proof import Proof
from rulesd.logic import RuleError, predicate
from rulesd.model.event import Json
from rulesd.model.switch import Switch, places


class ViolatedBy(Strict):
    """What cannot happen while a switch is obeyed."""

    on: Annotated[Names, Field(min_length=1)]
    "Event types."

    when: Free = True
    "JSON Logic over the event, with ``switch.key``, ``switch.value`` and ``switch.default`` beside it."

    within: Positive | None = None
    "For a cap: more than the switch's value in this time, not one event."

    sum: str | None = None
    "With ``within``: what is added up; left out, events are counted."


def check_proof(
    switch: Switch, fields: ViolatedBy, at: Path_, document: Document, problems: Problems
) -> None:
    """Say what is wrong with it."""
    try:
        predicate(fields.when)
    except RuleError as error:
        logic_problem(error, (*at, "when"), document, problems)
    if fields.within is not None and switch.type != "number":
        said = f"within counts up to the switch's value, which is a {switch.type}"
        hint = "Leave within out, or give the switch a number."
        problems.at(document, (*at, "within"), Code.EXCLUSIVE, said, hint, key=True)
    if fields.sum is None:
        return
    if fields.within is None:
        said, hint = "sum needs the time in which it is added up", "Add within: 1h, say."
        problems.at(document, (*at, "sum"), Code.MISSING_FIELD, said, hint, key=True)
    try:
        field(fields.sum)
    except ValueError as error:
        said, hint = f"sum is no name: {error}", "Write one such as cost_usd."
        problems.at(document, (*at, "sum"), Code.INVALID_VALUE, said, hint)


def proofs(switches: Mapping[str, Switch]) -> dict[str, tuple[Proof, ...]]:
    """What shows that a switch is not obeyed, by event type."""
    out: dict[str, list[Proof]] = defaultdict(list)
    for switch in switches.values():
        if switch.violated_by:
            types = switch.violated_by["on"]
            assert isinstance(types, list)
            for name in dict.fromkeys(bare_type(str(t)) for t in types):
                out[name].append(_proof(switch, switch.violated_by))
    return {name: tuple(rows) for name, rows in out.items()}


def _proof(switch: Switch, said: Mapping[str, Json]) -> Proof:
    total, within = said.get("sum"), said.get("within", 0)
    assert isinstance(within, int)
    return Proof(
        switch=switch.name,
        when=predicate(said.get("when", True)),
        labels=tuple(
            field(name)
            for name in dict.fromkeys((*places(switch.key), *switch.scope))
            # An event has no field of another name: of such a setting nothing can be shown.
            if NAME.fullmatch(name)
        ),
        within=within,
        amount=None if total is None else field(str(total)).get,
    )
