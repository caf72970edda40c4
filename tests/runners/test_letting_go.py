"""A plan that was replaced is let go of, down to the last generated function, though everything built is frozen."""

import asyncio
import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rulesd.config import Loaded, load_files
from rulesd.config.files import Files
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.model.inputs import PlanReplaced
from rulesd.ports.meter import Meter
from rulesd.runners import local
from rulesd.runners.local import LocalDaemon, Parts
from rulesd.runners.shadow import ShadowCheck
from tests.config.testing import files
from tests.core.plans import event

RULES = 20
ROUNDS = 4


def rules(version: int) -> Files:
    """Rules with a condition, a counted value and a severity map each; the first is another in every version."""
    one = """\
id: tool.r{i}
title: Version {version}
owner: team
runbook: mistake.md
on: [tool.call]
when: {{"and": [{{"===": [{{"var": "data.tool"}}, "t{i}"]}}, {{">": [{{"var": "data.duration_ms"}}, {i}]}}]}}
detect: {{rate: {{numerator: {{">": [{{var: data.retry_index}}, {i}]}}, min_denominator: 50, within: 1h, above: 0.2}}}}
by: [tenant, tool]
severity: [{{if: {{">": [{{var: alert.value}}, {i}]}}, then: critical}}, {{then: low}}]
tests: []
"""
    return files(
        {
            f"rules/tool/r{i}.yaml": one.format(i=i, version=version if i == 0 else 0)
            for i in range(RULES)
        }
    )


class Daemon:
    """A daemon around a real engine; what reaches the disk and the receivers is left out."""

    def __init__(self) -> None:
        self.version = 0
        first = self.load()
        assert first.plan is not None, [str(p) for p in first.errors]
        self.engine = Engine(first.plan)
        self.shadow = ShadowCheck(1)
        parts = SimpleNamespace(
            load=self.load,
            channels=lambda plan: ({}, ()),
            courier=SimpleNamespace(reload=self.take, add=lambda rows: None),
            failover=None,
            store=None,
            writer=None,
            links=None,
            crank=SimpleNamespace(engine=self.engine, replace=self.replace),
            clock=SimpleNamespace(now=lambda: 0),
            meter=Meter(),
            shadow=self.shadow,
        )
        self.local = LocalDaemon(cast("Parts", parts), first)

    def load(self) -> Loaded:
        return load_files(rules(self.version))

    async def take(self, channels: object) -> None:
        pass

    def replace(self, plan: Plan, item: PlanReplaced, archive: bytes) -> asyncio.Future[None]:
        self.engine.replace(plan, 0)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def reload(self) -> None:
        assert not await self.local.reload()
        await asyncio.gather(*self.local._releasing)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "KEEP_S", 0.0)


def alive() -> int:
    """Blocks of memory in use: what leaks stays in this figure, frozen or not."""
    return sys.getallocatedblocks()


def answers(plan: Plan) -> bool:
    """Whether a plan finds the one rule that every tool call matches."""
    matched, raised = plan.match(event(1).document)
    return [plan.rules[i].id for i in matched] == ["tool.base"] and not raised


async def grown(daemon: Daemon, *, new: bool) -> float:
    """Blocks that stay behind for each rule at each reload, once everything is warm."""
    for _ in range(2):
        daemon.version += new
        await daemon.reload()
    before = alive()
    for _ in range(ROUNDS):
        daemon.version += new
        await daemon.reload()
    return (alive() - before) / (ROUNDS * RULES)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("new", [True, False], ids=["another set", "the same set"])
def test_reloads_leave_nothing_behind(new: bool) -> None:
    # A rule takes some hundred blocks; what stays belongs to the reload as a whole: the text that changed, as it was read
    # (kept for the next reload, the last 2,048 of them), and the classes of the matcher.
    assert asyncio.run(grown(Daemon(), new=new)) < 60


@pytest.mark.usefixtures("at_once")
def test_a_plan_that_is_not_let_go_of_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def kept(self: LocalDaemon, before: Plan) -> None:
        keep.append(before)

    keep: list[Plan] = []
    monkeypatch.setattr(LocalDaemon, "_release", kept)
    assert asyncio.run(grown(Daemon(), new=True)) > 100


@pytest.mark.usefixtures("at_once")
def test_a_check_that_still_runs_on_the_old_plan_is_waited_for() -> None:
    async def run() -> None:
        daemon = Daemon()
        before = daemon.local.plan
        daemon.shadow._running = running = asyncio.get_running_loop().create_future()
        daemon.version = 1
        assert not await daemon.local.reload()
        assert daemon.local.plan is not before
        for _ in range(20):
            await asyncio.sleep(0)
        assert answers(before)  # it may still be asked
        running.set_result(None)
        await asyncio.gather(*daemon.local._releasing)
        assert answers(daemon.local.plan)
        with pytest.raises((IndexError, NameError)):
            answers(before)  # its functions are gone

    asyncio.run(run())


def test_a_replaced_plan_is_kept_for_a_while() -> None:
    async def run() -> None:
        daemon = Daemon()
        before = daemon.local.plan
        daemon.version = 1
        assert not await daemon.local.reload()
        await asyncio.sleep(0.05)
        (releasing,) = daemon.local._releasing
        assert not releasing.done()
        assert answers(before)
        releasing.cancel()

    asyncio.run(run())


def test_the_plan_in_force_stays_the_same_when_nothing_changed() -> None:
    async def run() -> None:
        daemon = Daemon()
        before: Any = daemon.local.plan
        assert not await daemon.local.reload()
        assert daemon.local.plan is before
        assert daemon.local.loaded.plan is before
        assert answers(before)

    asyncio.run(run())
