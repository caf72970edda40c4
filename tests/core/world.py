"""A world in virtual time around the real engine: events go in, decisions are kept, pages can be asked for."""

from rulesd.core.engine import Engine, Limits
from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
from rulesd.model.decision import AlertChanged, Decision, Kind, NotificationDue, Status
from rulesd.model.event import Event, Json
from rulesd.model.inputs import Input
from rulesd.model.instant import SECOND
from tests.core.plans import T0, event


class World:
    def __init__(self, plan: Plan, limits: Limits | None = None) -> None:
        self.engine = Engine(plan, limits)
        self.now = T0
        self.decisions: list[Decision] = []
        self._count = 0

    def at(self, seconds: float) -> "World":
        self.now = T0 + round(seconds * SECOND)
        return self.take(self.engine.handle_timer(self.now))

    def take(self, made: list[Decision]) -> "World":
        self.decisions += made
        return self

    def send(
        self,
        seconds: float,
        *,
        late: float = 0,
        tenant: str = "acme",
        id_: str = "",
        type_: str = "tool.call",
        weight: int = 1,
        **data: Json,
    ) -> "World":
        """An event arrives ``seconds`` after the start, dated ``late`` seconds before that."""
        self._count += 1
        self.now = T0 + round(seconds * SECOND)
        made = event(
            id_ or f"e{self._count}",
            self.now - round(late * SECOND),
            tenant=tenant,
            type_=type_,
            weight=weight,
            **data,
        )
        return self.give(made)

    def give(self, item: Event | Input) -> "World":
        return self.take(self.engine.receive(item, self.now))

    def changes(self, *kinds: Kind) -> list[tuple[float, str, str]]:
        """(seconds, kind, reason) of alert transitions."""
        wanted = kinds or (Kind.PENDING, Kind.FIRING, Kind.RESOLVED, Kind.SUPPRESSED)
        return [
            ((d.at - T0) / SECOND, str(d.kind), str(d.reason))
            for d in self.decisions
            if isinstance(d, AlertChanged) and d.kind in wanted
        ]

    def told(self) -> list[NotificationDue]:
        return [d for d in self.decisions if isinstance(d, NotificationDue)]

    def pages(self) -> list[tuple[float, str]]:
        """(seconds, reason) of what woke somebody."""
        return [
            ((d.at - T0) / SECOND, str(d.reason))
            for d in self.told()
            if d.page and d.status is Status.FIRING
        ]

    def last(self, kind: Kind) -> Alert:
        return next(
            d.alert
            for d in reversed(self.decisions)
            if isinstance(d, AlertChanged) and d.kind is kind
        )

    def clear(self) -> "World":
        self.decisions.clear()
        return self
