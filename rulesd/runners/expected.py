"""What a rule test expects against what happened: every row, every firing, every page, and the difference to read (contract 2.6).

Law: complete. A row is met by one transition at its second, with its severity, labels and value; its receiver is paged within the route's
``group_wait``, and its action is asked for. What no row speaks of fails: a firing always, a page of an alert nobody expects always, a page of an
expected alert once a row about it names a receiver. Resolves and changes of severity count once one is listed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rulesd.config.rule_tests import START, Expected, RuleTest
from rulesd.core.plan import Plan, Route
from rulesd.model.alert import Alert
from rulesd.model.decision import ActionDue, AlertChanged, Decision, Kind, NotificationDue, Status
from rulesd.model.instant import DAY, HOUR, MINUTE, SECOND, Milliseconds
from rulesd.model.reasons import Reason

TOLERANCE: Milliseconds = SECOND
"A transition belongs to the second it is in: this far from the ``at`` of its row it is another time."

MOST_TOLD = 60
"Failures, and lines of the difference, that are told of one test; what is left out is counted."

_KINDS = {
    Kind.FIRING: "firing",
    Kind.UPDATED: "updated",
    Kind.RESOLVED: "resolved",
    Kind.PENDING: "pending",
}
_TRANSITIONS = (Kind.FIRING, Kind.RESOLVED, Kind.PENDING)
_UNANSWERED = (Reason.ESCALATED, Reason.NOBODY)
_NEAR = 2
"So many differences, and a row and a transition are still shown as one that went wrong."


@dataclass(frozen=True, slots=True)
class Happened:
    """One transition."""

    at: Milliseconds
    word: str
    alert: Alert
    again: bool = False
    "Not a transition of its own: a page because it happened again after somebody took it, or much later."

    def __str__(self) -> str:
        """In words."""
        value = f"(value {self.alert.value:g})"
        return f"{self.word} {self.alert.severity} at {offset(self.at)} with {_labels(self.alert.labels)} {value}"


@dataclass(frozen=True, slots=True)
class Paged:
    """One page about one alert."""

    at: Milliseconds
    receiver: str
    alert: Alert
    reason: Reason

    def __str__(self) -> str:
        """In words."""
        told = f"a page to {self.receiver} at {offset(self.at)}"
        return f"{told} about {self.alert.rule} {_labels(self.alert.labels)}".rstrip()


@dataclass(slots=True)
class Outcome:
    """What the comparison found."""

    failures: list[str] = field(default_factory=list)
    lines: list[tuple[Milliseconds, int, str]] = field(default_factory=list)

    def say(self, at: Milliseconds, sign: str, text: str) -> None:
        """A line of the difference."""
        self.lines.append((at, len(self.lines), f"{sign} {offset(at):>10}  {text}"))

    @property
    def diff(self) -> tuple[str, ...]:
        """In order of time: ``-`` expected, ``+`` happened, blank: both. Empty when nothing differs."""
        return _short([text for _, _, text in sorted(self.lines)]) if self.failures else ()


def _short(lines: Sequence[str]) -> tuple[str, ...]:
    """The beginning and the end of what nobody reads whole."""
    rest = len(lines) - MOST_TOLD
    if rest <= 0:
        return tuple(lines)
    half = MOST_TOLD // 2
    return (*lines[:half], f"  ... and {rest} more ...", *lines[-half:])


def compare(
    test: RuleTest, plan: Plan, decisions: Sequence[Decision], later: Sequence[Decision]
) -> Outcome:
    """``later``: decided after the test's end, while its last pages wait for their group."""
    pages = [p for p in _pages([*decisions, *later]) if p.alert.rule == test.rule]
    happened = [h for h in _happened(decisions) if h.alert.rule == test.rule]
    happened += [
        Happened(p.at, "updated", p.alert, True)
        for p in pages
        if p.reason is Reason.AGAIN and p.at <= test.until
    ]
    actions = [d for d in (*decisions, *later) if isinstance(d, ActionDue)]
    out = Outcome()
    met = _met(test.expect, happened)
    used = {met[i] for i in met}
    near = _near(test.expect, met, happened)
    for i, row in enumerate(test.expect):
        if i in met:
            found = happened[met[i]]
            out.say(found.at, " ", _shown(found))
            if row.action:
                _action(test, row, found, actions, out)
        else:
            _missed(test, row, happened, happened[near[i]] if i in near else None, out)
    wanted = {row.alert for row in test.expect} | {"firing"}
    for n, each in enumerate(happened):
        if n in used or each.again or each.word not in wanted:
            continue
        out.say(each.at, "+", _shown(each))
        if n not in near.values():
            said = f"not expected: {each}. If it is right, add to expect: {_row(each)}"
            out.failures.append(f"{test.path}:{test.line}: {said}")
    # A row that was nearly met may be wrong about its page as well: both are said at once.
    pairs = {**near, **met}
    expected = [(row, happened[pairs[i]]) for i, row in enumerate(test.expect) if i in pairs]
    _compare_pages(test, plan, expected, pages, out)
    out.failures = list(_short(out.failures))
    return out


def offset(at: Milliseconds) -> str:
    """An offset to the millisecond, as a row's ``at`` is written: ``7d1h26m1s``."""
    parts: list[str] = []
    rest = at
    for unit, length in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", 1)):
        count, rest = divmod(rest, length)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def _happened(decisions: Sequence[Decision]) -> list[Happened]:
    return [
        Happened(d.at - START, _KINDS[d.kind], d.alert)
        for d in decisions
        if isinstance(d, AlertChanged)
        and (d.kind in _TRANSITIONS or d.reason is Reason.SEVERITY_CHANGED)
    ]


def _pages(decisions: Sequence[Decision]) -> list[Paged]:
    news = (Reason.SEVERITY_RAISED, Reason.AGAIN)
    return [
        Paged(d.at - START, d.receiver, told.alert, d.reason)
        for d in decisions
        if isinstance(d, NotificationDue) and d.page and d.status is Status.FIRING
        for told in d.alerts
        if (told.changed or d.reason in news) and told.status is Status.FIRING
    ]


def _met(rows: Sequence[Expected], happened: Sequence[Happened]) -> dict[int, int]:
    """Which row is met by which transition: as many as can be, each transition by one row (or by rows that differ in receiver)."""
    fits = [[n for n, h in enumerate(happened) if not _differs(row, h)] for row in rows]
    owner: dict[int, int] = {}

    def settle(i: int, tried: set[int]) -> bool:
        for n in fits[i]:
            if n not in tried:
                tried.add(n)
                if n not in owner or settle(owner[n], tried):
                    owner[n] = i
                    return True
        return False

    for i in range(len(rows)):
        settle(i, set())
    met = {i: n for n, i in owner.items()}
    for i, row in enumerate(rows):
        if i not in met and row.receiver:
            shared = [n for n in fits[i] if _tells_another(rows, met, n, row)]
            if shared:
                met[i] = shared[0]
    return met


def _tells_another(rows: Sequence[Expected], met: Mapping[int, int], n: int, row: Expected) -> bool:
    mine = [rows[i].receiver for i, m in met.items() if m == n]
    return bool(mine) and all(mine) and row.receiver not in mine


def _near(
    rows: Sequence[Expected], met: Mapping[int, int], happened: Sequence[Happened]
) -> dict[int, int]:
    """Rows that were nearly met, and by which transition that no row speaks of."""
    free = [n for n, h in enumerate(happened) if n not in met.values() and not h.again]
    pairs = sorted(
        (len(differs), abs(happened[n].at - row.at), i, n)
        for i, row in enumerate(rows)
        if i not in met
        for n in free
        if len(differs := _differs(row, happened[n])) <= _NEAR and happened[n].word == row.alert
    )
    out: dict[int, int] = {}
    for _, _, i, n in pairs:
        if i not in out and n not in out.values():
            out[i] = n
    return out


def _differs(row: Expected, happened: Happened) -> dict[str, str]:
    """What of a row is otherwise, as ``name: value`` to write; empty when it is met."""
    alert = happened.alert
    out: dict[str, str] = {}
    if happened.word != row.alert:
        out["alert"] = happened.word
    if abs(happened.at - row.at) >= TOLERANCE:
        out["at"] = offset(happened.at)
    if row.severity and alert.severity != row.severity:
        out["severity"] = alert.severity
    carried = alert.all_labels()
    for name, value in row.labels.items():
        if carried.get(name, "") != value:
            out[name] = carried.get(name, "") or '""'
    if row.value is not None and abs(alert.value - row.value) >= 1e-9:
        out["value"] = f"{alert.value:g}"
    return out


def _missed(
    test: RuleTest, row: Expected, happened: Sequence[Happened], near: Happened | None, out: Outcome
) -> None:
    out.say(row.at, "-", _wanted(row))
    severity = f"{row.severity} " if row.severity else ""
    labels = _labels(row.labels) if row.labels else "any labels"
    want = f"expected {row.alert} {severity}at {offset(row.at)} with {labels}"
    if near is not None:
        given = ", ".join(f"{k}: {v}" for k, v in _differs(row, near).items())
        said = f"{want}, but it was {given}. Write that, or mend the rule"
    else:
        seen = "; ".join(str(h) for h in happened[:5]) or "nothing happened"
        more = f"; and {len(happened) - 5} more" if len(happened) > 5 else ""
        said = f"{want}, but: {seen}{more}"
    out.failures.append(f"{test.path}:{row.line}: {said}")


def _action(
    test: RuleTest, row: Expected, found: Happened, actions: Sequence[ActionDue], out: Outcome
) -> None:
    mine = [a for a in actions if a.alert.alert == found.alert.alert]
    if any(a.action == row.action and a.at - START >= found.at for a in mine):
        return
    asked = ", ".join(dict.fromkeys(a.action for a in mine)) or "none"
    out.say(found.at, "-", f"action   {row.action}")
    said = f"expected the action {row.action}, but {asked} was asked for"
    out.failures.append(f"{test.path}:{row.line}: {said}")


def _compare_pages(
    test: RuleTest,
    plan: Plan,
    expected: Sequence[tuple[Expected, Happened]],
    pages: Sequence[Paged],
    out: Outcome,
) -> None:
    left = list(pages)
    named = {found.alert.alert for row, found in expected if row.receiver}
    listed = {row.alert for row, _ in expected}
    for row, found in expected:
        if not row.receiver:
            continue
        mine = [p for p in pages if p.alert.alert == found.alert.alert]
        if found.word == "updated":
            mine = [
                p for p in mine if p.at >= found.at and p.alert.severity == found.alert.severity
            ]
        limit = found.at + _patience(plan, row.receiver, [p for p in pages if p.at < found.at])
        fit = [p for p in mine if p.receiver == row.receiver and p in left and p.at >= found.at]
        # Whoever is told because nobody answered is told later by design.
        if fit and (fit[0].at <= limit or fit[0].reason in _UNANSWERED):
            left.remove(fit[0])
            out.say(fit[0].at, " ", f"page     to {row.receiver}")
            continue
        out.say(found.at, "-", f"page     to {row.receiver}")
        out.failures.append(f"{test.path}:{row.line}: {_untold(row, found, mine, limit)}")
    known = {found.alert.alert for _, found in expected}
    for page in left:
        if page.alert.alert in known:
            if page.alert.alert not in named or (
                "updated" not in listed and _risen(page, expected)
            ):
                continue
        elif page.at > test.until:
            continue
        out.say(page.at, "+", f"page     to {page.receiver}  {_labels(page.alert.labels)}")
        add = _page_row(page, expected)
        hint = f". If it is right, add to expect: {add}" if page.alert.alert in known else ""
        if page.reason in _UNANSWERED:
            hint += "; nobody took the alert: acks takes it"
        out.failures.append(f"{test.path}:{test.line}: not expected: {page}{hint}")


def _risen(page: Paged, expected: Sequence[tuple[Expected, Happened]]) -> bool:
    """A page because of a change of severity."""
    severities = {f.alert.severity for _, f in expected if f.alert.alert == page.alert.alert}
    return page.reason is Reason.SEVERITY_RAISED or page.alert.severity not in severities


def _patience(plan: Plan, receiver: str, before: Sequence[Paged]) -> Milliseconds:
    """How long a page may take: ``group_wait``, or ``group_interval`` where this receiver has just been told of the rule."""
    routes = [r for r in _routes(plan.root) if r.receiver == receiver] or [plan.root]
    waits = [r.group_wait for r in routes]
    if any(p.receiver == receiver for p in before):
        waits += [r.group_interval for r in routes]
    return max(*waits, plan.root.group_wait)


def longest_wait(plan: Plan) -> Milliseconds:
    """The longest ``group_wait`` of any route."""
    return max(route.group_wait for route in _routes(plan.root))


def _routes(route: Route) -> list[Route]:
    return [route, *(r for child in route.routes for r in _routes(child))]


def _untold(row: Expected, found: Happened, mine: Sequence[Paged], limit: Milliseconds) -> str:
    late = [p for p in mine if p.receiver == row.receiver and p.at > limit]
    if late:
        wait = offset(limit - found.at)
        return f"{row.receiver} should be paged within {wait}, but it was at {offset(late[0].at)}"
    told = ", ".join(f"{p.receiver} at {offset(p.at)}" for p in mine) or "nobody"
    return f"{row.receiver} should be paged, but {told} was"


def _page_row(page: Paged, expected: Sequence[tuple[Expected, Happened]]) -> str:
    """The row that would expect this page: of the transition it tells of, or of its own where it happened again."""
    first = [f for _, f in expected if f.alert.alert == page.alert.alert and f.at <= page.at]
    again = page.reason is Reason.AGAIN or not first
    at, word = (page.at, "updated") if again else (first[-1].at, first[-1].word)
    return f"{{at: {offset(at)}, alert: {word}, receiver: {page.receiver}}}"


def _wanted(row: Expected) -> str:
    value = f"  value {row.value:g}" if row.value is not None else ""
    return f"{row.alert:<8} {row.severity or '(any)':<8} {_labels(row.labels)}{value}".rstrip()


def _shown(happened: Happened) -> str:
    alert = happened.alert
    return f"{happened.word:<8} {alert.severity:<8} {_labels(alert.labels)}  value {alert.value:g}"


def _row(happened: Happened) -> str:
    labels = ", ".join(f"{k}: {v}" for k, v in happened.alert.labels.items())
    severity = happened.alert.severity
    return f"{{at: {offset(happened.at)}, alert: {happened.word}, severity: {severity}, labels: {{{labels}}}}}"


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{k}={v}" for k, v in labels.items())
