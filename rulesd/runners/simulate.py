"""Playing the tests of a rule file through the real engine on a virtual clock (contract 2.6).

Law: nothing is simplified. Events pass the same decoder and redaction, the whole plan's routing decides the receiver; only
other rules are left out, because a test speaks about one (and the rules whose alerts that one reads). Up to ``until``, ``expect`` is complete for firings and pages: what is
not listed fails. Resolves, and changes of severity (``updated``), are compared only when at least one is listed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import orjson

from rulesd.config.rule_tests import START, Expected, RuleTest, Scripted, Silenced, Taken
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
from rulesd.model.decision import AlertChanged, Decision, Kind, NotificationDue, Status
from rulesd.model.duration import format_duration
from rulesd.model.event import Document, Event, Rejected
from rulesd.model.inputs import Acknowledged, SilenceSet
from rulesd.model.instant import SECOND, Instant, Milliseconds
from rulesd.model.reasons import Reason
from rulesd.model.silence import Silence, SilenceMatcher

Decode = Callable[[bytes, Instant, str], Event | Rejected]
"Bytes, arrival and the tenant the transport vouches for (or empty) in; an event or a refusal out."

TOLERANCE: Milliseconds = SECOND
"How far a firing may be from the ``at`` of its row."

_KINDS = {
    "firing": Kind.FIRING,
    "updated": Kind.UPDATED,
    "resolved": Kind.RESOLVED,
    "pending": Kind.PENDING,
}


_TRANSITIONS = (Kind.FIRING, Kind.RESOLVED, Kind.PENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one test ended."""

    test: RuleTest
    failures: tuple[str, ...]
    "Each a sentence with the line of the row it is about; empty when the test passed."

    decisions: tuple[Decision, ...]
    "What was decided, for a person who asks why."

    @property
    def passed(self) -> bool:
        """Whether everything was as expected, and nothing else happened."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class _Happened:
    """One transition."""

    at: Milliseconds
    change: AlertChanged


@dataclass(frozen=True, slots=True)
class _Paged:
    """One page."""

    at: Milliseconds
    receiver: str
    alert: Alert


def play(test: RuleTest, plan: Plan, decode: Decode) -> Verdict:
    """Run one test from ``START`` on."""
    engine = Engine(_only(plan, test.rule))
    decisions: list[Decision] = []
    failures: list[str] = []
    for step in _script(test):
        now = START + step.at
        decisions += engine.handle_timer(now)
        match step:
            case Silenced():
                decisions += engine.receive(_silence(step), now)
            case Taken():
                decisions += _acknowledge(engine, step, now)
            case _:
                event = _decode(step, decode)
                if isinstance(event, Rejected):
                    said = f"an event is refused: {event.message}"
                    failures.append(f"{test.path}:{test.line}: {said}")
                    continue
                decisions += engine.receive(event, now)
    decisions += engine.handle_timer(START + test.until)
    later = engine.handle_timer(START + test.until + plan.root.group_wait + _longest_wait(plan))
    failures += _compare(test, decisions, later)
    return Verdict(test=test, failures=tuple(failures), decisions=tuple(decisions))


def _script(test: RuleTest) -> list[Silenced | Taken | Scripted]:
    """All that happens, in order of time; at one moment people come first."""
    steps: list[Silenced | Taken | Scripted] = [*test.silences, *test.acks, *test.events]
    return sorted(steps, key=lambda step: step.at)


def _silence(row: Silenced) -> SilenceSet:
    """``approved`` stands for a second person, who is always somebody else."""
    silence = Silence(
        id=f"line {row.line}",
        matchers=tuple(
            SilenceMatcher(
                name=m.name, value=m.value, is_regex="~" in m.op, is_equal="!" not in m.op
            )
            for m in row.matchers
        ),
        starts_at=START + row.at,
        ends_at=START + row.ends,
        updated_at=START + row.at,
        created_by=row.by,
        comment=row.comment,
        approved_by="a second person" if row.approved else "",
    )
    return SilenceSet(silence=silence, by=row.by)


def _decode(scripted: Scripted, decode: Decode) -> Event | Rejected:
    """``tenant_claimed`` in a test stands for a sender whose event names another tenant than the transport vouches for."""
    event = dict(scripted.event)
    claimed = event.pop("tenant_claimed", None)
    vouched = ""
    if claimed is not None:
        vouched, event["tenant"] = str(event.get("tenant", "")), claimed
    return decode(orjson.dumps(event), START + scripted.at, vouched)


def played(plan: Plan, rule: str) -> list[str]:
    """The rules that decide in a test of this one: itself, and those whose alerts it reads."""
    wanted = [rule]
    for name in wanted:
        named = getattr(plan.rules[plan.by_id[name]].detector, "named", ())
        wanted += [n for n in named if n not in wanted]
    return wanted


def _only(plan: Plan, rule: str) -> Plan:
    """The plan with one rule deciding, and those whose alerts it reads; the rest of it (routes, owners, receivers) as it is."""
    positions = sorted(plan.by_id[name] for name in played(plan, rule))
    place = {position: i for i, position in enumerate(positions)}
    match = plan.match

    def some(document: Document) -> tuple[Sequence[int], Sequence[int]]:
        matched, raised = match(document)
        return [place[p] for p in matched if p in place], [place[p] for p in raised if p in place]

    rules = tuple(plan.rules[p] for p in positions)
    return replace(plan, rules=rules, match=some, by_id={r.id: i for i, r in enumerate(rules)})


def _acknowledge(engine: Engine, row: Taken, now: Instant) -> list[Decision]:
    wanted = dict(row.labels)
    out: list[Decision] = []
    for alert in engine.alerts():
        if _has(alert, wanted):
            out += engine.receive(Acknowledged(alert=alert.alert, by=row.by), now)
    return out


def _longest_wait(plan: Plan) -> Milliseconds:
    return max((route.group_wait for route in plan.root.routes), default=0)


def _has(alert: Alert, labels: dict[str, str]) -> bool:
    carried = alert.all_labels()
    return all(carried.get(name, "") == value for name, value in labels.items())


def _compare(test: RuleTest, decisions: Sequence[Decision], later: Sequence[Decision]) -> list[str]:
    happened = [
        _Happened(d.at - START, d)
        for d in decisions
        if isinstance(d, AlertChanged)
        and (d.kind in _TRANSITIONS or d.reason is Reason.SEVERITY_CHANGED)
        and d.alert.rule == test.rule
    ]
    pages = [p for p in _pages([*decisions, *later]) if p.alert.rule == test.rule]
    wanted = {row.alert for row in test.expect} | {"firing"}
    failures: list[str] = []
    expected_alerts: list[str] = []
    for row in test.expect:
        found = next((h for h in happened if _fits(row, h)), None)
        if found is None:
            failures.append(_missing(test, row, happened))
            continue
        happened.remove(found)
        expected_alerts.append(found.change.alert.alert)
        if row.receiver:
            failures += _page(test, row, found, pages)
    for each in happened:
        word = next(k for k, v in _KINDS.items() if v is each.change.kind)
        if word in wanted:
            failures.append(
                f"{test.path}:{test.line}: not expected: {_tell(each)}. Add a row to expect"
            )
    for page in pages:
        if page.at <= test.until and page.alert.alert not in expected_alerts:
            said = (
                f"a page to {page.receiver} at {format_duration(page.at)} about {page.alert.alert}"
            )
            failures.append(f"{test.path}:{test.line}: not expected: {said}")
    return failures


def _pages(decisions: Sequence[Decision]) -> list[_Paged]:
    return [
        _Paged(d.at - START, d.receiver, told.alert)
        for d in decisions
        if isinstance(d, NotificationDue) and d.page and d.status is Status.FIRING
        for told in d.alerts
        if (told.changed or d.reason is Reason.SEVERITY_RAISED) and told.status is Status.FIRING
    ]


def _fits(row: Expected, happened: _Happened) -> bool:
    alert = happened.change.alert
    return (
        happened.change.kind is _KINDS[row.alert]
        and abs(happened.at - row.at) <= TOLERANCE
        and (not row.severity or alert.severity == row.severity)
        and _has(alert, dict(row.labels))
        and (row.value is None or abs(alert.value - row.value) < 1e-9)
    )


def _page(test: RuleTest, row: Expected, found: _Happened, pages: Sequence[_Paged]) -> list[str]:
    alert = found.change.alert
    mine = [p for p in pages if p.alert.alert == alert.alert]
    if row.alert == "updated":
        mine = [p for p in mine if p.at >= found.at and p.alert.severity == alert.severity]
    if any(p.receiver == row.receiver and p.at >= found.at for p in mine):
        return []
    told = ", ".join(f"{p.receiver} at {format_duration(p.at)}" for p in mine) or "nobody"
    return [f"{test.path}:{row.line}: {row.receiver} should be paged, but {told} was"]


def _missing(test: RuleTest, row: Expected, happened: Sequence[_Happened]) -> str:
    seen = "; ".join(_tell(h) for h in happened[:5]) or "nothing happened"
    labels = ", ".join(f"{k}={v}" for k, v in row.labels.items())
    want = f"{row.alert} {row.severity} at {format_duration(row.at)} with {labels or 'any labels'}"
    return f"{test.path}:{row.line}: expected {want}, but: {seen}"


def _tell(happened: _Happened) -> str:
    alert = happened.change.alert
    labels = ", ".join(f"{k}={v}" for k, v in alert.labels.items())
    word = next(k for k, v in _KINDS.items() if v is happened.change.kind)
    return f"{word} {alert.severity} at {format_duration(happened.at)} with {labels} (value {alert.value:g})"
