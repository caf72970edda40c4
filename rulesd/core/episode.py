"""One episode of an alert while it lives: what Detection remembers between two events.

Law: changed only by ``rulesd.core.detection``; leaves it as a frozen ``Alert``. Evidence is bounded: the first and the latest
event ids, never all of them.
"""

from rulesd.core.pending import hold
from rulesd.core.plan import Rule
from rulesd.model.alert import Alert
from rulesd.model.event import Json
from rulesd.model.instant import Instant
from rulesd.model.reasons import AlertState

FIRST_CAUSES, LAST_CAUSES = 5, 15
"How many ids of events are kept from the start and from the end of an episode."


class Episode:
    """A pending or firing alert of one key."""

    __slots__ = (
        "acknowledged_by",
        "active",
        "causes",
        "context",
        "count",
        "detail",
        "event_time",
        "id",
        "published",
        "published_count",
        "severe_at",
        "severity",
        "shown",
        "since",
        "spans",
        "started_at",
        "state",
        "threshold",
        "until",
        "value",
    )

    def __init__(self, *, episode: str, at: Instant, since: Instant, now: Instant) -> None:
        """Open an episode at event time ``at``."""
        self.id = episode
        self.state = AlertState.INACTIVE
        self.since = since
        self.started_at = now
        self.event_time = at
        self.value: float = 0.0
        self.threshold: float | None = None
        self.count = 0
        self.causes: list[str] = []
        self.severity = ""
        self.severe_at: Instant = now
        "When (processing time) it was last as severe as it is said to be."
        self.context: dict[str, str] = {}
        self.detail: dict[str, str] = {}
        self.active = True
        self.until: Instant | None = None
        self.acknowledged_by = ""
        self.published: Instant = now
        "When a decision about this episode was last made."
        self.published_count = 0
        self.shown: Instant = 0
        "Until when (processing time) it stays in any case, because its evidence came late."
        self.spans: list[Instant] = []
        "While pending: when the condition held (``rulesd.core.pending``)."

    def add_cause(self, event: str) -> None:
        """Keep the id of an event as evidence, once; when enough are kept, the middle ones go."""
        if not event or event in self.causes:
            return
        if len(self.causes) >= FIRST_CAUSES + LAST_CAUSES:
            del self.causes[FIRST_CAUSES]
        self.causes.append(event)

    def alert(
        self,
        rule: Rule,
        labels: dict[str, str],
        fingerprint: str,
        *,
        ended_at: Instant | None = None,
        could_not_evaluate: bool = False,
    ) -> Alert:
        """The episode as a value."""
        context = {f.label: self.context.get(f.label, "") for f in rule.context}
        context.update(self.detail)
        return Alert(
            alert=self.id,
            rule=rule.id,
            fingerprint=fingerprint,
            labels=labels,
            context={k: v for k, v in context.items() if v and k not in labels},
            severity=self.severity,
            owner=rule.owner,
            state=self.state,
            value=self.value,
            threshold=self.threshold,
            count=self.count,
            since=self.since,
            event_time=self.event_time,
            started_at=self.started_at,
            ended_at=ended_at,
            causes=tuple(self.causes),
            never=rule.never,
            acknowledged_by=self.acknowledged_by,
            could_not_evaluate=could_not_evaluate,
        )

    def dump(self) -> dict[str, Json]:
        """All fields as plain data."""
        out: dict[str, Json] = {}
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, dict):
                out[name] = dict(value)
            elif isinstance(value, list):
                out[name] = list(value)
            else:
                out[name] = value
        return out

    @classmethod
    def load(cls, data: dict[str, Json]) -> "Episode":
        """From what ``dump`` gave."""
        out = cls(episode="", at=0, since=0, now=0)
        for name in cls.__slots__:
            if name in data:
                setattr(out, name, data[name])
        out.state = AlertState(str(data["state"]))
        since = data.get("pending_since")
        if isinstance(
            since, int
        ):  # written before spans were kept: since when, and until when at most
            hold(out.spans, since, out.until)
        return out
