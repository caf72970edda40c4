"""A small daemon that has lived a little, to be asked why, why not, and where to."""

from typing import Any

from rulesd.config import load_files
from rulesd.config.files import Files, builtin
from rulesd.core.plan import Plan
from rulesd.model.story import Part, Story
from rulesd.runners.explaining import Explaining
from tests.core.plans import T0, event
from tests.runners.room import Room, in_room

RULE = """id: tool.denied
title: Denied
owner: safety
runbook: https://example.org/r
on: [tool.call]
when: {"===": [{"var": "data.outcome"}, "denied"]}
detect: {burst: {count: 3, within: 5m}}
by: [tenant, tool]
severity: critical
actions: [lock]
"""
OTHER = """id: tool.other
title: Other
owner: safety
runbook: https://example.org/r
maturity: shadow
on: [tool.call, near_miss]
when: {"and": [{"===": [{"var": "data.scope"}, "out"]}, {"===": [{"var": "data.tier"}, "write"]}]}
detect: never
severity: low
"""
OWNERS = """owners:
  safety: {contact: the team, receivers: {default: pager}, schedule: week, escalation: ladder}
people:
  ana: {receivers: {default: pager}}
schedules:
  week: {rota: {people: [ana], from: "2025-12-29T00:00"}}
escalations:
  ladder: {steps: [{wait: 10m}, {notify: {receiver: boss}}]}
"""
FILES = {
    "rules/tool/denied.yaml": RULE,
    "rules/tool/other.yaml": OTHER,
    "notifiers/owners.yaml": OWNERS,
    "notifiers/receivers.yaml": "receivers:\n  pager: {webhook: {url: 'https://example.org', secret: {env: A}}, failover: boss}\n"
    "  boss: {webhook: {url: 'https://example.org', secret: {env: A}}}\n  none: {}\n",
    "notifiers/routing.yaml": "route:\n  receiver: none\n  routes: [{receiver: boss, matchers: ['team=\"x\"']}]\nreceivers: [{name: none}]\n",
    "notifiers/switches.yaml": "switches:\n  lock: {key: 'tool.{tool}.on', safe: false, until: review}\n",
}  # fmt: skip


def made(**changed: str) -> Plan:
    text = {**FILES, **changed}
    files = Files(content={**dict(builtin()), **{k: v.encode() for k, v in text.items()}})
    loaded = load_files(files)
    assert loaded.plan is not None, [str(p) for p in loaded.errors]
    return loaded.plan


PLAN = made()


def denied(n: int, **data: Any) -> Any:
    return event(f"e{n}", T0 + n, tool="shell", **{"outcome": "denied", **data})


def said(story: Story | None, part: Part | None = None) -> str:
    assert story is not None
    rows = [s for s in story.steps if part is None or s.part is part]
    return "\n".join([story.title, *(line for s in rows for line in (s.said, *s.more))])


def lived(tell: Any, *, plan: Plan = PLAN) -> None:
    async def story(room: Room) -> None:
        await tell(room, Explaining(room.crank, room.store))

    in_room(story, made=plan)
