"""What a rule costs every event.

Law: estimates from measurements (docs/matching.md): a generated check 0.1 to 0.3 us, datalogic 2 us for the first rule
that needs it and 0.3 us for each further one. A rule behind a key costs only the events that have the key.
"""

from collections.abc import Iterator
from typing import Final

from rulesd.logic.cover import ALWAYS, Shape, cover
from rulesd.logic.findings import Severity
from rulesd.logic.raises import troubles
from rulesd.logic.reads import is_opaque
from rulesd.logic.syntax import Node

_WEAK: Final = (Shape.FLAG, Shape.GATE, Shape.EXCEPT)


def costs(node: Node, *, keyed: bool) -> Iterator[tuple[Severity, str, str]]:
    """Severity, message and hint, if the rule is worth a word; ``keyed``: ``on`` restricts it to some event types."""
    conjunctions = cover(node)
    indexed = conjunctions != ALWAYS and all(
        any(a.shape not in _WEAK for a in c) for c in conjunctions
    )
    opaque = is_opaque(node)
    hint = 'Start with what is rare and exact: {"and": [{"===": [{"var": "type"}, "tool.call"]}, ...]}.'
    whose = "every event of its types" if keyed else "every event"
    severity: Severity = "info" if keyed else "warning"
    if not indexed and opaque:
        yield (
            severity,
            f"datalogic evaluates this rule for {whose} (about 2 us, 0.3 us for each further such rule)",
            hint,
        )
    elif not indexed and not keyed:
        yield severity, f"this rule is looked at for {whose} (about 0.2 us)", hint
    elif opaque and any(t.path is None and not t.guards for t in troubles(node)):
        yield (
            "info",
            "datalogic evaluates the first part of this rule for every event, since it might raise (about 2 us)",
            ("Put the exact comparisons first in the `and`."),
        )
