"""The state behind the views."""

import pytest

from rulesd.demo import show as module
from rulesd.demo.counters import Counters
from rulesd.demo.show import Show
from rulesd.notify.fakes import Fakes, Message
from tests.demo.samples import slack_page, trace


def test_the_rate_follows_the_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    show = Show(fakes=Fakes(), traces=[], started=100.0)
    show.update(Counters(outcomes={"matched": 10}))
    assert show.per_second == 0
    now[0] += 2
    show.update(Counters(outcomes={"matched": 210}))
    assert show.per_second == 100
    now[0] += 1
    show.update(Counters(outcomes={"matched": 210}))
    assert show.per_second == pytest.approx(60)
    assert show.elapsed() == pytest.approx(3)


def test_the_first_page_is_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [5.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    fakes = Fakes()
    show = Show(fakes=fakes, traces=[trace()], started=5.0)
    assert not show.score().complete
    assert show.first_page_s is None
    body = slack_page()
    now[0] = 7.5
    fakes.messages["1"] = Message(
        channel="C0", ts="1", text=body["text"], blocks=body["blocks"], history=[body], at=1.0
    )
    assert show.score().complete
    now[0] = 20.0
    show.score()
    assert show.first_page_s == 2.5
