"""Playing the tests of a rule file through the real engine on a virtual clock (contract 2.6).

Law: nothing is simplified. Events pass the same decoder and redaction, the whole plan's routing decides the receiver; only
other rules are left out, because a test speaks about one (and the rules whose alerts that one reads). What is expected is compared in
``expected``, and nothing unexpected passes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import orjson

from rulesd.config.rule_tests import START, RuleTest, Scripted, Silenced, Taken
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
from rulesd.model.decision import Decision
from rulesd.model.event import Document, Event, Rejected
from rulesd.model.inputs import Acknowledged, SilenceSet
from rulesd.model.instant import Instant
from rulesd.model.silence import Silence, SilenceMatcher
from rulesd.runners.expected import compare, longest_wait

Decode = Callable[[bytes, Instant, str], Event | Rejected]
"Bytes, arrival and the tenant the transport vouches for (or empty) in; an event or a refusal out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one test ended."""

    test: RuleTest
    failures: tuple[str, ...]
    "Each a sentence with the line of the row it is about; empty when the test passed."

    decisions: tuple[Decision, ...]
    "What was decided, for a person who asks why."

    diff: tuple[str, ...] = ()
    "What was expected (``-``) beside what happened (``+``), in order of time; empty when the test passed."

    @property
    def passed(self) -> bool:
        """Whether everything was as expected, and nothing else happened."""
        return not self.failures


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
    later = engine.handle_timer(START + test.until + plan.root.group_wait + longest_wait(plan))
    compared = compare(test, plan, decisions, later)
    # A train of events that are refused says so once.
    failures = [*dict.fromkeys(failures), *compared.failures]
    return Verdict(
        test=test, failures=tuple(failures), decisions=tuple(decisions), diff=compared.diff
    )


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


def _has(alert: Alert, labels: dict[str, str]) -> bool:
    carried = alert.all_labels()
    return all(carried.get(name, "") == value for name, value in labels.items())
