"""Names in ``by``, ``context``, ``distinct`` ... as functions of the document a rule sees (contract 2.2).

Law: an attribute wins over a field of ``data`` of that name; null is absent. The label is the last part of the name.
"""

import re
from collections.abc import Callable

from rulesd.core.field import Field
from rulesd.model.event import Document, Json

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")
"What a name may look like."


def field(name: str) -> Field:
    """The field of that name. Raises ``ValueError`` when it is no name."""
    if not NAME.fullmatch(name) or len(name) > 200:
        raise ValueError("a name is letters, digits and _ with dots between its parts")
    parts = tuple(name.split("."))
    return Field(
        name=name, label=parts[-1], get=_direct(name) if len(parts) == 1 else _dotted(parts)
    )


def _direct(name: str) -> Callable[[Document], Json]:
    def get(document: Document) -> Json:
        value = document.get(name)
        if value is not None:
            return value
        data = document.get("data")
        return data.get(name) if isinstance(data, dict) else None

    return get


def _dotted(parts: tuple[str, ...]) -> Callable[[Document], Json]:
    first, rest = parts[0], parts[1:]

    def walk(value: Json, steps: tuple[str, ...]) -> Json:
        for step in steps:
            if not isinstance(value, dict):
                return None
            value = value.get(step)
        return value

    def get(document: Document) -> Json:
        found = walk(document.get(first), rest)
        return found if found is not None else walk(document.get("data"), parts)

    return get
