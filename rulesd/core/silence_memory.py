"""Which silences speak of an alert, remembered while the alert and the silences stay as they are.

Law: pure, and never a wrong answer: what is remembered is brought up to date with every silence that came or went since, and is void when
a label changed. It is not part of the state: after a restart it is empty.

A hundred thousand firing alerts are asked again at every flush, and a regular expression costs as much as fifty other questions.
So only while there is one among the silences it is worth its memory (about 200 bytes an alert).
"""

from bisect import insort
from dataclasses import dataclass

from rulesd.core.silence_index import Filed, Index
from rulesd.model.alert import Alert
from rulesd.model.reasons import AlertState

MOST_ALERTS = 200_000
"Alerts remembered; beyond that all are forgotten, and it begins again."

MOST_CHANGES = 1_000
"Changes of silences by which an answer is brought up to date; beyond that it is asked anew."


@dataclass(slots=True)
class _Answer:
    alert: Alert
    ids: list[str]
    after: int
    "How many changes it has taken in."


class Memory:
    """The index, with a memory."""

    def __init__(self) -> None:
        """Start empty."""
        self.index = Index()
        self._answers: dict[str, _Answer] = {}
        self._changes: list[Filed | str] = []
        "What was added, and the ids of what was removed."

        self._first = 0
        "The number of the first of them."

    def add(self, filed: Filed) -> None:
        """File one; it takes the place of one with the same id."""
        self.remove(filed.id)
        self.index.add(filed)
        self._note(filed)

    def remove(self, id_: str) -> None:
        """Take one out, if it is there."""
        if id_ in self.index:
            self.index.remove(id_)
            self._note(id_)

    def forget(self, alert: Alert) -> None:
        """It is over."""
        self._answers.pop(alert.alert, None)

    def find(self, alert: Alert) -> list[str]:
        """Ids of the silences whose matchers agree with the alert, in order."""
        if not self.index.costly:
            return self.index.find(alert.all_labels())
        kept = self._answers.get(alert.alert)
        if kept is not None and kept.after >= self._first and _alike(kept.alert, alert):
            kept.alert = alert
            self._update(kept)
            return kept.ids
        ids = self.index.find(alert.all_labels())
        if alert.state is AlertState.FIRING:
            if len(self._answers) >= MOST_ALERTS:
                self._answers.clear()
            after = self._first + len(self._changes)
            self._answers[alert.alert] = _Answer(alert, ids, after)
        return ids

    def _update(self, kept: _Answer) -> None:
        changes = self._changes[kept.after - self._first :]
        if not changes:
            return
        labels, ids = kept.alert.all_labels(), list(kept.ids)
        for change in changes:
            if isinstance(change, str):
                if change in ids:
                    ids.remove(change)
            elif change.fits(labels):
                insort(ids, change.id)
        kept.ids, kept.after = ids, kept.after + len(changes)

    def _note(self, change: Filed | str) -> None:
        if not self._answers:
            return  # Nothing is remembered, so there is nothing to bring up to date.
        self._changes.append(change)
        if len(self._changes) > MOST_CHANGES:
            self._first += len(self._changes)
            self._changes.clear()


def _alike(one: Alert, other: Alert) -> bool:
    """Whether two forms of an alert carry the same labels."""
    return one is other or (
        one.labels == other.labels
        and one.context == other.context
        and one.severity == other.severity
        and one.owner == other.owner
        and one.rule == other.rule
    )
