"""The crash matrix: kill -9 at each stage of a page, the same harness for the daemon and for a real Alertmanager.

Each trial posts a few alerts once, kills the process at one stage, starts it again, and counts what reached the receiver. Both are given
the same configuration file, the same receiver and the same alerts. In the second mode the source sends the alerts once more after the
restart, as Prometheus does and one-shot senders do not.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from tests.integration.daemon import TOKEN, Daemon, Receiver, until
from tests.integration.peers_am import Alertmanager, request

ROUTING = """\
route:
  {receiver: pager, group_by: [alertname], group_wait: 0s, group_interval: 5m, repeat_interval: 24h,
   routes: [{matchers: [wait="yes"], group_wait: 1s}]}
receivers: [{name: pager, webhook_configs: [{url: "URL"}]}]
"""
PATIENCE = 60.0
"For what must come. A busy machine is no counter-example."

GIVE_UP = 4.0
"For what does not come: seconds after a restart (longer than any group_wait here) at which an alert counts as lost."

HOLD = 20.0


class Stage(StrEnum):
    """Where in a page's life the process is killed."""

    ACCEPTED = "after accept"
    WAITING = "in group_wait"
    POSTING = "mid-POST"
    ANSWERED = "after the receiver's 200"


class Subject(Protocol):
    """A process that takes alerts and pages."""

    port: int

    def start(self) -> object: ...
    def kill(self) -> None: ...


@dataclass
class Tally:
    """What became of the alerts of one stage."""

    kills: int = 0
    alerts: int = 0
    lost: list[str] = field(default_factory=list)
    "Accepted with 200, and no page of it was ever taken."

    repeated: Counter[int] = field(default_factory=Counter)
    "By alerts: how many POSTs came beyond the first."

    keys: int = 0
    "Alerts whose repeats came under another key."

    @property
    def most(self) -> int:
        """POSTs beyond the first of the worst alert."""
        return max(self.repeated, default=0)

    @property
    def repeats(self) -> int:
        """POSTs beyond the first, of all alerts."""
        return sum(extra * count for extra, count in self.repeated.items())

    @property
    def clean(self) -> bool:
        """What we promise: nothing lost, at most one repeat, under the same key."""
        return not self.lost and self.most <= 1 and not self.keys


class Matrix:
    """Trials on one subject."""

    def __init__(self, subject: Subject, receiver: Receiver, *, patient: bool) -> None:
        """``patient``: wait long for pages (a subject that promises them)."""
        self.subject, self.receiver = subject, receiver
        self.wait = PATIENCE if patient else GIVE_UP
        self._number = 0
        self._killing = threading.Lock()
        self._armed = False

    def run(self, stage: Stage, kills: int = 1, *, alerts: int = 3, again: bool = False) -> Tally:
        """So many kills at one stage; ``again``: the source sends once more after each."""
        tally = Tally()
        for _ in range(kills):
            names = self._names(alerts)
            self._trial(stage, names, again)
            tally.kills += 1
            self._count(names, tally)
        return tally

    def _names(self, count: int) -> list[str]:
        self._number += 1
        return [f"T{self._number}-{time.time_ns()}-{n}" for n in range(count)]

    def _trial(self, stage: Stage, names: Sequence[str], again: bool) -> None:
        receiver = self.receiver
        try:
            if stage is Stage.POSTING:
                receiver.mood = lambda _: HOLD
            elif stage is Stage.ANSWERED:
                self._armed = True
                receiver.after = lambda _: self._kill_once()
            body = _alerts(names, stage)
            self._post(body)
            if stage is Stage.WAITING:
                time.sleep(0.3)
            elif stage is Stage.POSTING:
                until(lambda: self._posts(names), PATIENCE, "a page to be under way")
            elif stage is Stage.ANSWERED:
                until(lambda: self._taken(names), PATIENCE, "a page to be taken")
            self._kill()
        finally:
            receiver.mood = receiver.after = None
        self.subject.start()
        if again:
            self._post(body)
        limit = time.monotonic() + self.wait
        while len(self._taken(names)) < len(names) and time.monotonic() < limit:
            time.sleep(0.02)
        time.sleep(
            1.3
        )  # For a repeat that is on its way: a flush of the group, or a try of the outbox.

    def _kill(self) -> None:
        with self._killing:
            self._armed = False
            self.subject.kill()

    def _kill_once(self) -> None:
        """The first answer that is out ends the process; a later one must not end its successor."""
        with self._killing:
            if self._armed:
                self._armed = False
                self.subject.kill()

    def _post(self, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        said = request(f"http://127.0.0.1:{self.subject.port}/api/v2/alerts", "POST", body, headers)
        assert said.status == 200, said

    def _posts(self, names: Sequence[str]) -> list[tuple[str, str, int]]:
        """(alert, key, answer) of each page that tells of one of these as firing."""
        return [
            (alert["labels"]["alertname"], page.key or page.body["groupKey"], page.status)
            for page in list(self.receiver.pages)
            for alert in page.body["alerts"]
            if alert["status"] == "firing" and alert["labels"]["alertname"] in names
        ]

    def _taken(self, names: Sequence[str]) -> set[str]:
        return {name for name, _, status in self._posts(names) if status == 200}

    def _count(self, names: Sequence[str], tally: Tally) -> None:
        posts, taken = self._posts(names), self._taken(names)
        for name in names:
            tally.alerts += 1
            if name not in taken:
                tally.lost.append(name)
            keys = [key for one, key, _ in posts if one == name]
            if len(keys) > 1:
                tally.repeated[len(keys) - 1] += 1
            tally.keys += len(set(keys)) > 1


def _alerts(names: Sequence[str], stage: Stage) -> bytes:
    """Alerts that fire for an hour unless told otherwise."""
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    wait = "yes" if stage is Stage.WAITING else "no"
    labels = [{"alertname": name, "wait": wait} for name in names]
    return json.dumps([{"labels": one, "endsAt": ends} for one in labels]).encode()


@contextmanager
def ours(folder: Path, environ: dict[str, str] | None = None) -> Iterator[Matrix]:
    """The daemon, ready for trials."""
    with Receiver() as receiver:
        routing = ROUTING.replace("URL", receiver.url())
        notifiers = {"routing.yaml": routing, "owners.yaml": "owners: {safety: {contact: them}}\n"}
        with Daemon(folder, notifiers=notifiers, environ=environ) as daemon:
            yield Matrix(daemon, receiver, patient=not environ)


@contextmanager
def theirs(folder: Path) -> Iterator[Matrix]:
    """A real Alertmanager, ready for trials."""
    with Receiver() as receiver:
        routing = ROUTING.replace("URL", receiver.url())
        with Alertmanager(folder, routing) as peer:
            yield Matrix(peer, receiver, patient=False)
