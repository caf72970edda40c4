"""``owners.yaml``, ``severities.yaml``, ``risks.yaml``: who answers, how bad it is, what it protects.

Law: an owner without receivers is served by the route tree; the four severities always exist; risks are known only when
``risks.yaml`` names them.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from rulesd.config.digests import OF_OWNERS, Digest, digest_of
from rulesd.config.document import Document
from rulesd.config.escalation import EscalationEntry
from rulesd.config.oncall import ScheduleEntry
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.config.shape import Gentle, Names, Positive, Strict, parse
from rulesd.core.people import SHIFT, Budget
from rulesd.core.plan import Owner
from rulesd.model.alert import SEVERITIES

MEANINGS = {
    "critical": "Harm is happening or data is leaking now: act at once, day or night.",
    "high": "Harm is likely soon: act today, wake the person on call.",
    "medium": "Something moved that should not: look at it in working hours.",
    "low": "Worth knowing: a ticket, nobody is woken.",
}
"What each severity means unless ``severities.yaml`` says otherwise."


class BudgetEntry(Strict):
    """How many pages in a shift, or in a length of time."""

    pages: Annotated[int, Field(ge=1, le=1_000)]
    per: Literal["shift"] | Positive = "shift"


class OwnerEntry(Gentle):
    """One owner; every field is optional."""

    contact: str = ""
    receivers: dict[str, str] = Field(default_factory=dict)
    escalation: str = ""
    schedule: str = ""
    page_budget: BudgetEntry | None = None
    digest: Digest = None
    repeat_max: Positive | None = None


class PersonEntry(Gentle):
    """Somebody who can be on call."""

    contact: str = ""
    receivers: Annotated[dict[str, str], Field(min_length=1)]


class OwnersFile(Gentle):
    """``notifiers/owners.yaml``."""

    owners: Annotated[dict[str, OwnerEntry | None], Field(min_length=1)]
    people: dict[str, PersonEntry] = Field(default_factory=dict)
    schedules: dict[str, ScheduleEntry] = Field(default_factory=dict)
    escalations: dict[str, EscalationEntry] = Field(default_factory=dict)


def _short(value: object, field: str) -> object:
    """A text may stand for the mapping that holds it; nothing for an empty mapping."""
    if isinstance(value, str):
        return {field: value}
    return {} if value is None else value


class SeverityEntry(Strict):
    """What one severity means for everyone."""

    meaning: str
    wake: str = ""
    acknowledge_within: Positive | None = None


class SeveritiesFile(Strict):
    """``rules/severities.yaml``."""

    severities: dict[str, Annotated[SeverityEntry, BeforeValidator(lambda v: _short(v, "meaning"))]]


class RiskEntry(Strict):
    """One risk the product must control."""

    title: str = ""
    why: str = ""
    description: str = ""
    severity: str = ""
    owner: str = ""
    signals: Names = ()


class RisksFile(Strict):
    """``rules/risks.yaml``."""

    risks: dict[str, Annotated[RiskEntry, BeforeValidator(lambda v: _short(v, "title"))]]


def owners(document: Document, problems: Problems) -> dict[str, Owner]:
    """All owners that can be read; their receivers are checked later, when receivers are known."""
    parsed = parse(OwnersFile, document, problems)
    found = parsed.owners if parsed is not None else _partly(document)
    out: dict[str, Owner] = {}
    for name, entry in found.items():
        given = entry or OwnerEntry()
        for severity in given.receivers:
            if severity not in (*SEVERITIES, "default"):
                path = ("owners", name, "receivers", severity)
                hint = f"{did_you_mean(severity, SEVERITIES)}Write one of: {', '.join(SEVERITIES)}, default."
                problems.at(
                    document,
                    path,
                    Code.INVALID_VALUE,
                    f'"{severity}" is no severity',
                    hint,
                    key=True,
                )
        out[name] = Owner(
            name=name,
            contact=given.contact,
            receivers=dict(given.receivers),
            escalation=given.escalation,
            schedule=given.schedule,
            page_budget=_budget(given.page_budget),
            digest=digest_of(
                given.digest, OF_OWNERS, document, ("owners", name, "digest"), problems
            ),
            repeat_max=given.repeat_max or 0,
        )
    return out


def _budget(entry: BudgetEntry | None) -> Budget | None:
    if entry is None:
        return None
    return Budget(pages=entry.pages, per=SHIFT if entry.per == "shift" else entry.per)


def _partly(document: Document) -> dict[str, OwnerEntry | None]:
    """The names of a file with mistakes, so that rules are not accused of unknown owners as well."""
    data = document.data
    named = data.get("owners") if isinstance(data, dict) else None
    return dict.fromkeys(named) if isinstance(named, dict) else {}


def severities(document: Document | None, problems: Problems) -> dict[str, str]:
    """What each of the four severities means."""
    out = dict(MEANINGS)
    parsed = parse(SeveritiesFile, document, problems) if document is not None else None
    if document is None or parsed is None:
        return out
    for name, entry in parsed.severities.items():
        if name not in SEVERITIES:
            hint = f"{did_you_mean(name, SEVERITIES)}The four are {', '.join(SEVERITIES)}."
            problems.at(
                document,
                ("severities", name),
                Code.INVALID_VALUE,
                f'"{name}" is no severity',
                hint,
                key=True,
            )
            continue
        out[name] = entry.meaning
    return out


def risks(document: Document | None, problems: Problems) -> dict[str, str] | None:
    """Titles of all risks by name; ``None`` when there is no such file."""
    if document is None:
        return None
    parsed = parse(RisksFile, document, problems)
    if parsed is None:
        return None
    return {name: entry.title for name, entry in parsed.risks.items()}


def unknown_owner(name: str, known: dict[str, Owner]) -> tuple[str, str]:
    """What to say when a file names an owner that is not in owners.yaml."""
    hint = f"{did_you_mean(name, known)}Known: {listed(known)}; or add it to owners.yaml."
    return f'the owner "{name}" is not in owners.yaml', hint
