"""Ordinary traffic is a normal day: it trips no shipped rule, and none of it could be mistaken for content."""

from collections import Counter

import pytest

from rulesd.demo.traffic import ASSISTANTS, BY_TENANT, Traffic
from tests.demo.engine import fired
from tests.demo.samples import AT, BY_ID, forge

SLOW = 1.0
"Seconds between events: 150 times as many as in the demo."


@pytest.mark.parametrize("gap_s", [1 / 150, SLOW], ids=["live rate", "over an hour"])
def test_no_shipped_rule_fires_on_it(gap_s: float) -> None:
    traffic = Traffic(forge())
    events = [traffic.next(AT + n * gap_s) for n in range(4000)]
    if gap_s == SLOW:
        # Its hearts, slowed down as well, are rightly missed.
        events = [e for e in events if not e["type"].startswith("ai.safety.heartbeat")]
    assert fired(events) == Counter()


def test_an_incident_in_it_is_seen() -> None:
    # The check above would see one.
    traffic, made = Traffic(forge()), BY_ID["out-of-scope-tool"].make(forge(), AT + 1)
    events = [traffic.next(AT + n / 150) for n in range(300)]
    assert fired([*events, *made[0].events]) == Counter({("tool.scope_violation", "acme"): 1})


def test_every_tenant_and_kind_takes_part() -> None:
    traffic = Traffic(forge())
    events = [traffic.next(AT) for _ in range(2000)]
    assert {e["tenant"] for e in events} == set(BY_TENANT) == {a.tenant for a in ASSISTANTS}
    kinds = {e["type"].removeprefix("ai.safety.").removesuffix(".v1") for e in events}
    assert kinds == {
        "policy.decision",
        "tool.call",
        "retrieval.query",
        "output.classification",
        "usage.cost",
        "user.feedback",
        "heartbeat",
    }
    assert not any("content" in e["data"] for e in events)
