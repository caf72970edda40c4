"""What a silence would have hidden, read from the decision log."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from rulesd.core.silence_index import file
from rulesd.model.alert import Alert
from rulesd.model.decision import (
    AlertChanged,
    Audience,
    Decision,
    Kind,
    NotificationDue,
    Status,
    Told,
)
from rulesd.model.instant import DAY, HOUR, MINUTE
from rulesd.model.reasons import Reason
from rulesd.model.silence import Silence, SilenceMatcher
from rulesd.ports.silences import Preview
from rulesd.ports.store import Commit, DecisionRow
from rulesd.runners import codec, hindsight
from tests.core.alerts import alert, foreign
from tests.core.plans import T0
from tests.runners.room import Room, denied, in_room
from tests.runners.test_silencing import PLAN, silence

NOW = T0 + DAY
SHELL = (SilenceMatcher(name="tool", value="shell"),)


def firing(one: Alert, at: int) -> AlertChanged:
    return AlertChanged(kind=Kind.FIRING, at=at, reason=Reason.CONDITION_MET, alert=one)


def page(at: int, *alerts: Alert, **changes: Any) -> NotificationDue:
    values: dict[str, Any] = {
        "at": at,
        "reason": Reason.FIRST,
        "receiver": "pager",
        "group": "{}",
        "group_labels": {},
        "status": Status.FIRING,
        "alerts": tuple(Told(alert=a, status=Status.FIRING, changed=True) for a in alerts),
        "incident": "i",
        "page": True,
    }
    return NotificationDue(**{**values, **changes})


def looked(
    log: Sequence[Decision], one: Silence | None = None, back: int = DAY, **changes: Any
) -> Preview:
    """Write a log and look back on it from the day after."""
    kept: list[Preview] = []

    async def story(room: Room) -> None:
        rows = []
        for decision in log:
            room.crank.ledger.seq += 1
            rows.append(codec.decision_row(room.crank.ledger.seq, decision))
        await room.writer.submit(Commit(decisions=rows))
        room.clock.at = NOW
        asked = one or silence(matchers=SHELL, **changes)
        kept.append(await room.daemon.preview_silence(asked, NOW - back))

    in_room(story, made=PLAN)
    return kept[0]


def test_pages_are_counted_by_rule_and_owner_with_examples() -> None:
    log: list[Decision] = []
    for n in range(5):
        one = alert(f"a{n}")
        log += [firing(one, T0 + n), page(T0 + n, one)]
    other = alert("b", owner="other", rule="tool.more")
    mail = alert("m", labels={"tool": "mail"})
    log += [firing(other, T0 + 9), page(T0 + 9, other), firing(mail, T0 + 9), page(T0 + 9, mail)]
    seen = looked(log)
    assert (seen.pages, seen.shortened, seen.unapplied, seen.complete) == (6, 0, 0, True)
    assert (seen.since, seen.until) == (T0, NOW)
    assert [(s.rule, s.owner, s.pages, len(s.examples)) for s in seen.shares] == [
        ("tool.denied", "safety", 5, hindsight.EXAMPLES),
        ("tool.more", "other", 1, 1),
    ]
    example = seen.shares[0].examples[0]
    assert (example.at, example.receiver, example.severity) == (T0 + 4, "pager", "high")
    assert example.labels == {
        "alertname": "tool.denied", "owner": "safety", "severity": "high",
        "tenant": "acme", "tool": "shell", "model": "m1",
    }  # fmt: skip


def test_what_wakes_nobody_is_no_page() -> None:
    one = alert()
    seen = looked(
        [
            firing(one, T0),
            page(T0, one, page=False),
            page(T0, one, status=Status.RESOLVED),
            page(T0, one, audience=Audience.MACHINES),
            page(T0, replace(one), alerts=(Told(alert=one, status=Status.RESOLVED, changed=True),)),
            AlertChanged(kind=Kind.RESOLVED, at=T0, reason=Reason.HOLD_ELAPSED, alert=one),
        ]
    )
    assert (seen.pages, seen.shortened, seen.unapplied) == (0, 0, 0)


def test_a_page_with_more_in_it_is_only_shortened() -> None:
    one, mail = alert(), alert("m", labels={"tool": "mail"})
    seen = looked([firing(one, T0), firing(mail, T0), page(T0, one, mail)])
    assert (seen.pages, seen.shortened) == (0, 1)


def test_a_page_with_several_alerts_is_one_page() -> None:
    several = [alert(f"a{n}") for n in range(3)]
    seen = looked([*(firing(a, T0) for a in several), page(T0 + 1, *several)])
    assert (seen.pages, seen.shortened) == (1, 0)


def test_what_must_never_happen_would_have_come_all_the_same() -> None:
    never = alert("n", rule="tool.scope", never=True)
    log = [firing(never, T0), page(T0, never)]
    seen = looked(log)
    assert (seen.pages, seen.unapplied) == (0, 1)
    seen = looked(log, approved_by="jo")
    assert (seen.pages, seen.unapplied) == (1, 0)
    # One of another system that is only called like such a rule.
    there = replace(foreign("f", tool="shell", alertname="tool.scope"), rule="tool.scope")
    seen = looked([firing(there, T0), page(T0, there)])
    assert (seen.pages, seen.unapplied) == (1, 0)


def test_recurring_windows_count_only_what_falls_into_them() -> None:
    """T0 is 08:00."""
    one = alert()
    log = [firing(one, T0), *(page(T0 + m * MINUTE, one) for m in (0, 59, 60, 89, 90, 121))]
    seen = looked(log, cron="0 * * * *", lasts=30 * MINUTE)
    assert seen.pages == 4
    seen = looked(log, cron="0 10 * * *", lasts=30 * MINUTE, timezone="Europe/Berlin")
    assert seen.pages == 2


def test_severity_is_as_the_page_told_it_and_the_rest_is_looked_up() -> None:
    before = alert("a")
    moved = replace(before, severity="low")
    log = [firing(before, T0 - DAY), page(T0 - DAY, before), page(T0 + 1, before), page(T0 + 3, moved)]  # fmt: skip
    high = (SilenceMatcher(name="severity", value="high"),)
    assert looked(log, silence(matchers=high)).pages == 1
    assert looked(log, silence(matchers=high), back=3 * DAY).pages == 2
    for name, value, pages in (
        ("model", "m1", 2),
        ("model", "m2", 0),
        ("owner", "safety", 2),
        ("owner", "", 0),
        ("alertname", "tool.denied", 2),
        ("zone", "", 2),
    ):
        one = (SilenceMatcher(name=name, value=value), *SHELL)
        assert looked(log, silence(matchers=one)).pages == pages, name
    # An alert whose own line was dropped is known by what the page says.
    assert looked([page(T0, alert("never said"))]).shares[0].owner == ""


def test_what_other_systems_sent_says_all_of_itself() -> None:
    """An own alert carries the labels context, owner; a foreign one has the labels it was sent with and no others."""
    there = foreign("f", alertname="Disk", team="infra")
    log = [firing(there, T0), page(T0, there)]
    for name, value, pages in (("team", "infra", 1), ("owner", "", 1), ("severity", "", 1), ("model", "m1", 0)):  # fmt: skip
        both = (
            SilenceMatcher(name=name, value=value),
            SilenceMatcher(name="alertname", value="Disk"),
        )
        assert looked(log, silence(matchers=both)).pages == pages, name


def test_the_line_before_a_page_says_what_the_page_does_not() -> None:
    one, later = alert(), alert(context={"model": "m2"})
    changed = AlertChanged(kind=Kind.UPDATED, at=T0 + 2, reason=Reason.COUNT_GREW, alert=later)
    log = [firing(one, T0), changed, page(T0 + 3, later, alert("m", labels={"tool": "mail"}))]
    for model, shortened in (("m1", 0), ("m2", 1)):
        both = (SilenceMatcher(name="model", value=model), *SHELL)
        assert looked(log, silence(matchers=both)).shortened == shortened


def test_so_many_are_looked_up_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    both = (SilenceMatcher(name="model", value="m1"), *SHELL)
    alerts = [alert(f"a{n}") for n in range(5)]
    log = [*(firing(a, T0 - DAY) for a in alerts), *(page(T0 + 1, a) for a in alerts)]
    assert looked(log, silence(matchers=both)).pages == 5
    monkeypatch.setattr(hindsight, "MOST_SOUGHT", 2)
    assert looked(log, silence(matchers=both)).pages == 2
    monkeypatch.setattr(hindsight, "MOST_ALERTS", 0)
    assert looked(log, silence(matchers=both)).pages == 0
    assert looked(log).pages == 5


def test_a_log_that_is_younger_says_so() -> None:
    one = alert()
    seen = looked([firing(one, T0 + HOUR), page(T0 + HOUR, one)])
    assert (seen.since, seen.complete, seen.pages) == (T0 + HOUR, True, 1)
    seen = looked([])
    assert (seen.since, seen.until, seen.complete, seen.pages) == (T0, NOW, True, 0)


def test_a_log_whose_older_part_was_dropped_is_read_to_its_beginning() -> None:
    class Kept:
        """The newest ten of a hundred decisions."""

        def __init__(self) -> None:
            one = alert()
            self.rows = [codec.decision_row(n, page(T0 + n, one)) for n in range(91, 101)]

        def read_decisions(
            self, *, alert: str = "", after_seq: int = 0, limit: int
        ) -> list[DecisionRow]:
            return [] if alert else [r for r in self.rows if r.seq > after_seq][:limit]

    one = silence(matchers=SHELL)
    reading = hindsight._Reading(
        Kept(),  # type: ignore[arg-type]
        PLAN,
        one,
        file(one, PLAN.regex),
        lambda at: True,
    )
    assert reading.read(100, T0 - DAY) == (T0 + 91, True)
    assert reading.tally.pages == 10


def test_bounds_are_kept_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[Decision] = []
    for n in range(20):
        one = alert(f"a{n}", rule=f"r{n:02}")
        log += [firing(one, T0 + n), page(T0 + n, one)]
    monkeypatch.setattr(hindsight, "STRIDE", 4)
    monkeypatch.setattr(hindsight, "MOST_SHARES", 2)
    monkeypatch.setattr(hindsight, "MOST_ALERTS", 3)
    seen = looked(log)
    assert (seen.pages, seen.complete) == (20, True)
    assert [(s.rule, s.pages) for s in seen.shares] == [
        ("(more rules)", 18),
        ("r18", 1),
        ("r19", 1),
    ]
    # What was read is the latest part.
    monkeypatch.setattr(hindsight, "MOST_ROWS", 10)
    seen = looked(log)
    assert (seen.complete, seen.pages, seen.since) == (False, 6, T0 + 14)
    monkeypatch.setattr(hindsight, "MOST_ROWS", 1_000)
    clock = iter(range(100))
    monkeypatch.setattr(hindsight, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(hindsight, "MOST_SECONDS", 2.5)
    seen = looked(log)
    assert (seen.complete, seen.pages, seen.since) == (False, 6, T0 + 14)


def test_what_fires_now_is_named_too() -> None:
    kept: list[Preview] = []

    async def story(room: Room) -> None:
        await room.send(*[denied(n) for n in range(3)])
        kept.append(await room.daemon.preview_silence(silence(), T0 - DAY))

    in_room(story, made=PLAN)
    assert kept[0].now == {"tool.denied": 1}
