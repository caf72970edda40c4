"""A story: the shipped rules and notifiers in virtual time, told as it happened.

    s = Story("09:00")
    s.at("09:02").event("tool.call", tenant="acme", tool="shell", scope="out", outcome="ok")
    s.expect_page("tool.scope_violation", to="platform-safety", severity="critical", tenant="acme")

A page nobody expected fails the story at its end, and so does a page without owner, runbook or first five minutes.
"""

from functools import cache
from pathlib import Path
from typing import Any

import orjson

from rulesd.cli.decoding import offline_decoder
from rulesd.config import load
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
from rulesd.model.decision import Decision, NotificationDue, Status, Told
from rulesd.model.event import Event
from rulesd.model.inputs import Acknowledged, ResolvedByPerson
from rulesd.model.instant import format_instant, parse_instant
from rulesd.notify.compose import NoLinks, compose, decode_notification

ROOT = Path(__file__).resolve().parents[2]
DAY = parse_instant("2026-01-05T00:00:00Z")
"A Monday."


@cache
def shipped() -> Plan:
    plan = load(ROOT / "rules", ROOT / "notifiers").plan
    assert plan is not None
    return plan


class Page:
    def __init__(self, due: NotificationDue, told: Told) -> None:
        self.at, self.receiver, self.alert, self.due = due.at, due.receiver, told.alert, due

    def __repr__(self) -> str:
        clock = format_instant(self.at)[11:19]
        return f"{clock} {self.receiver}: {self.alert.severity} {self.alert.rule} {dict(self.alert.labels)} ({self.due.reason})"


class Story:
    def __init__(self, start: str = "09:00") -> None:
        self.engine = Engine(shipped())
        self.decode = offline_decoder()
        self.pages: list[Page] = []
        self.told: list[NotificationDue] = []
        self.now = DAY
        self._ids = 0
        self.at(start)

    def at(self, clock: str) -> "Story":
        """Let time pass until this moment (``HH:MM`` or ``HH:MM:SS``; ``+1 09:00`` is the next day)."""
        day, _, time = clock.rpartition(" ")
        hours, minutes, *seconds = (int(part) for part in time.split(":"))
        moment = (
            DAY + (int(day or 0) * 86_400 + hours * 3_600 + minutes * 60 + sum(seconds)) * 1_000
        )
        assert moment >= self.now, "a story goes forward"
        self.now = moment
        return self._take(self.engine.handle_timer(moment))

    def forward(self, seconds: float) -> "Story":
        self.now += round(seconds * 1_000)
        return self._take(self.engine.handle_timer(self.now))

    def event(
        self,
        kind: str,
        *,
        tenant: str = "acme",
        times: int = 1,
        every: float = 1.0,
        late: float = 0.0,
        id_: str = "",
        claims: str = "",
        chain: str = "",
        **data: Any,
    ) -> "Story":
        """Something happens, perhaps several times; ``late`` seconds ago by its own clock."""
        for n in range(times):
            if n:
                self.forward(every)
            self._ids += 1
            raw = {
                "specversion": "1.0", "id": id_ or f"e{self._ids}", "source": "/svc/assistant", "type": f"ai.safety.{kind}.v1",
                "time": format_instant(self.now - round(late * 1_000)), "data": data,
            }  # fmt: skip
            if chain:
                raw["correlationid"] = chain
            if claims or tenant:
                raw["tenant"] = claims or tenant
            made = self.decode(orjson.dumps(raw), self.now, tenant if claims else "")
            assert isinstance(made, Event), made
            self._take(self.engine.receive(made, self.now))
        return self

    def acknowledge(self, rule: str, by: str = "jo") -> "Story":
        return self._take(
            self.engine.receive(Acknowledged(alert=self.alert(rule).alert, by=by), self.now)
        )

    def resolve(self, rule: str, by: str = "jo") -> "Story":
        return self._take(
            self.engine.receive(ResolvedByPerson(alert=self.alert(rule).alert, by=by), self.now)
        )

    def alert(self, rule: str) -> Alert:
        return next(a for a in self.engine.alerts() if a.rule == rule)

    def _take(self, decisions: list[Decision]) -> "Story":
        for due in (d for d in decisions if isinstance(d, NotificationDue)):
            self.told.append(due)
            self._complete(due)
            if due.page and due.status is Status.FIRING:
                self.pages += [
                    Page(due, t) for t in due.alerts if t.changed and t.status is Status.FIRING
                ]
        return self

    def _complete(self, due: NotificationDue) -> None:
        """Every page that leaves names its owner and its runbook, and says what to do first."""
        for row in compose(due, shipped(), number=1, links=NoLinks()):
            for alert in decode_notification(row.body).alerts:
                assert alert.owner, alert
                assert alert.runbook_title, alert
                assert len(alert.first_five_minutes.splitlines()) >= 2, alert
                assert alert.summary, alert
                assert "{{" not in alert.summary

    def expect_page(
        self, rule: str, *, to: str = "", severity: str = "", reason: str = "", **labels: str
    ) -> Page:
        """The next page is this one."""
        assert self.pages, f"no page about {rule}"
        page = self.pages.pop(0)
        assert page.alert.rule == rule, page
        assert not to or page.receiver == to, page
        assert not severity or page.alert.severity == severity, page
        assert not reason or str(page.due.reason) == reason, page
        assert {k: page.alert.labels.get(k) for k in labels} == labels, page
        return page

    def expect_no_more(self) -> None:
        assert self.pages == []
