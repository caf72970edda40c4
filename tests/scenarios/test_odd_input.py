"""What no producer should send, through rule files, decoder and engine: each has one defined outcome, and the operator is told."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from rulesd.cli.decoding import recorded_decoder
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
from rulesd.model.decision import AlertChanged, Decision, EventWasRejected, Kind, LimitReached
from rulesd.model.event import Event, Rejected
from rulesd.model.inputs import EventRefused
from rulesd.model.instant import DAY, HOUR, MINUTE, SECOND
from rulesd.model.instant import format_instant as written
from tests.config.testing import loaded, rule
from tests.core.plans import T0

HIT = '{"===": [{"var": data.hit}, true]}'


def plan(detect: str, **fields: str) -> Plan:
    found = loaded({"rules/tool/mistake.yaml": rule(detect=detect, **fields)})
    assert found.plan is not None, [str(e) for e in found.errors]
    return found.plan


class Line:
    """Events as text in, decisions out; ``now`` is the arrival."""

    def __init__(self, rules: Plan) -> None:
        self.engine = Engine(rules)
        self.decoder = recorded_decoder()
        self.made: list[Decision] = []
        self.count = 0

    def send(
        self,
        now: int,
        *,
        at: int | None = None,
        data: dict[str, Any] | str | None = None,
        **more: Any,
    ) -> Event | Rejected:
        self.count += 1
        given = {
            "specversion": "1.0",
            "id": f"e{self.count}",
            "source": "/s",
            "type": "tool.call",
            "time": written(now if at is None else at),
            "tenant": "acme",
            **more,
        }
        inner = data if isinstance(data, str) else json.dumps(data or {})
        text = json.dumps(given)[:-1] + f', "data": {inner}' + "}"
        event = self.decoder.one(text.encode(), now=now)
        if isinstance(event, Event):
            self.made += self.engine.receive(event, now)
        else:
            self.made += self.engine.receive(EventRefused(source="/s", rejected=event), now)
        return event

    def fired(self) -> list[Alert]:
        mine = (d for d in self.made if isinstance(d, AlertChanged) and d.kind is Kind.FIRING)
        return [d.alert for d in mine if d.alert.rule == "tool.mistake"]

    def labels(self) -> list[str]:
        return [value for alert in self.fired() for value in alert.labels.values()]


def test_no_label_a_list_and_an_object_are_segments_people_can_see() -> None:
    line = Line(plan("never", by="[tool]"))
    for n, data in enumerate(
        ({}, {"tool": ["a"]}, {"tool": {"a": 1}}, {"tool": None}, {"tool": 3})
    ):
        line.send(T0 + n, data=data)
    assert line.labels() == ["(missing)", "(invalid)", "3"]


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "36893488147419103232"]
)
def test_a_number_that_is_none_is_refused_and_told(number: str) -> None:
    line = Line(plan("{budget: {sum: cost_usd, cap: 10, within: 1h}}"))
    assert isinstance(line.send(T0, data='{"cost_usd": ' + number + "}"), Rejected)
    (refused,) = line.made
    assert isinstance(refused, EventWasRejected)
    assert line.fired() == []


def test_a_negative_spend_counts_nothing_and_a_text_is_no_measure() -> None:
    line = Line(plan("{budget: {sum: cost_usd, cap: 10, within: 1h}}"))
    for n, spent in enumerate((6, -100, "50", True, 3.9)):
        line.send(T0 + n, data={"cost_usd": spent})
    assert line.fired() == []
    line.send(T0 + 9, data={"cost_usd": 0.1})
    assert [a.value for a in line.fired()] == [10.0]
    noticed = {k: v for k, v in line.decoder.notices.items() if k.startswith("measure")}
    assert noticed == {"measure_not_number": 2, "measure_negative": 1}


def test_a_clock_90_s_fast_counts_at_its_own_time_and_a_year_off_moves_nothing() -> None:
    year = 365 * DAY
    line = Line(plan("{burst: {count: 3, within: 5m}}"))
    line.send(T0, at=T0 + 90 * SECOND)
    line.send(T0 + SECOND, at=T0 + SECOND - year)
    line.send(T0 + 2 * SECOND, at=T0 + 2 * SECOND)
    assert line.fired() == []
    assert line.engine.detection.suspect == 0
    line.send(T0 + 3 * SECOND, at=T0 + 3 * SECOND + year)  # counts as of its arrival
    assert len(line.fired()) == 1
    assert line.engine.detection.suspect == 1
    newest = max(book.newest for book in line.engine.detection.books)
    assert newest == T0 + 90 * SECOND
    for off in (year, -year):
        told = Line(plan("never"))
        told.send(T0, at=T0 + off)
        assert len(told.fired()) == 1


@pytest.mark.parametrize("rate", [0, -3, "10", 2.5, True])
def test_a_sampledrate_that_is_none_counts_as_one_and_is_noticed(rate: object) -> None:
    line = Line(plan("{burst: {count: 5, within: 5m}}"))
    line.send(T0, sampledrate=rate)
    assert line.fired() == []
    assert line.decoder.notices["sampledrate_invalid"] == 1
    line.send(T0 + 1, sampledrate=4)
    assert len(line.fired()) == 1


def test_keys_without_end_are_bounded_and_told() -> None:
    line = Line(plan("{burst: {count: 3, within: 30d}}", by="[user_ref]", max_keys="500"))
    for n in range(20_000):
        line.send(T0 + n, data={"user_ref": f"u{n}"})
    book = line.engine.detection.books[line.engine.plan.by_id["tool.mistake"]]
    assert len(book) <= 501
    assert line.labels() == ["(more keys)"]
    (told,) = [d for d in line.made if isinstance(d, LimitReached)]
    assert (told.rule, told.limit) == ("tool.mistake", 500)


def test_a_window_outlives_the_journal_and_is_bounded() -> None:
    line = Line(plan("{burst: {count: 3, within: 30d}}"))
    line.send(T0)
    line.send(T0 + DAY)
    small, keys = line.engine.snapshot()  # all that is left once the journal has been dropped
    again = Line(line.engine.plan)
    again.count = 2
    again.engine.restore(small, keys)
    again.send(T0 + 29 * DAY)
    assert len(again.fired()) == 1
    (wrong,) = loaded(
        {"rules/tool/mistake.yaml": rule(detect="{burst: {count: 3, within: 31d}}")}
    ).errors
    assert "30d" in f"{wrong} {wrong.hint}"


def test_one_event_is_one_step_whatever_it_matches() -> None:
    steps = f"[{{name: a, when: {HIT}}}, {{name: b, when: {HIT}}}]"
    line = Line(plan(f"{{sequence: {{steps: {steps}, within: 5m}}}}"))
    line.send(T0, data={"hit": True})
    assert line.fired() == []
    line.send(T0 + SECOND, data={"hit": True})
    assert len(line.fired()) == 1


def test_a_composite_that_waits_for_itself_is_refused_where_it_stands() -> None:
    text = rule(detect="{composite: {all: [tool.mistake], within: 5m}}", on="[alert.state]")
    (wrong,) = loaded({"rules/tool/mistake.yaml": text}).errors
    assert "waits for itself: tool.mistake -> tool.mistake" in str(wrong)
    assert wrong.line == 6


LEARNERS = (
    f"{{shift: {{numerator: {HIT}, baseline: 1h}}}}",
    "{spike: {within: 5m, reference: 1h}}",
    "{spike: {field: x, within: 1h, reference: 1d}}",
    "{drift: {field: x, baseline: 1h}}",
    "{drift: {field: x, bins: 4, baseline: 1h}}",
    f'{{rollout: {{numerator: {HIT}, change: {{"===": [{{"var": data.deploy}}, true]}}}}}}',
    f"{{rate: {{numerator: {HIT}, within: 1h, above: 0.5}}}}",
    f"{{burn_rate: {{good: {HIT}, objective: 0.99}}}}",
)


def few() -> Iterable[tuple[int, dict[str, Any]]]:
    yield 0, {"deploy": True, "hit": False, "x": 1}
    for n in range(3):
        yield MINUTE * (n + 1), {"hit": n == 0, "x": n}
    yield 3 * DAY, {"hit": True, "x": 9}


@pytest.mark.parametrize("detect", LEARNERS)
def test_a_baseline_of_nothing_accuses_nobody(detect: str) -> None:
    line = Line(plan(detect))
    for at, data in few():
        line.send(T0 + at, data=data)
    line.made += line.engine.handle_timer(T0 + 10 * DAY)
    assert line.fired() == []
    assert line.engine.detection.rule_errors["tool.mistake"] == 0


def test_a_schedule_keeps_local_time_over_a_change_of_clocks() -> None:
    nightly = "{absence: {schedule: 'CRON_TZ=Europe/Berlin 30 2 * * *', period: 10m, missed: 1}}"
    line = Line(plan(nightly))
    spring = 1_774_656_000_000  # 2026-03-28T00:00:00Z; at 01:00 UTC of the 29th 02:00 becomes 03:00
    due = [spring + 90 * MINUTE, spring + DAY + HOUR, spring + 2 * DAY + 30 * MINUTE]
    line.send(spring)
    for at in due:
        line.send(at + MINUTE)
    line.made += line.engine.handle_timer(due[-1] + 20 * HOUR)
    assert line.fired() == []
    line.made += line.engine.handle_timer(due[-1] + 2 * DAY)
    assert len(line.fired()) == 1
