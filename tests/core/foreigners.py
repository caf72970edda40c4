"""Foreign alerts for core tests: posts in seconds after the start, and the routes and rules around them."""

from dataclasses import replace

from rulesd.core.plan import InhibitRule, Interval, Matcher, Plan, Route
from rulesd.model.inputs import AlertsPosted, PostedAlert
from tests.core.plans import T0, plan, rule
from tests.core.world import World

FAST = Route(
    receiver="default",
    group_by=("alertname",),
    group_wait=1_000,
    group_interval=2_000,
    repeat_interval=7_000,
)


def matcher(name: str, value: str) -> Matcher:
    return Matcher(name=name, op="=", value=value, test=value.__eq__)


def stops(equal: tuple[str, ...] = ("cluster",), both: str = "") -> InhibitRule:
    """Critical stops warning; with ``both`` one label value is on both sides."""
    if both:
        return InhibitRule(source=(matcher("a", both),), target=(matcher("a", both),), equal=equal)
    return InhibitRule(
        source=(matcher("severity", "critical"),),
        target=(matcher("severity", "warning"),),
        equal=equal,
    )


def span(name: str, begin: float, end: float) -> Interval:
    """An interval in seconds after the start."""
    return Interval(name=name, covers=lambda at: T0 + begin * 1000 <= at < T0 + end * 1000)


def posted(
    text: str, starts: float = 0, ends: float = 10_000, *, timeout: bool = False, note: str = ""
) -> PostedAlert:
    """``A cluster=x`` with times in seconds after the start."""
    name, *rest = text.split()
    labels = {"alertname": name, **dict(word.split("=", 1) for word in rest)}
    return PostedAlert(
        labels=labels,
        starts_at=T0 + round(starts * 1000),
        ends_at=T0 + round(ends * 1000),
        annotations={"note": note} if note else {},
        timeout=timeout,
    )


class Posts(World):
    """A world to which other systems post."""

    def __init__(self, *rules: InhibitRule, root: Route = FAST, under: Plan | None = None) -> None:
        made = under or replace(plan(rule(), root=root), inhibit_rules=rules)
        super().__init__(made)

    def post(
        self, at: float, *texts: str, starts: float | None = None, ends: float = 10_000
    ) -> "Posts":
        begin = at if starts is None else starts
        self.at(at)
        self.give(AlertsPosted(alerts=tuple(posted(text, begin, ends) for text in texts)))
        return self

    def over(self, at: float, *texts: str) -> "Posts":
        return self.post(at, *texts, starts=0, ends=at - 0.01)

    def lines(self) -> list[tuple[float, str, str]]:
        """(seconds, status, alerts as ``A/firing``) of every notification."""
        return [
            (
                (d.at - T0) / 1000,
                str(d.status),
                " ".join(f"{t.alert.labels.get('alertname')}/{t.status}" for t in d.alerts),
            )
            for d in self.told()
        ]
