"""People in the real daemon: whoever is on call is paged, an unanswered page climbs over kill -9, and an answered one does not."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.daemon import (
    NEVER,
    SECRET,
    Daemon,
    Receiver,
    decision_log,
    event,
    facts,
    first_difference,
    replayed_log,
    until,
)

OWNERS = """\
owners:
  safety: {contact: the safety team, receivers: {default: team}, schedule: main, escalation: up}
  rulesd: {receivers: {default: ours}}
people:
  anna: {contact: "555", receivers: {default: anna}}
schedules:
  main: {rota: {people: anna, from: 2026-01-01T00:00}}
escalations:
  up:
    steps:
      - {wait: 4s, notify: {receiver: lead}}
      - {wait: 1s}
"""
ROUTING = """\
route: {receiver: team, group_by: ["..."], group_wait: 0s, group_interval: 1s, repeat_interval: 24h}
receivers: [{name: team}]
"""
NAMES = ("team", "anna", "lead", "ours")


class Place:
    """A daemon and a receiver with a door for everybody."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        rows = "".join(
            f"  {n}: {{webhook: {{url: {receiver.url(n)}, secret: {SECRET}}}}}\n" for n in NAMES
        )
        self.receiver = receiver
        self.daemon = Daemon(
            folder,
            rules={"test/never.yaml": NEVER},
            notifiers={
                "owners.yaml": OWNERS,
                "routing.yaml": ROUTING,
                "receivers.yaml": f"receivers:\n{rows}",
            },
            settings="self_owner: rulesd\n",
        ).start()

    def heard(self, *names: str) -> list[tuple[str, str, str]]:
        """(who, status, reason) of each page; one that a kill made come twice has one idempotency key."""
        once = {(p.name, p.key): p for p in list(self.receiver.pages)}
        return [
            (p.name, p.body["data"]["status"], p.body["data"]["reason"])
            for p in once.values()
            if not names or p.name in names
        ]

    def the_page(self, name: str) -> Any:
        until(lambda: self.heard(name), what=f"a page to {name}")
        return next(p for p in self.receiver.pages if p.name == name).body["data"]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Receiver() as receiver:
        made = Place(tmp_path, receiver)
        with made.daemon:
            yield made


def test_an_unanswered_page_climbs_over_kill_9_and_its_end_reaches_everybody(place: Place) -> None:
    place.daemon.accept([event("e1", tool="shell", scope="out")])
    page = place.the_page("anna")
    assert "lead is paged at" in page["next_page"]
    assert page["alerts"][0]["owner_contact"] == "paged: anna (555); the safety team"
    place.daemon.kill()
    place.daemon.start()
    climbed = place.the_page("lead")
    assert (climbed["reason"], climbed["incident"]) == ("escalated", page["incident"])
    last = place.the_page("ours")
    assert last["reason"] == "nobody_acknowledged"
    alert = page["alerts"][0]["alert"]
    assert place.daemon.request("POST", f"/v1/alerts/{alert}/resolve", b"{}").status == 200
    until(lambda: len([h for h in place.heard() if h[1] == "resolved"]) == 4, what="four ends")
    assert sorted(place.heard()) == sorted(
        [
            ("anna", "firing", "must_never_happen"),
            ("team", "firing", "must_never_happen"),  # a machine: it hears everything
            ("lead", "firing", "escalated"),
            ("ours", "firing", "nobody_acknowledged"),
            *((name, "resolved", "all_alerts_resolved") for name in NAMES),
        ]
    )
    place.daemon.stop()
    live, replayed = decision_log(place.daemon.state), replayed_log(place.daemon.state)
    assert live == replayed, first_difference(live, replayed)
    assert facts(live)[1]["on_call"] == "anna"


def test_an_answered_page_does_not_climb_over_kill_9(place: Place) -> None:
    place.daemon.accept([event("e1", tool="shell", scope="out")])
    alert = place.the_page("anna")["alerts"][0]["alert"]
    assert place.daemon.request("POST", f"/v1/alerts/{alert}/ack", b"{}").status == 200
    place.daemon.kill()
    place.daemon.start()
    time.sleep(5)
    assert place.heard("lead", "ours") == []
    report = place.daemon.get("/v1/reports/pages").json()
    (owner,) = report["owners"]
    assert (owner["owner"], owner["pages"], owner["acknowledged"]) == ("safety", 1, 1)
