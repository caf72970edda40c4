"""One alert, as a page tells it: the sentence, the numbers with their units, the runbook, and what happens next.

Law: pure. Nothing of the event but labels and ids; a template that fails costs the sentence its details, never the page.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from rulesd.core.plan import Owner, Plan, Route, Rule
from rulesd.model.alert import Alert
from rulesd.model.decision import NotificationDue, Status, Told
from rulesd.model.duration import format_duration
from rulesd.model.event import Json
from rulesd.model.instant import format_instant
from rulesd.model.notification import PageAlert
from rulesd.notify.templates import render_summary
from rulesd.notify.text import cut, cut_lines, lines, one_line, safe_url

LABELS = 64
LABEL_LENGTH = 256
CAUSES = 20
STEPS_LENGTH = 2_000
FOREIGN_LENGTH = 4_000
ANNOTATIONS = 64
ANNOTATION_LENGTH = 4_000
SENTENCE_LENGTH = 500

_SAID_FIRST = ("summary", "message", "title", "description")
"Annotations that hold a foreign alert's own sentence, in the order they are looked at."


class _Links(Protocol):
    def runbook(self, rule_id: str) -> str: ...
    def alert(self, alert_id: str) -> str: ...


def tell(told: Told, due: NotificationDue, plan: Plan, links: _Links) -> PageAlert:
    """``told`` in words, as of the rules in ``plan``; a rule that is gone is told by its id."""
    alert = told.alert
    position = plan.by_id.get(alert.rule)
    rule = plan.rules[position] if position is not None and alert.foreign is None else None
    title = one_line(rule.title) if rule else one_line(alert.rule) or "alert"
    owner = plan.owners.get(alert.owner)
    climb = next_page(due) if told.status is Status.FIRING else ""
    return PageAlert(
        alert=alert.alert,
        fingerprint=alert.fingerprint,
        status=str(told.status),
        changed=told.changed,
        rule=alert.rule,
        title=f"Could not evaluate: {title}" if alert.could_not_evaluate else title,
        summary=_summary(alert, rule, title),
        severity=alert.severity,
        severity_meaning=one_line(plan.severities.get(alert.severity, "")),
        owner=alert.owner,
        owner_contact=contact_of(owner, due, plan),
        labels=_labels(alert),
        identity=tuple(sorted(alert.labels))
        if rule is None
        else tuple(f.label for f in rule.by if f.label in alert.labels),
        value="" if alert.foreign else amount(alert.value, rule.unit if rule else ""),
        threshold=""
        if alert.threshold is None
        else amount(alert.threshold, rule.unit if rule else ""),
        count=alert.count,
        since=format_instant(alert.foreign.starts_at if alert.foreign else alert.since),
        started_at=format_instant(alert.foreign.starts_at if alert.foreign else alert.started_at),
        ended_at=_ended_at(alert),
        event_time=format_instant(alert.event_time),
        causes=tuple(cut(c, LABEL_LENGTH) for c in _few(alert.causes)),
        runbook_title=one_line(rule.runbook.title) if rule else "",
        runbook_url=_runbook_url(rule, alert, links),
        first_five_minutes=_steps(rule),
        next_step=f"{climb} {next_step(told, due, plan, rule)}".strip(),
        console_url=safe_url(links.alert(alert.alert)),
        acknowledged_by=one_line(alert.acknowledged_by),
        could_not_evaluate=alert.could_not_evaluate,
        never=alert.never,
        foreign=alert.foreign is not None,
        annotations=annotations_of(alert.foreign.annotations) if alert.foreign else {},
        generator_url=safe_url(alert.foreign.generator_url) if alert.foreign else "",
        actions=_containing(rule, plan),
    )


def _containing(rule: Rule | None, plan: Plan) -> tuple[str, ...]:
    """The rule's actions that a person may carry out with a button."""
    names = rule.actions if rule else ()
    known = plan.switches
    return tuple(name for name in names if name in known and "people" in known[name].may_set)


def next_page(due: NotificationDue) -> str:
    """Who is paged next if nobody acknowledges, in one sentence; empty when nobody is."""
    if due.next_at is None:
        return ""
    day, clock = format_instant(due.next_at)[:10], format_instant(due.next_at)[11:16]
    on = "" if day == format_instant(due.at)[:10] else f" on {day}"
    return f"If nobody acknowledges it, {one_line(due.next_to)} is paged at {clock} UTC{on}."


def story(told: Sequence[Told]) -> str:
    """What a group of several alerts comes to: how often, since when, in how many tenants (or other places).

    Alerts of other systems do not say how often; then it is how many there are.
    """
    if len(told) < 2:
        return ""
    alerts = [t.alert for t in told]
    foreign = any(a.foreign is not None for a in alerts)
    since = min(a.foreign.starts_at if a.foreign else a.since for a in alerts)
    day, clock = format_instant(since)[:10], format_instant(since)[11:16]
    today = format_instant(max(a.event_time for a in alerts))[:10]
    when = f"{clock} UTC" if day == today else f"{day} {clock} UTC"
    often = f"{len(alerts):,} alerts" if foreign else f"{sum(a.count for a in alerts):,} times"
    return f"{often} since {when}{_places(alerts)}"


def _places(alerts: Sequence[Alert]) -> str:
    """In how many tenants; without tenants, of the label that differs most."""
    values: dict[str, dict[str, None]] = {}
    for alert in alerts:
        for name, value in alert.labels.items():
            values.setdefault(name, {})[value] = None
    several = {name: len(found) for name, found in values.items() if len(found) > 1}
    if not several:
        return ""
    name = "tenant" if "tenant" in several else max(sorted(several), key=lambda n: several[n])
    return f", {several[name]:,} {one_line(name)}s"


def contact_of(owner: Owner | None, due: NotificationDue, plan: Plan) -> str:
    """How to reach the owner; first the person who is paged, where a schedule or an escalation chose one."""
    said = one_line(owner.contact) if owner else ""
    if not due.on_call:
        return said
    person = plan.people.get(due.on_call)
    how = f" ({one_line(person.contact)})" if person and person.contact else ""
    return f"paged: {one_line(due.on_call)}{how}{'; ' if said else ''}{said}"


def _ended_at(alert: Alert) -> str:
    """When it was over: of a foreign alert, what its source says."""
    if alert.ended_at is None:
        return ""
    told = alert.foreign.ends_at if alert.foreign else alert.ended_at
    return format_instant(min(told, alert.ended_at))


def annotations_of(given: Mapping[str, str]) -> dict[str, str]:
    """What a foreign alert says of itself: within limits, and otherwise as it came."""
    names = given if len(given) < 2 else sorted(given, key=_by_weight)[:ANNOTATIONS]
    return {name: cut(lines(given[name]), ANNOTATION_LENGTH) for name in names}


def _by_weight(name: str) -> tuple[bool, str]:
    return name not in _SAID_FIRST, name


def said_by(given: Mapping[str, str]) -> str:
    """The sentence a foreign alert brings: the first of the annotations people use for it."""
    for name in _SAID_FIRST:
        if given.get(name):
            return cut(one_line(given[name]), SENTENCE_LENGTH)
    return ""


def _summary(alert: Alert, rule: Rule | None, title: str) -> str:
    if alert.could_not_evaluate:
        return (
            f'The rule "{title}" failed on an event, so nobody knows whether it happened. '
            "Look at the event by hand"
        )
    if rule is None or not rule.summary:
        return (said_by(alert.foreign.annotations) if alert.foreign else "") or title
    threshold: Json = None if alert.threshold is None else _number(alert.threshold)
    names = {
        "labels": alert.all_labels(),
        "context": dict(alert.context),
        "value": _number(alert.value),
        "threshold": threshold,
        "count": alert.count,
        "severity": alert.severity,
        "owner": alert.owner,
        "rule": alert.rule,
        "title": title,
    }
    # A placeholder such as "(missing)" stays visible: people must see that the event did not say.
    return render_summary(rule.summary, {**names, "alert": {**names}}) or title


def next_step(told: Told, due: NotificationDue, plan: Plan, rule: Rule | None) -> str:
    """What happens if nobody acts, in one or two sentences."""
    alert = told.alert
    if told.status is Status.RESOLVED:
        return "Nothing more, unless it comes back: then there is a new page."
    if alert.foreign is not None:
        again = format_duration(_route(plan.root, due).repeat_interval)
        return (
            f"It pages again every {again} while its source goes on sending it, and is over when "
            "the source says so or falls silent."
        )
    again = format_duration(rule.again_after if rule else 15 * 60_000)
    if alert.could_not_evaluate:
        return (
            "Until the rule or the producer is repaired, such events go unchecked; "
            f"it pages again when that happens and the last page is older than {again}."
        )
    hold = format_duration(_hold(rule))
    if told.status is Status.ACKNOWLEDGED:
        if alert.never:
            return "It pages again as soon as it happens again; resolve it when it is dealt with."
        return "No more pages unless it gets worse or is given back; it resolves when it stops."
    if alert.never:
        return (
            f"Further occurrences are added to this page, and page again once this page is older than {again} or was "
            f"acknowledged. It stays open until somebody resolves it, or until {hold} pass without another."
        )
    repeat = format_duration(_route(plan.root, due).repeat_interval)
    return (
        f"If nobody acknowledges it, it pages again every {repeat} while it lasts. "
        f"It resolves by itself {hold} after the condition was last true."
    )


def _hold(rule: Rule | None) -> int:
    if rule is None:
        return 0
    return rule.detector.hold if rule.keep_firing_for is None else rule.keep_firing_for


def _route(root: Route, due: NotificationDue) -> Route:
    """The route a group came from: the longest key its group key starts with; of several, the one with this receiver."""
    best, found = (-1, False), root
    pending = [root]
    while pending:
        node = pending.pop()
        pending.extend(node.routes)
        score = (len(node.key), node.receiver == due.receiver)
        if due.group.startswith(f"{node.key}:") and score > best:
            best, found = score, node
    return found


def amount(value: float, unit: str) -> str:
    """A number a person can read, with its unit: ``23 events``, ``0.0312``, ``1,204 users``; a share in percent."""
    if unit == "share" and math.isfinite(value):
        return f"{value * 100:.3g} %"
    text = _figure(value)
    word = unit[:-1] if text == "1" and unit.endswith("s") and len(unit) > 2 else unit
    return one_line(f"{text} {word}" if word else text)


def _figure(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return "not a number" if math.isnan(value) else "infinite"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.4g}"


def _number(value: float) -> int | float:
    """Whole numbers as integers, so that a template shows ``23`` and not ``23.0``."""
    whole = not math.isinf(value) and not math.isnan(value) and value == int(value)
    return int(value) if whole and abs(value) < 1e15 else value


def _labels(alert: Alert) -> dict[str, str]:
    """All labels within the limits; identity and reserved ones are never the ones left out."""
    everything = alert.all_labels()
    if alert.foreign is not None:
        return {n: cut(v, FOREIGN_LENGTH) for n, v in everything.items()}
    first = [n for n in everything if n in alert.labels or n not in alert.context]
    rest = [n for n in everything if n not in first]
    return {n: cut(everything[n], LABEL_LENGTH) for n in (*first, *rest)[:LABELS]}


def _few(causes: tuple[str, ...]) -> tuple[str, ...]:
    if len(causes) <= CAUSES:
        return causes
    return (*causes[: CAUSES // 2], *causes[-CAUSES // 2 :])


def _steps(rule: Rule | None) -> str:
    if rule is None:
        return ""
    note = "(shortened: the rest stands in the runbook)"
    return cut_lines(lines(rule.runbook.first_five_minutes).strip(), STEPS_LENGTH, note)


def _runbook_url(rule: Rule | None, alert: Alert, links: _Links) -> str:
    if alert.foreign is not None:
        return safe_url(alert.foreign.annotations.get("runbook_url", ""))
    if rule is None:
        return ""
    return safe_url(rule.runbook.url) or safe_url(links.runbook(rule.id))
