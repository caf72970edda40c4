import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from rulesd.model.fingerprint import group_dedup_key
from rulesd.model.instant import format_instant
from rulesd.model.reasons import AlertState
from rulesd.ports.echo import acknowledged_there, resolved_there
from rulesd.web.pagerduty_sync import CALLS, INCIDENTS, PREFIX, Incidents, Result, read_event
from tests.web.fakes import NOW, alert
from tests.web.integrating import Daemon


def body(kind: str, seconds: int = 0, key: str = "a1", **given: Any) -> dict[str, Any]:
    """A webhook v3, as PagerDuty sends it."""
    data = {"id": "Q1", "type": "incident", "status": kind, "incident_key": key}
    agent = {"id": "PU1", "type": "user_reference", "summary": "Jane"}
    return {
        "event": {
            "id": "01B",
            "event_type": f"incident.{kind}",
            "resource_type": "incident",
            "occurred_at": format_instant(NOW + seconds * 1_000),
            "agent": given.pop("agent", agent),
            "data": {**data, **given},
        }
    }


class World:
    def __init__(self) -> None:
        self.daemon = Daemon()
        self.daemon.shown = [alert("a1")]
        self.incidents = Incidents(self.daemon)
        self.count = 0

    def take(self, kind: str, seconds: int = 0, call: str = "", **given: Any) -> Result:
        self.count += 1
        happened = read_event(body(kind, seconds, **given))
        assert happened is not None
        return asyncio.run(self.incidents.take(happened, call or f"c{self.count}"))

    def restart(self) -> None:
        self.incidents = Incidents(self.daemon)

    @property
    def acts(self) -> list[str]:
        return [one[0] for one in self.daemon.acts]


def test_the_life_of_an_incident_comes_back() -> None:
    world = World()
    assert world.take("triggered", 0) is Result.IGNORED
    assert world.take("acknowledged", 1) is Result.DONE
    assert world.daemon.acts[-1] == ("ack", "a1", "Jane (in PagerDuty)", "")
    assert world.take("unacknowledged", 2) is Result.DONE
    assert world.take("acknowledged", 3) is Result.DONE
    assert world.take("resolved", 4) is Result.DONE
    assert world.daemon.acts[-1] == ("resolve", "a1", "Jane (resolved in PagerDuty)", "")
    assert world.take("resolved", 5) is Result.ALREADY


def test_names_are_marked_so_that_nothing_is_told_back() -> None:
    world = World()
    world.take("acknowledged", 1)
    assert acknowledged_there(world.daemon.acts[-1][2])
    assert not resolved_there(world.daemon.acts[-1][2])
    world.take("resolved", 2)
    assert resolved_there(world.daemon.acts[-1][2])
    assert not acknowledged_there(world.daemon.acts[-1][2])
    assert not acknowledged_there("Jane (in PagerDuty) (token tickets)")


def test_an_older_acknowledgement_after_a_newer_end_changes_nothing() -> None:
    world = World()
    assert world.take("resolved", 5) is Result.DONE
    world.daemon.shown = [alert("a1")]  # it would be open again
    assert world.take("acknowledged", 4) is Result.OLDER
    assert world.take("acknowledged", 5) is Result.OLDER  # the same moment: the end wins
    assert world.acts == ["resolve"]
    world.restart()
    assert world.take("acknowledged", 4) is Result.OLDER
    assert world.take("acknowledged", 6) is Result.DONE


def test_an_event_of_before_the_alert_began_is_none_of_its() -> None:
    world = World()
    assert world.take("resolved", -60) is Result.OLDER
    assert world.acts == []


def test_the_same_call_again_has_no_effect_also_after_a_restart() -> None:
    world = World()
    assert world.take("acknowledged", 1, call="x") is Result.DONE
    asyncio.run(world.daemon.unacknowledge("a1", "kim"))
    assert world.take("acknowledged", 1, call="x") is Result.ALREADY
    world.restart()
    assert world.take("acknowledged", 1, call="x") is Result.ALREADY
    assert world.acts == ["ack", "unack"]


def test_what_rulesd_told_pagerduty_is_not_taken_for_news() -> None:
    world = World()
    own = {"type": "events_api_v2_inbound_integration_reference", "summary": "rulesd"}
    assert world.take("resolved", 1, agent=own) is Result.ECHO
    assert world.acts == []
    # And it counts for the order: what people did before it is old.
    assert world.take("acknowledged", 0) is Result.OLDER


def test_incidents_of_others_leave_nothing_behind() -> None:
    world = World()
    assert world.take("acknowledged", 1, key="theirs") is Result.UNKNOWN
    assert world.daemon.store.kept == {}


def test_an_incident_is_found_by_its_id_when_the_key_is_not_told() -> None:
    world = World()
    world.take("triggered", 0)
    world.restart()
    assert world.take("acknowledged", 1, key="") is Result.DONE


def test_an_incident_of_a_group_is_that_of_its_alerts() -> None:
    world = World()
    world.daemon.shown = [alert("a1"), alert("a2"), alert("a3")]
    key = '{}:{alertname="x"}'
    group = SimpleNamespace(key=key, alerts=tuple(world.daemon.shown[:2]))
    world.daemon.groups = lambda: [group]  # type: ignore[attr-defined, method-assign, assignment]
    assert world.take("acknowledged", 1, key=group_dedup_key(key)) is Result.DONE
    assert [one[1] for one in world.daemon.acts] == ["a1", "a2"]
    assert world.take("acknowledged", 2, key=group_dedup_key("other"), id="Q9") is Result.UNKNOWN


def test_an_alert_that_has_resolved_is_not_taken() -> None:
    world = World()
    world.daemon.shown = [alert("a1", state=AlertState.RESOLVED)]
    assert world.take("acknowledged", 1) is Result.NOT_ACTIVE


def test_what_is_remembered_is_bounded() -> None:
    world = World()
    for second in range(CALLS + 5):
        world.take("annotated", second)
    (kept,) = world.daemon.store.kept.values()
    assert kept.count(b"c") <= CALLS + 2
    known = world.incidents._read()
    for number in range(INCIDENTS):
        known[f"old{number}"] = known["Q1"]
        world.daemon.store.kept[f"{PREFIX}old{number}"] = b"x"
    world.take("acknowledged", 90)
    assert len(known) == INCIDENTS
    assert "Q1" in known
    assert f"{PREFIX}old0" not in world.daemon.store.kept


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"event": []},
        {"event": {"event_type": "pagey.ping", "data": {"message": "hi"}}},
        {"event": {"event_type": "service.updated", "data": {"id": "P1"}}},
        body("acknowledged", id=""),
        {"event": {**body("acknowledged")["event"], "occurred_at": "yesterday"}},
        {"event": {**body("acknowledged")["event"], "data": None}},
    ],
)
def test_what_is_about_no_incident(said: Any) -> None:
    assert read_event(said) is None
