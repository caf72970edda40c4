"""Each planted incident trips its own rule, for its own tenant, once, and nothing else."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from rulesd.core.engine import Limits
from rulesd.demo.folder import bundled
from rulesd.demo.planted import PLANTED, Planted, Via
from tests.demo.engine import fired, shipped_plan
from tests.demo.samples import AT, forge


@pytest.mark.parametrize("planted", PLANTED, ids=lambda p: p.id)
def test_it_trips_its_rule_once(planted: Planted) -> None:
    sendings = planted.make(forge(), AT)
    events = [event for sending in sendings for event in sending.events]
    moment = datetime.fromtimestamp(AT, UTC).isoformat().replace("+00:00", "Z")
    found = fired(events, clock=[moment] * len(events))
    assert [rule for rule, _ in found] == [planted.rule]
    assert list(found.values()) == [1]
    tenants = {str(event["tenant"]) for event in events}
    assert tenants == {planted.tenant}


def test_all_together_trip_each_rule_once() -> None:
    made = forge()
    events = [e for p in PLANTED for s in p.make(made, AT) for e in s.events]
    moment = datetime.fromtimestamp(AT, UTC).isoformat().replace("+00:00", "Z")
    found = fired(events, clock=[moment] * len(events))
    assert sorted(r for r, _ in found) == sorted(p.rule for p in PLANTED)
    assert set(found.values()) == {1}


def test_ids_and_groups_are_distinct() -> None:
    assert len({p.id for p in PLANTED}) == len(PLANTED)
    # One rule and tenant is one group, and one group is one page.
    assert len({(p.rule, p.tenant) for p in PLANTED}) == len(PLANTED)


def test_both_transports_repetitions_and_delay_are_there() -> None:
    sendings = [s for p in PLANTED for s in p.make(forge(), AT)]
    assert {s.via for s in sendings} == {Via.MQTT, Via.HTTP}
    assert {s.via for s in sendings if s.again} == {Via.MQTT, Via.HTTP}
    moment = datetime.fromtimestamp(AT - 900, UTC).isoformat()
    assert any(e["time"] < moment for s in sendings for e in s.events)


def test_what_is_sent_again_is_the_same_event() -> None:
    for planted in PLANTED:
        first: dict[str, object] = {}
        for sending in planted.make(forge(), AT):
            for event in sending.events:
                assert (event["id"] in first) is sending.again
                assert first.setdefault(event["id"], event) == event


def test_no_owner_gets_more_pages_than_the_limit_that_collects_them() -> None:
    # More than ten pages to one owner in five minutes become one: each incident would lose its own.
    owner = {rule.id: rule.owner for rule in shipped_plan().rules}
    owners = Counter(owner[p.rule] for p in PLANTED)
    assert max(owners.values()) < Limits().owner_pages


def test_the_severity_told_is_the_rules() -> None:
    folder = bundled("rules")
    for planted in PLANTED:
        area, name = planted.rule.split(".")
        text = (folder / area / f"{name}.yaml").read_text("utf-8")
        assert f"severity: {planted.severity}" in text or f"then: {planted.severity}" in text
