"""``digest:`` of an owner or a receiver: which pages wait, and until when.

Law: critical alerts cannot wait; a cron line that is none is told at its place.
"""

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems
from rulesd.config.schedule import schedule
from rulesd.config.shape import Names, Strict
from rulesd.core.people import DigestSpec
from rulesd.model.alert import SEVERITIES

OF_OWNERS = ("low",)
OF_RECEIVERS = ("medium", "low")
"What waits unless ``severities`` says otherwise."


class DigestEntry(Strict):
    """When pages that can wait are told together; ``at`` is a cron line."""

    at: str
    severities: Names = ()


_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "examples": ["0 9 * * 1-5"]},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["at"],
                "properties": {
                    "at": {"type": "string"},
                    "severities": {"type": "array", "items": {"enum": ["high", "medium", "low"]}},
                },
            },
            {"type": "null"},
        ]
    }
)

Digest = Annotated[
    DigestEntry | None,
    BeforeValidator(lambda v: {"at": v} if isinstance(v, str) else v),
    _SCHEMA,
]
"A cron line, or the mapping that holds it."


def digest_of(
    entry: DigestEntry | None,
    usual: tuple[str, ...],
    document: Document,
    at: Path_,
    problems: Problems,
) -> DigestSpec | None:
    """The digest as written; ``usual``: the severities it is for unless it names some."""
    if entry is None:
        return None
    for severity in entry.severities:
        if severity not in SEVERITIES or severity == "critical":
            said = f'"{severity}" alerts cannot wait for a digest'
            problems.at(document, at, Code.INVALID_VALUE, said, "Write low, or [medium, low].")
            return None
    try:
        return DigestSpec(next=schedule(entry.at), severities=entry.severities or usual)
    except ValueError as error:
        said, _, hint = str(error).partition(". ")
        problems.at(document, at, Code.SCHEDULE, said, f"{hint}.")
        return None
