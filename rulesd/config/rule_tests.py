"""``tests:`` of a rule file as values a runner can play on a virtual clock (contract 2.6).

Law: the same file gives the same events, ids included. Every test starts at the same instant (``START``); ``at`` is when an event
arrives; its ``time`` is the same moment unless the row says otherwise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rulesd.config.document import Document
from rulesd.config.matchers import parse_matchers
from rulesd.config.problems import Code, Problems
from rulesd.config.rule_file import DeployRow, EventRow, ExpectRow, TestEntry, TestsOfRule
from rulesd.config.shape import parse
from rulesd.core.plan import Matcher
from rulesd.model.duration import parse_duration
from rulesd.model.event import Json
from rulesd.model.instant import Instant, Milliseconds, format_instant, parse_instant

START: Instant = parse_instant("2026-01-05T09:00:00Z")
"When every test begins: a Monday morning."

MOST_EVENTS = 200_000
"Events of one test, trains written out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """One event of a test."""

    at: Milliseconds
    "Arrival, counted from the start of the test."

    event: Mapping[str, Json]
    "The whole CloudEvent, with id, source, time and ``arrivaltime``."


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """A row of ``events``: one event, or the same one again and again. Written out only when a test is played."""

    first: Milliseconds
    every: Milliseconds
    repeat: int
    shift: Milliseconds
    "How far the events' own time is from their arrival."

    id: str
    event: Mapping[str, Json]
    "Without id and times."

    @property
    def last(self) -> Milliseconds:
        """Arrival of the last one."""
        return self.first + (self.repeat - 1) * self.every

    def events(self) -> Iterator["Scripted"]:
        """All of them."""
        for n in range(self.repeat):
            at = self.first + n * self.every
            event = {
                **self.event,
                "id": self.id if self.repeat == 1 else f"{self.id}-{n}",
                "time": format_instant(START + at + self.shift),
                "arrivaltime": format_instant(START + at),
            }
            yield Scripted(at=at, event=event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One row of ``expect``."""

    at: Milliseconds
    alert: str
    "``firing``, ``updated`` (its severity changed), ``resolved`` or ``pending``."

    severity: str
    "Empty: any."

    labels: Mapping[str, str]
    "Labels the alert must carry; it may carry more."

    receiver: str
    "Empty: its page is not asserted."

    value: float | None
    action: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An acknowledgement inside a test."""

    at: Milliseconds
    labels: Mapping[str, str]
    by: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    """A silence inside a test."""

    at: Milliseconds
    ends: Milliseconds
    matchers: tuple[Matcher, ...]
    by: str
    comment: str
    approved: bool
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTest:
    """One test of one rule."""

    rule: str
    name: str
    path: str
    line: int
    trains: tuple[Train, ...]
    "Deploys are among them."

    expect: tuple[Expected, ...]
    until: Milliseconds
    "How long the test runs."

    acks: tuple[Taken, ...] = ()
    silences: tuple[Silenced, ...] = ()

    @property
    def events(self) -> tuple[Scripted, ...]:
        """Every event in order of arrival, made anew at each call: a daemon loads the tests and plays none."""
        return tuple(sorted((e for t in self.trains for e in t.events()), key=lambda e: e.at))


def rule_tests(rule: str, document: Document, problems: Problems) -> tuple[RuleTest, ...]:
    """Every test of a rule file; mistakes are reported."""
    given = document.node(("tests",))
    if given is None or given.data is None:
        return ()
    parsed = parse(TestsOfRule, document, problems, data={"tests": given.data})
    if parsed is None:
        return ()
    out: list[RuleTest] = []
    names: set[str] = set()
    for i, entry in enumerate(parsed.tests):
        if entry.name in names:
            said = f'two tests are named "{entry.name}"'
            problems.at(
                document, ("tests", i, "name"), Code.INVALID_VALUE, said, "Give each its own name."
            )
        names.add(entry.name)
        out.append(_Writer(rule, document, problems, i).test(entry))
    return tuple(out)


class _Writer:
    """Writes out one test."""

    def __init__(self, rule: str, document: Document, problems: Problems, position: int) -> None:
        self.rule, self.document, self.problems = rule, document, problems
        self.base = ("tests", position)

    def test(self, entry: TestEntry) -> RuleTest:
        trains = [self._train(i, row) for i, row in enumerate(entry.events)]
        trains += [self._deploy(i, row) for i, row in enumerate(entry.deploys)]
        count = sum(train.repeat for train in trains)
        if count > MOST_EVENTS:
            said = f"the test makes {count} events, the limit is {MOST_EVENTS}"
            self.problems.at(self.document, self.base, Code.OUT_OF_RANGE, said, "Lower repeat.")
            trains = []
        ends = [train.last for train in trains if train.repeat]
        last = max(ends + [e.at for e in entry.expect], default=0)
        return RuleTest(
            rule=self.rule,
            name=entry.name,
            path=self.document.shown,
            line=self._line(),
            trains=tuple(trains),
            expect=tuple(self._expected(i, row) for i, row in enumerate(entry.expect)),
            until=last if entry.until is None else entry.until,
            acks=tuple(
                Taken(at=row.at, labels=dict(row.labels), by=row.by, line=self._line("acks", i))
                for i, row in enumerate(entry.acks)
            ),
            silences=tuple(self._silence(i, entry) for i in range(len(entry.silences))),
        )

    def _line(self, *path: str | int) -> int:
        return self.document.place((*self.base, *path))[0]

    def _expected(self, i: int, row: ExpectRow) -> Expected:
        return Expected(
            at=row.at,
            alert=row.alert,
            severity=row.severity or "",
            labels=dict(row.labels),
            receiver=row.receiver or "",
            value=row.value,
            action=row.action or "",
            line=self._line("expect", i),
        )

    def _train(self, i: int, row: EventRow) -> Train:
        first = self._offset(row.at, "events", i, "at", negative=False)
        shift = 0
        if row.time is not None:
            shift = self._time(row.time, i) - first
        repeat = row.repeat
        if repeat > MOST_EVENTS // 2 and repeat > 1:
            said = f"repeat makes {repeat} events"
            place = (*self.base, "events", i, "repeat")
            self.problems.at(self.document, place, Code.OUT_OF_RANGE, said, "Write fewer.")
            repeat = 0
        extra = {k: v for k, v in (row.model_extra or {}).items() if v is not None}
        event: dict[str, Json] = {
            "specversion": "1.0",
            "source": row.source or "/test",
            "type": row.type,
            **extra,
            "data": row.data,
        }
        if row.tenant is not None:
            event["tenant"] = row.tenant
        name = row.id or f"{self.base[1]}-{i}"
        return Train(first=first, every=row.every, repeat=repeat, shift=shift, id=name, event=event)

    def _deploy(self, i: int, row: DeployRow) -> Train:
        at = self._offset(row.at, "deploys", i, "at", negative=False)
        event: dict[str, Json] = {
            "specversion": "1.0",
            "source": "/test",
            "type": "deploy.change",
            "data": dict(row.model_extra or {}),
        }
        if row.tenant is not None:
            event["tenant"] = row.tenant
        name = f"{self.base[1]}-deploy-{i}"
        return Train(first=at, every=0, repeat=1, shift=0, id=name, event=event)

    def _silence(self, i: int, entry: TestEntry) -> Silenced:
        row = entry.silences[i]
        matchers: list[Matcher] = []
        if not row.matchers:
            said = "a silence without matchers would silence everything"
            hint = "Write matchers: ['tool=\"shell\"']."
            whole = (*self.base, "silences", i)
            self.problems.at(self.document, whole, Code.INVALID_MATCHER, said, hint)
        for n, text in enumerate(row.matchers):
            try:
                matchers.extend(parse_matchers(text))
            except ValueError as error:
                at = (*self.base, "silences", i, "matchers", n)
                self.problems.at(
                    self.document, at, Code.INVALID_MATCHER, str(error), "Write 'name=\"value\"'."
                )
        return Silenced(
            at=row.at,
            ends=row.at + row.for_,
            matchers=tuple(matchers),
            by=row.by,
            comment=row.comment,
            approved=row.approved,
            line=self._line("silences", i),
        )

    def _time(self, text: str, i: int) -> Milliseconds:
        """An event's own time: a timestamp, or an offset that may be negative."""
        try:
            return parse_instant(text) - START
        except ValueError:
            return self._offset(text, "events", i, "time", negative=True)

    def _offset(self, value: str | int, *path: str | int, negative: bool) -> Milliseconds:
        sign, given = 1, value
        if negative and isinstance(value, str) and value.startswith("-"):
            sign, given = -1, value[1:]
        try:
            length = parse_duration(given)
            if length > 366 * 86_400_000:
                raise ValueError("a test may not last longer than a year")
        except (ValueError, OverflowError) as error:
            said, _, hint = str(error).partition(". ")
            at = (*self.base, *path)
            self.problems.at(
                self.document, at, Code.INVALID_DURATION, said, (hint or "Write less") + "."
            )
            return 0
        return sign * length
