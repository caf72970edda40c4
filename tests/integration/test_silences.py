"""Silences of the real daemon, on the command line and over kill -9: what was said stays said, and nobody is paged twice or by mistake."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.daemon import ROOT, TOKEN, Daemon, Receiver, event, paging, until

ROUTING = """\
route: {receiver: pager, group_by: ["..."], group_wait: 0s, group_interval: 1s, repeat_interval: 24h}
receivers: [{name: pager}]
"""


class Place:
    """A daemon, its receiver and the command line."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        notifiers = paging(receiver.url("pages")) | {"routing.yaml": ROUTING}
        self.daemon = Daemon(folder, notifiers=notifiers).start()
        self.receiver = receiver

    def silence(self, *arguments: str, token: str = TOKEN, code: int = 0) -> Any:
        command = [sys.executable, "-m", "rulesd", "silence", *arguments, "--format", "json"]
        command += ["--server", f"http://127.0.0.1:{self.daemon.port}", "--token", token]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
        )
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    def add(self, *arguments: str) -> str:
        made = self.silence("add", *arguments, "-c", "a test", "--by", "ana")
        return str(made["id"])

    def show(self, id_: str) -> Any:
        return self.daemon.get(f"/v1/silences/{id_}").json()

    def denied(self, tool: str) -> None:
        self.daemon.accept([event(f"{tool}-{n}", tool=tool, outcome="denied") for n in range(5)])

    def out_of_scope(self, tool: str, id_: str = "out") -> None:
        self.daemon.accept([event(f"{tool}-{id_}", tool=tool, scope="out")])

    def paged(self) -> list[tuple[str, str]]:
        """(rule, tool) of every alert that anybody was told of."""
        alerts = [a for page in self.receiver.pages for a in page.alerts]
        return [(a["rule"], a["labels"].get("tool", "")) for a in alerts]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Receiver() as receiver:
        made = Place(tmp_path, receiver)
        with made.daemon:
            yield made


def test_a_silence_outlives_kill_9(place: Place) -> None:
    id_ = place.add("tool=shell", "--for", "1h")
    place.denied("shell")
    until(lambda: place.show(id_)["held_back"] == 1, what="the burst is held back")
    place.daemon.restart()
    one = place.silence("show", id_)
    assert (one["state"], one["held_back"], one["hides"]) == ("active", 1, {"test.burst": 1})
    assert [a["did"] for a in one["history"]] == ["created"]
    place.denied("mail")
    until(lambda: place.paged() == [("test.burst", "mail")], what="another tool pages")
    # What must never happen pages through it, until a second person agrees.
    place.out_of_scope("shell")
    until(lambda: ("test.never", "shell") in place.paged(), what="never pages at once")
    assert place.silence("approve", id_, "--by", "ana", code=1)[0]["result"] == "refused"
    assert place.silence("approve", id_, "--by", "jo")[0]["result"] == "done"
    place.daemon.restart()
    assert place.show(id_)["approved_by"] == "jo (admin)"
    # Ended, and killed at once: it stays ended, and the burst is told, once.
    place.silence("expire", id_)
    place.daemon.restart()
    assert place.show(id_)["state"] == "expired"
    until(lambda: ("test.burst", "shell") in place.paged(), what="the burst is told at last")
    time.sleep(1.5)
    assert sorted(place.paged()) == [
        ("test.burst", "mail"),
        ("test.burst", "shell"),
        ("test.never", "shell"),
    ]


def test_an_approved_silence_holds_never_back_and_a_preview_tells(place: Place) -> None:
    id_ = place.add("tool=crm", "--for", "1h")
    place.silence("approve", id_, "--by", "jo")
    place.out_of_scope("crm")
    place.out_of_scope("kb")
    until(lambda: place.paged() == [("test.never", "kb")], what="only the other pages")
    until(lambda: place.show(id_)["held_back"] == 1, what="it is counted")
    seen = place.silence("preview", "tool=~crm|kb")
    assert (seen["pages"], seen["not_applied"]) == (0, 1)
    tried = place.silence("add", "test.never", "--for", "5m", "-c", "x", "--dry-run")
    assert tried["preview"]["not_applied"] == 1
    assert [s["id"] for s in place.silence("list")] == [id_]


def test_one_that_ends_with_its_alert(place: Place) -> None:
    id_ = place.add("tool=shell", "--for", "1h", "--end-on-resolve")
    place.denied("shell")
    until(lambda: place.show(id_)["held_back"] == 1, what="the burst is held back")
    place.daemon.restart()
    (alert,) = place.daemon.get("/v1/alerts").json()["alerts"]
    place.daemon.request("POST", f"/v1/alerts/{alert['alert']}/resolve", b"{}")
    until(lambda: place.show(id_)["state"] == "expired", what="it has ended")
    assert place.show(id_)["history"][-1]["did"] == "ended"
    assert place.paged() == []
