"""Flapping: an alert that comes and goes is named once, and then left alone until it has calmed down.

Law: pure. An alert that opens again for the third time within an hour is flapping: that page says so. Until an hour has passed without
it opening or closing, what it does only brings that page up to date. Must-never-happen alerts and those of other systems are
never held back, nor is one that is worse than what the page told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rulesd.model.alert import severity_rank
from rulesd.model.decision import AlertChanged, Kind, NotificationDue, Status, Told
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant
from rulesd.model.reasons import Reason

REOPENED = 3
WITHIN = HOUR
CALM = HOUR

MOST = 50_000
"Alerts remembered; of more, those that have been quiet longest are forgotten, and may go unnamed."


@dataclass(slots=True)
class _Life:
    """What one alert has done lately."""

    last: Instant
    "When it last opened or closed."

    opened: list[Instant] = field(default_factory=list)
    "When it opened again, within the hour."

    incident: str = ""
    "Where it was named as flapping; empty: it is not."

    rank: int = 0
    "The severity that was told there."

    @property
    def flaps(self) -> bool:
        """Whether it comes and goes."""
        return bool(self.incident) or len(self.opened) >= REOPENED


class Flapping:
    """Every alert that has been over lately."""

    def __init__(self) -> None:
        """Calm."""
        self._lives: dict[str, _Life] = {}
        "By key, in order of ``last``."

    def follow(self, change: AlertChanged) -> None:
        """Hear that an alert opened or closed."""
        alert, at = change.alert, change.at
        self._calm(at)
        if alert.never or alert.foreign is not None:
            return
        life = self._lives.pop(alert.key, None)
        if change.kind is Kind.RESOLVED:
            life = life or _Life(at)
        elif life is None:
            return
        else:
            life.opened = [t for t in life.opened if at - t < WITHIN]
            if not life.flaps:
                life.opened.append(at)
        life.last = at
        self._lives[alert.key] = life
        if len(self._lives) > MOST:
            del self._lives[next(iter(self._lives))]

    def _calm(self, now: Instant) -> None:
        while self._lives:
            key = next(iter(self._lives))
            if now - self._lives[key].last < CALM:
                return
            del self._lives[key]

    def judge(self, due: NotificationDue) -> NotificationDue:
        """A page about alerts that flap: named the first time, then only an update of where they were named."""
        self._calm(due.at)
        lives = self._all_flap(due)
        if not lives:
            return due
        known = next((life.incident for life in lives.values() if life.incident), "")
        news = [t for t in due.alerts if self._is_news(t, lives)]
        if news:
            for told in due.alerts:
                life = lives.get(told.alert.key)
                if life is not None:
                    life.incident = due.incident
                    life.rank = severity_rank(told.alert.severity)
            return replace(due, reason=Reason.FLAPPING)
        return replace(due, page=False, incident=known)

    def _all_flap(self, due: NotificationDue) -> Mapping[str, _Life]:
        """The lives of the alerts this page is about, when each of them flaps; else nothing."""
        about = [t for t in due.alerts if t.changed]
        lives = {t.alert.key: self._lives.get(t.alert.key) for t in about}
        good = {name: life for name, life in lives.items() if life is not None and life.flaps}
        return good if len(good) == len(lives) else {}

    @staticmethod
    def _is_news(told: Told, lives: Mapping[str, _Life]) -> bool:
        life = lives.get(told.alert.key)
        if life is None or told.status is not Status.FIRING:
            return False
        return not life.incident or severity_rank(told.alert.severity) < life.rank

    def dump(self) -> Json:
        """Plain data."""
        return [
            [name, life.last, list(life.opened), life.incident, life.rank]
            for name, life in self._lives.items()
        ]

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, list)
        for row in data:
            assert isinstance(row, list)
            name, last, opened, incident, rank = row
            self._lives[str(name)] = _Life(last, opened, str(incident), rank)  # type: ignore[arg-type]
