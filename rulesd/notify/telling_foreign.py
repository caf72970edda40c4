"""Alerts of other systems as a page tells them: the words of ``telling``, with what the alerts of one page share worked out once.

Law: pure; every alert reads exactly as ``rulesd.notify.telling.tell`` would tell it. A storm posts a hundred thousand of them, twenty to
a page: whose they are, what their severity means and what happens next is said of all of them at once.
"""

from typing import Protocol

from rulesd.core.plan import Plan
from rulesd.model.alert import Alert, Foreign
from rulesd.model.decision import NotificationDue, Status, Told
from rulesd.model.instant import format_instant
from rulesd.model.notification import PageAlert
from rulesd.model.quick import quick
from rulesd.notify.telling import (
    FOREIGN_LENGTH,
    annotations_of,
    contact_of,
    next_page,
    next_step,
    said_by,
)
from rulesd.notify.text import cut, one_line, safe_url


class Links(Protocol):
    """Where people read more."""

    def alert(self, alert_id: str) -> str:
        """The console's page of one alert; empty when there is none."""
        ...


class ForeignTeller:
    """Tells the foreign alerts of one notification."""

    def __init__(self, due: NotificationDue, plan: Plan, links: Links) -> None:
        """Nothing is worked out yet."""
        self._due, self._plan, self._links = due, plan, links
        self._titles: dict[str, str] = {}
        self._meanings: dict[str, str] = {}
        self._contacts: dict[str, str] = {}
        self._steps: dict[Status, tuple[str, str]] = {}
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}

    def tell(self, told: Told, foreign: Foreign) -> PageAlert:
        """``told`` in words; ``foreign`` is what it carries as an alert of another system."""
        alert = told.alert
        rule, severity, owner = alert.rule, alert.severity, alert.owner
        title = self._titles.get(rule)
        if title is None:
            title = self._titles[rule] = one_line(rule) or "alert"
        said = self._steps.get(told.status)
        if said is None:
            said = self._steps[told.status] = (str(told.status), self._step(told))
        status, step = said
        meaning, contact = self._meanings.get(severity), self._contacts.get(owner)
        names = tuple(alert.labels)
        identity = self._names.get(names)
        if identity is None:
            identity = self._names[names] = tuple(sorted(names))
        starts = format_instant(foreign.starts_at)
        given = foreign.annotations
        return _make(
            alert.alert,
            alert.fingerprint,
            status,
            told.changed,
            rule,
            title,
            said_by(given) or title,
            severity,
            self._meaning(severity) if meaning is None else meaning,
            owner,
            self._contact(owner) if contact is None else contact,
            {
                n: v if len(v) <= FOREIGN_LENGTH else cut(v, FOREIGN_LENGTH)
                for n, v in alert.labels.items()
            },
            identity,
            "",  # value
            "",  # threshold
            alert.count,
            starts,
            starts,
            _ended_at(alert, foreign),
            format_instant(alert.event_time),
            (),  # causes
            "",  # runbook_title
            safe_url(given["runbook_url"]) if "runbook_url" in given else "",
            "",  # first_five_minutes
            step,
            safe_url(self._links.alert(alert.alert)),
            one_line(alert.acknowledged_by) if alert.acknowledged_by else "",
            False,  # could_not_evaluate
            False,  # never
            True,  # foreign
            annotations_of(given),
            safe_url(foreign.generator_url),
            (),  # actions
        )

    def _step(self, told: Told) -> str:
        climb = next_page(self._due) if told.status is Status.FIRING else ""
        return f"{climb} {next_step(told, self._due, self._plan, None)}".strip()

    def _meaning(self, severity: str) -> str:
        found = one_line(self._plan.severities.get(severity, ""))
        self._meanings[severity] = found
        return found

    def _contact(self, name: str) -> str:
        found = contact_of(self._plan.owners.get(name), self._due, self._plan)
        self._contacts[name] = found
        return found


def _ended_at(alert: Alert, foreign: Foreign) -> str:
    """When it was over, by what its source says."""
    return "" if alert.ended_at is None else format_instant(min(foreign.ends_at, alert.ended_at))


_make = quick(
    PageAlert,
    *("alert", "fingerprint", "status", "changed", "rule"),
    *("title", "summary", "severity", "severity_meaning", "owner"),
    *("owner_contact", "labels", "identity", "value", "threshold"),
    *("count", "since", "started_at", "ended_at", "event_time"),
    *("causes", "runbook_title", "runbook_url", "first_five_minutes", "next_step"),
    *("console_url", "acknowledged_by", "could_not_evaluate", "never", "foreign"),
    *("annotations", "generator_url", "actions"),
)
