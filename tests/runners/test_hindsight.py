"""What a silence would have hidden, read from the decision log."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

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
from rulesd.ports.store import Commit
from rulesd.runners import codec, hindsight
from tests.core.plans import T0
from tests.core.test_silence import alert, foreign
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
            room.crank.seq += 1
            rows.append(codec.decision_row(room.crank.seq, decision))
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
    assert (example.at, example.receiver, example.severity) == (T0, "pager", "high")
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


def test_what_must_never_happen_would_have_come_all_the_same() -> None:
    never = alert("n", rule="tool.scope", never=True)
    log = [firing(never, T0), page(T0, never)]
    seen = looked(log)
    assert (seen.pages, seen.unapplied) == (0, 1)
    seen = looked(log, approved_by="jo")
    assert (seen.pages, seen.unapplied) == (1, 0)
    there = foreign("f", tool="shell", alertname="tool.scope")
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


def test_the_latest_word_on_an_alert_counts_and_one_from_before_is_looked_up() -> None:
    before = alert("a")
    moved = replace(before, severity="low")
    changed = AlertChanged(
        kind=Kind.UPDATED, at=T0 + 2, reason=Reason.SEVERITY_CHANGED, alert=moved
    )
    log = [firing(before, T0 - DAY), page(T0 - DAY, before), page(T0 + 1, before), changed, page(T0 + 3, moved)]  # fmt: skip
    high = (SilenceMatcher(name="severity", value="high"),)
    assert looked(log, silence(matchers=high)).pages == 1
    assert looked(log, silence(matchers=high), back=3 * DAY).pages == 2
    assert looked([page(T0, alert("never said"))]).pages == 0


def test_a_log_that_is_younger_says_so() -> None:
    one = alert()
    seen = looked([firing(one, T0 + HOUR), page(T0 + HOUR, one)])
    assert (seen.since, seen.complete, seen.pages) == (T0 + HOUR, True, 1)
    seen = looked([])
    assert (seen.since, seen.until, seen.complete, seen.pages) == (T0, NOW, True, 0)


def test_bounds_are_kept_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[Decision] = []
    for n in range(20):
        one = alert(f"a{n}", rule=f"r{n}")
        log += [firing(one, T0 + n), page(T0 + n, one)]
    monkeypatch.setattr(hindsight, "STRIDE", 4)
    monkeypatch.setattr(hindsight, "MOST_SHARES", 2)
    monkeypatch.setattr(hindsight, "MOST_ALERTS", 3)
    seen = looked(log)
    assert seen.pages == 20
    assert [(s.rule, s.pages) for s in seen.shares] == [("(more rules)", 18), ("r0", 1), ("r1", 1)]
    monkeypatch.setattr(hindsight, "MOST_ROWS", 10)
    seen = looked(log)
    assert (seen.complete, seen.pages, seen.since) == (False, 5, T0 + 15)
    monkeypatch.setattr(hindsight, "MOST_ROWS", 1_000)
    clock = iter(range(100))
    monkeypatch.setattr(hindsight, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(hindsight, "MOST_SECONDS", 2.5)
    seen = looked(log)
    assert (seen.complete, seen.until) == (False, T0 + 4)


def test_what_fires_now_is_named_too() -> None:
    kept: list[Preview] = []

    async def story(room: Room) -> None:
        await room.send(*[denied(n) for n in range(3)])
        kept.append(await room.daemon.preview_silence(silence(), T0 - DAY))

    in_room(story, made=PLAN)
    assert kept[0].now == {"tool.denied": 1}
