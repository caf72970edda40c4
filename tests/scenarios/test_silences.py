"""Silences as people use them, with the rules and routes this product ships."""

from dataclasses import replace
from typing import Any

from rulesd.core.silence_state import Did
from rulesd.model.decision import Decision, NoticeDue
from rulesd.model.duration import parse_duration
from rulesd.model.inputs import SilenceExpired, SilenceSet
from rulesd.model.silence import Silence
from rulesd.web.silence_body import matchers
from tests.scenarios.story import Story


class Night(Story):
    """A story in which somebody silences."""

    def __init__(self, start: str = "09:00") -> None:
        self.notices: list[NoticeDue] = []
        super().__init__(start)

    def _take(self, decisions: list[Decision]) -> Story:
        self.notices += [d for d in decisions if isinstance(d, NoticeDue)]
        return super()._take(decisions)

    def silence(self, *wanted: str, for_: str, name: str = "s1", **more: Any) -> "Night":
        one = Silence(
            id=name,
            matchers=matchers(list(wanted)),
            starts_at=self.now,
            ends_at=self.now + parse_duration(for_),
            updated_at=self.now,
            created_by="ana",
            comment="planned",
            **more,
        )
        self._take(self.engine.receive(SilenceSet(silence=one, by="ana"), self.now))
        return self

    def approve(self, name: str = "s1", by: str = "jo") -> "Night":
        record = self.engine.silences.find(name)
        assert record is not None
        one = replace(record.silence, approved_by=by)
        self._take(self.engine.receive(SilenceSet(silence=one, by=by), self.now))
        return self

    def expire(self, name: str = "s1") -> "Night":
        self._take(self.engine.receive(SilenceExpired(id=name, by="ana"), self.now))
        return self

    def held_back(self, name: str = "s1") -> int:
        record = self.engine.silences.find(name)
        assert record is not None
        return record.held_back

    def denials(self, tenant: str = "acme") -> "Night":
        self.event(
            "tool.call", tenant=tenant, times=20, every=5, tool="shell", outcome="denied",
            user_ref="u1", session_id="s1",
        )  # fmt: skip
        return self

    def oversteps(self, tenant: str = "acme") -> "Night":
        self.event("tool.call", tenant=tenant, tool="crm", scope="out", outcome="ok")
        return self


BURST = "tool.denied_burst"


def test_a_load_test_wakes_nobody_and_its_neighbour_does() -> None:
    s = Night("14:00")
    s.silence('tenant="acme"', for_="2h").denials().denials("globex")
    s.at("14:10")
    rules = {(p.alert.rule, p.alert.labels["tenant"]) for p in s.pages}
    assert rules
    assert {tenant for _, tenant in rules} == {"globex"}
    assert s.held_back() >= 1
    s.pages.clear()
    s.at("23:00").expect_no_more()


def test_what_still_burns_when_a_silence_ends_is_told_then() -> None:
    s = Night("14:00").silence(f"alertname={BURST}", for_="1h")
    for minute in range(0, 60, 4):
        s.at(f"14:{minute:02}")
        s.denials()
    assert [p for p in s.pages if p.alert.rule == BURST] == []
    s.at("14:59")
    (notice,) = [n for n in s.notices if n.reason == "silence_ends_soon"]
    assert (notice.owner, notice.at) == ("platform-safety", s.now - 14 * 60_000)
    assert "tenant=acme" in notice.lines[0]
    s.at("15:06")
    burst = [p for p in s.pages if p.alert.rule == BURST]
    assert len(burst) == 1
    assert burst[0].at >= burst[0].alert.started_at + 55 * 60_000
    s.pages.clear()


def test_what_must_never_happen_pages_through_a_silence_nobody_approved() -> None:
    s = Night("03:00").silence('tenant="acme"', for_="1h").oversteps()
    s.expect_page("tool.scope_violation", tenant="acme")
    assert s.held_back() == 0
    alert = s.alert("tool.scope_violation")
    assert s.engine.silences.unapplied(alert, s.now) == ("s1",)
    s.at("04:30").expect_no_more()


def test_two_people_may_hold_it_back_for_a_short_while() -> None:
    s = Night("03:00").silence('tenant="acme"', for_="1h").approve().oversteps()
    s.at("03:59").expect_no_more()
    assert s.held_back() == 1
    assert [n.owner for n in s.notices] == ["platform-safety"]
    # It has not ended: when the hour is over its owner is woken after all.
    s.at("04:10").expect_page("tool.scope_violation", tenant="acme")
    s.expect_no_more()


def test_two_people_cannot_hold_it_back_for_a_day() -> None:
    s = Night("03:00").silence('tenant="acme"', for_="24h").approve().oversteps()
    s.expect_page("tool.scope_violation", tenant="acme")
    s.at("10:00").expect_no_more()


def test_a_silence_that_ends_with_the_incident() -> None:
    s = Night("14:00").silence(f"alertname={BURST}", for_="24h", end_on_resolve=True).denials()
    s.at("14:20")
    record = s.engine.silences.find("s1")
    assert record is not None
    assert record.acts[-1].did is Did.ENDED
    assert [p for p in s.pages if p.alert.rule == BURST] == []
    # The next incident is told.
    s.pages.clear()
    s.at("15:00")
    s.denials().at("15:05")
    assert [p.alert.rule for p in s.pages if p.alert.rule == BURST] == [BURST]
    s.pages.clear()


def test_a_nightly_window_is_quiet_and_the_day_is_not() -> None:
    s = Night("02:30")
    s.silence(
        f"alertname={BURST}", for_="30d", cron="0 3 * * *", lasts=7_200_000, timezone="Europe/Berlin"
    )  # fmt: skip
    s.denials().at("02:50")  # 03:50 in Berlin
    assert [p for p in s.pages if p.alert.rule == BURST] == []
    s.pages.clear()
    s.at("12:00")
    s.denials().at("12:05")
    assert [p.alert.rule for p in s.pages if p.alert.rule == BURST] == [BURST]
    s.pages.clear()


def test_somebody_ends_it_and_is_told_what_was_hidden() -> None:
    s = Night("14:00").silence('tenant="acme"', for_="24h").denials()
    s.at("14:03").expect_no_more()
    s.expire().at("14:08")
    assert BURST in [p.alert.rule for p in s.pages]
    s.pages.clear()
