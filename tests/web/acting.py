"""Switches and reviews behind the doors: the real machines, turned by hand."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from rulesd.core.engine import Engine
from rulesd.core.switch_table import Shown
from rulesd.model.decision import Decision
from rulesd.model.inputs import Input
from rulesd.model.switch import Switch
from rulesd.runners.acting import LocalActing
from tests.core.plans import plan, rule
from tests.web.fakes import NOW, FakeDaemon

LOCK = Switch(
    name="lock_tool", key="tool.{tool}.enabled", type="boolean", safe=False, default=True, scope=("tenant",)
)  # fmt: skip
CAP = Switch(name="cap", key="cap.usd_per_hour", type="number", safe=1.5, default=10)
MODEL = Switch(name="safer_model", key="route.model", type="string", safe="small", default=None)


class HandCrank:
    """Gives inputs to the engine at once; nothing is durable here."""

    def __init__(self, *switches: Switch) -> None:
        made = plan(rule())
        chosen = {s.name: s for s in switches}
        self.engine = Engine(replace(made, switches=chosen))
        self.now = NOW
        self.clock = SimpleNamespace(now=lambda: self.now)

    @property
    def shown(self) -> Shown:
        return self.engine.switches.shown()

    async def act(self, *items: Input) -> list[Decision]:
        out: list[Decision] = []
        for item in items:
            out += self.engine.receive(item, self.now)
        return out


def acting_daemon(*switches: Switch) -> tuple[FakeDaemon, HandCrank]:
    """A daemon whose switches are real."""
    crank = HandCrank(*(switches or (LOCK, CAP, MODEL)))
    daemon: Any = FakeDaemon()
    daemon.plan.switches = crank.engine.plan.switches
    daemon.hand = LocalActing(crank)  # type: ignore[arg-type]
    return daemon, crank


def names(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The keys of flags."""
    return [row["key"] for row in rows]
