"""A silence with its history: what was done to it, by whom and when, and what it has held back.

Law: values, and their form as plain data. A field that is new needs a default here, so that an older state can be read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant
from rulesd.model.silence import Silence, SilenceMatcher


class Did(StrEnum):
    """What was done to a silence."""

    CREATED = "created"
    UPDATED = "updated"
    APPROVED = "approved"
    EXPIRED = "expired"
    "A person ended it, or wrote another in its place."

    ENDED = "ended"
    "It ended by itself before its time: its alerts have resolved."


class Act(NamedTuple):
    """One thing that was done."""

    at: Instant
    by: str
    did: Did
    what: str
    "What changed, in words; empty when the act says it all."


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One silence and its history."""

    silence: Silence
    acts: tuple[Act, ...]
    "The first, and the latest."

    held_back: int
    "Alerts it has kept from being told: each counts once, and once more when what holds it back changes."

    last_held: Instant
    "When it last did; 0 when it never has."


@dataclass(slots=True)
class Entry:
    """One silence as the machine keeps it."""

    silence: Silence
    acts: list[Act] = field(default_factory=list)
    held_back: int = 0
    last_held: Instant = 0
    covers: dict[str, None] = field(default_factory=dict)
    "Firing alerts it covers; kept only for one that ends with them."

    covered: bool = False
    "Whether it has looked for the alerts that fired before it began."

    warned: bool = False
    armed: Instant | None = None
    after: Callable[[Instant], Instant] | None = None
    "When the next window begins, for one with windows."

    window: tuple[Instant, Instant, bool] = (0, 0, False)
    "From when until when it is known whether a window is open."

    def open(self, now: Instant) -> bool:
        """Whether it is active, and in a window if it has any."""
        silence = self.silence
        if not silence.starts_at <= now < silence.ends_at:
            return False
        if self.after is None:
            return not silence.cron
        since, until, is_open = self.window
        if not since <= now < until:
            begins = self.after(now - silence.lasts)
            is_open = begins <= now
            self.window = (now, begins + silence.lasts if is_open else begins, is_open)
        return is_open

    def record(self) -> Record:
        """As others may see it."""
        return Record(
            silence=self.silence,
            acts=tuple(self.acts),
            held_back=self.held_back,
            last_held=self.last_held,
        )


def changes(before: Silence, after: Silence) -> tuple[Did, str]:
    """What a new form of a silence does to it."""
    said: list[str] = []
    if before.starts_at != after.starts_at:
        said.append(f"starts {format_instant(after.starts_at)}")
    if before.ends_at != after.ends_at:
        said.append(f"ends {format_instant(after.ends_at)}")
    said += [
        name.replace("_", " ")
        for name in ("matchers", "comment", "annotations", "created_by", "end_on_resolve")
        if getattr(before, name) != getattr(after, name)
    ]
    if (before.cron, before.lasts, before.timezone) != (after.cron, after.lasts, after.timezone):
        said.append("windows")
    if after.approved_by and after.approved_by != before.approved_by:
        return Did.APPROVED, ", ".join(said)
    if before.approved_by and not after.approved_by:
        said.append("no longer approved")
    return Did.UPDATED, ", ".join(said)


def pack(record: Record) -> Json:
    """A record as plain data."""
    silence = record.silence
    matchers: list[Json] = [[m.name, m.value, m.is_regex, m.is_equal] for m in silence.matchers]
    acts: list[Json] = [[a.at, a.by, str(a.did), a.what] for a in record.acts]
    annotations: dict[str, Json] = dict(silence.annotations)
    return {
        "id": silence.id,
        "matchers": matchers,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "updated_at": silence.updated_at,
        "created_by": silence.created_by,
        "comment": silence.comment,
        "annotations": annotations,
        "approved_by": silence.approved_by,
        "end_on_resolve": silence.end_on_resolve,
        "cron": silence.cron,
        "lasts": silence.lasts,
        "timezone": silence.timezone,
        "acts": acts,
        "held_back": record.held_back,
        "last_held": record.last_held,
    }


def unpack(data: Json) -> Record:
    """From what ``pack`` gave."""
    assert isinstance(data, dict)
    matchers, acts, annotations = data["matchers"], data["acts"], data["annotations"]
    assert isinstance(matchers, list)
    assert isinstance(acts, list)
    assert isinstance(annotations, dict)
    silence = Silence(
        id=_text(data, "id"),
        matchers=tuple(_matcher(row) for row in matchers),
        starts_at=_number(data, "starts_at"),
        ends_at=_number(data, "ends_at"),
        updated_at=_number(data, "updated_at"),
        created_by=_text(data, "created_by"),
        comment=_text(data, "comment"),
        annotations={name: str(value) for name, value in annotations.items()},
        approved_by=_text(data, "approved_by"),
        end_on_resolve=bool(data["end_on_resolve"]),
        cron=_text(data, "cron"),
        lasts=_number(data, "lasts"),
        timezone=_text(data, "timezone"),
    )
    return Record(
        silence=silence,
        acts=tuple(_act(row) for row in acts),
        held_back=_number(data, "held_back"),
        last_held=_number(data, "last_held"),
    )


def _matcher(row: Json) -> SilenceMatcher:
    assert isinstance(row, list)
    name, value, is_regex, is_equal = row
    return SilenceMatcher(
        name=str(name), value=str(value), is_regex=bool(is_regex), is_equal=bool(is_equal)
    )


def _act(row: Json) -> Act:
    assert isinstance(row, list)
    at, by, did, what = row
    assert isinstance(at, int)
    return Act(at, str(by), Did(str(did)), str(what))


def _text(data: Mapping[str, Json], name: str) -> str:
    return str(data[name])


def _number(data: Mapping[str, Json], name: str) -> int:
    value = data[name]
    assert isinstance(value, int)
    return value
