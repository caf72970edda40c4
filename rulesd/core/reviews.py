"""Review items: what waits for a person's verdict, how long it may wait, and what the verdict means.

Law: pure. An item opens when an alert is sampled or a switch is locked until a review; it closes with a verdict and never by time.
*Benign* and *fixed* close it (and release what waits for it); *harm* keeps it open, says what must happen, and its time runs anew. An
item that is overdue is told to its owner, again each time as much time has passed.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

from rulesd.core.group import dump_alert, load_alert
from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Plan
from rulesd.core.switch_draft import review_of
from rulesd.model.alert import Alert
from rulesd.model.decision import Decision, NoticeDue, ReviewClosed, ReviewOpened, SwitchChanged
from rulesd.model.event import Json
from rulesd.model.fingerprint import episode_id
from rulesd.model.inputs import Input, ReviewAsked, ReviewCompleted
from rulesd.model.instant import DAY, HOUR, Instant, Milliseconds, format_instant
from rulesd.model.reasons import Reason
from rulesd.model.switch import Setting, SettingState, Until

VERDICTS = ("benign", "fixed", "harm")
"What a reviewer may find."

TIME: Mapping[str, Milliseconds] = {
    "critical": 4 * HOUR,
    "high": DAY,
    "medium": 3 * DAY,
    "low": 7 * DAY,
}
"How long an item of a severity may wait."

MOST_OPEN = 10_000
"Open items; a further one replaces the oldest of the mildest kind that is merely sampled."

HISTORY = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One item."""

    id: str
    alert: Alert
    opened_at: Instant
    due_at: Instant
    locked: bool
    "Whether a switch stays set until the verdict."

    held: tuple[str, ...] = ()
    "The settings that stay for it."

    told: int = 0
    "How often its owner was told that it is overdue."

    verdict: str = ""
    by: str = ""
    note: str = ""
    next: str = ""
    closed_at: Instant | None = None


class Reviews:
    """All items of one engine."""

    name = "reviews"

    def __init__(self, plan: Plan, alert_of: Callable[[str], Alert | None]) -> None:
        """``alert_of``: the open alert of an episode id."""
        self.plan = plan
        self.due: Instant = NOT_DUE
        self.open: dict[str, Review] = {}
        self.closed: deque[Review] = deque(maxlen=HISTORY)
        self.dropped = 0
        self._alert_of = alert_of

    # ------------------------------------------------------------------ inputs and decisions

    def take(self, item: Input, now: Instant, out: list[Decision]) -> bool:
        """A verdict, or the wish that somebody looks. A verdict that is unknown, or on an item that is not open, changes nothing."""
        if isinstance(item, ReviewAsked):
            self._asked(item, now, out)
            return True
        if not isinstance(item, ReviewCompleted):
            return False
        review = self.open.get(item.review)
        if review is None or item.verdict not in VERDICTS:
            return True
        done = replace(review, verdict=item.verdict, by=item.by, note=item.note, next=item.next)
        if item.verdict == "harm":
            self.open[review.id] = replace(done, due_at=now + time_for(review.alert), told=0)
        else:
            del self.open[review.id]
            self.closed.append(replace(done, closed_at=now))
        self._look()
        out.append(
            ReviewClosed(
                at=now,
                reason=Reason.REVIEWED,
                review=review.id,
                verdict=item.verdict,
                by=item.by,
                note=item.note,
                next=item.next,
                alert=review.alert,
            )
        )
        return True

    def _asked(self, item: ReviewAsked, now: Instant, out: list[Decision]) -> None:
        alert = self._alert_of(item.alert)
        if alert is None or any(r.alert.alert == item.alert for r in self.open.values()):
            return
        id_ = episode_id("review", (alert.alert,), "asked", now)
        out.append(ReviewOpened(at=now, reason=Reason.REVIEW_ASKED, review=id_, alert=alert))
        self._open(
            id_, alert, Reason.REVIEW_ASKED, now, note=f"asked for by {item.by}: {item.note}"
        )

    def follow(self, decision: Decision, now: Instant, out: list[Decision]) -> None:
        """Sampled alerts and locks open items."""
        match decision:
            case ReviewOpened():
                self._open(decision.review, decision.alert, decision.reason, now)
            case SwitchChanged(setting=setting) if setting.until is Until.REVIEW:
                if decision.reason in (Reason.SET, Reason.APPROVED, Reason.SET_AGAIN):
                    active = setting.state is SettingState.ACTIVE
                    for id_ in setting.holders if active else ():
                        self._lock(id_, setting, now, out)
                elif setting.state is SettingState.ENDED:
                    self._unlock(setting.id)

    def _lock(self, holder: str, setting: Setting, now: Instant, out: list[Decision]) -> None:
        """One item for each alert that holds it; where none is open, the item is about the setting: a lock never has nobody to end it."""
        for review in self.open.values():
            if review.alert.alert == holder:
                held = tuple(dict.fromkeys((*review.held, setting.id)))
                self.open[review.id] = replace(review, locked=True, held=held)
                return
        alert = self._alert_of(holder) or review_of(setting, holder, now)
        id_ = episode_id("review", (alert.alert,), "lock", alert.started_at)
        if any(r.id == id_ for r in self.closed):
            id_ = episode_id("review", (alert.alert, setting.id), "lock", now)
        out.append(ReviewOpened(at=now, reason=Reason.LOCKED, review=id_, alert=alert))
        self._open(id_, alert, Reason.LOCKED, now, (setting.id,))

    def _unlock(self, setting: str) -> None:
        """A setting ended otherwise: what held nothing else waits for its verdict all the same, but holds nothing any more."""
        for review in list(self.open.values()):
            if setting in review.held:
                held = tuple(s for s in review.held if s != setting)
                self.open[review.id] = replace(review, held=held, locked=bool(held))

    def _open(
        self,
        id_: str,
        alert: Alert,
        why: Reason,
        now: Instant,
        held: tuple[str, ...] = (),
        note: str = "",
    ) -> None:
        if id_ in self.open or any(r.id == id_ for r in self.closed):
            return
        if len(self.open) >= MOST_OPEN:
            self._drop()
        self.open[id_] = Review(
            id=id_,
            alert=alert,
            opened_at=now,
            due_at=now + time_for(alert),
            locked=why is Reason.LOCKED,
            held=held,
            note=note,
        )
        self._look()

    def _drop(self) -> None:
        """Make room: the oldest item that is merely sampled; a lock is never dropped while there is one."""
        id_ = next((r.id for r in self.open.values() if not r.locked), next(iter(self.open)))
        del self.open[id_]
        self.dropped += 1

    def critical(self) -> int:
        """How many items about critical alerts are open."""
        return sum(r.alert.severity == "critical" for r in self.open.values())

    # ------------------------------------------------------------------ time

    def _look(self) -> None:
        self.due = min((r.due_at for r in self.open.values()), default=NOT_DUE)

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """Tell owners of what is overdue."""
        for review in list(self.open.values()):
            if review.due_at > now:
                continue
            alert = review.alert
            told = review.told + 1
            self.open[review.id] = replace(review, due_at=now + time_for(alert), told=told)
            severity = "critical" if told > 1 or review.locked else alert.severity
            receiver = self.plan.receiver_for(alert.owner, severity) or self.plan.root.receiver
            out.append(
                NoticeDue(
                    at=now,
                    reason=Reason.REVIEW_LATE,
                    receiver=receiver,
                    owner=alert.owner,
                    title=f"A review of {alert.rule} is overdue",
                    lines=tuple(_lines(review)),
                )
            )
        self._look()

    # ------------------------------------------------------------------ plans, state

    def replace(self, plan: Plan, now: Instant, out: list[Decision]) -> None:
        """Items stay whatever the plan says."""
        del now, out
        self.plan = plan

    def alerts(self) -> list[Alert]:
        """None live here."""
        return []

    def dump(self) -> Json:
        """Plain data."""
        return {
            "open": [_dump(r) for r in self.open.values()],
            "closed": [_dump(r) for r in self.closed],
            "dropped": self.dropped,
        }

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        opened, closed = data["open"], data["closed"]
        assert isinstance(opened, list)
        assert isinstance(closed, list)
        for row in opened:
            review = _load(row)
            self.open[review.id] = review
        self.closed.extend(_load(row) for row in closed)
        self.dropped = int(str(data["dropped"]))
        self._look()


def time_for(alert: Alert) -> Milliseconds:
    """How long an item about this alert may wait."""
    return TIME.get(alert.severity, TIME["low"])


def _lines(review: Review) -> list[str]:
    alert = review.alert
    labels = ", ".join(f"{k}={v}" for k, v in sorted(alert.labels.items()))
    out = [f"Severity {alert.severity}, {labels or 'no labels'}."]
    out.append(f"Open since {format_instant(review.opened_at)}.")
    if review.locked:
        out.append("A switch stays locked until there is a verdict.")
    if review.next:
        out.append(f"Harm was confirmed by {review.by}. What must happen: {review.next}")
    out.append(f"Complete: rulesd review complete {review.id} --verdict benign|fixed|harm")
    return out


def _dump(review: Review) -> Json:
    out: dict[str, Json] = {
        f.name: getattr(review, f.name) for f in fields(review) if f.name != "alert"
    }
    return out | {"alert": dump_alert(review.alert), "held": list(review.held)}


def _load(data: Json) -> Review:
    assert isinstance(data, dict)
    held = data.get("held", [])
    assert isinstance(held, list)
    values: dict[str, object] = {
        **data,
        "alert": load_alert(data["alert"]),
        "held": tuple(str(h) for h in held),
    }
    return Review(**values)  # type: ignore[arg-type]
