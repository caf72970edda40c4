"""kill -9 at random moments, with producers posting and a receiver that sometimes fails: what must hold afterwards.

Producers behave as real ones: they send a batch again until it is accepted, and now and then send what was accepted long ago. The
receiver answers 500, 429, nothing, or takes a page and hangs up. When all is over everything accepted is sent once more.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.integration.daemon import (
    Daemon,
    Receiver,
    decision_log,
    event,
    first_difference,
    journaled_ids,
    paging,
    replayed_log,
    until,
)

SETTINGS = "owner_page_limit: {pages: 1000000, within: 5m}\n"
"Every alert is a page of its own here, so that each can be counted."


@dataclass
class Report:
    """What was found. The first five must be zero."""

    lost: list[str] = field(default_factory=list)
    "Accepted and not in the journal."

    twice: list[str] = field(default_factory=list)
    "In the journal more than once."

    unpaged: list[str] = field(default_factory=list)
    "Accepted, must never happen, and no page of it was taken by the receiver."

    different: list[str] = field(default_factory=list)
    "Alerts whose first page came under more than one idempotency key."

    repeated: int = 0
    "Pages that came after everything had been sent again."

    log_differs: str = ""
    "Where the live decision log and the replay of the journal part."

    events: int = 0
    kills: int = 0
    early_kills: int = 0
    "Of those, before the daemon was ready."

    resent: int = 0
    "Events that were sent again because of a kill, or long after."

    pages: int = 0
    same_key: int = 0
    "Pages that the receiver took more than once, under one key (it drops them)."

    refused: Counter[int] = field(default_factory=Counter)
    "What the receiver answered."

    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether every promise held."""
        return not (
            self.lost
            or self.twice
            or self.unpaged
            or self.different
            or self.repeated
            or self.log_differs
        )

    def text(self) -> str:
        """For people."""
        rows = [
            ("events accepted", self.events),
            ("kills -9 (before ready)", f"{self.kills} ({self.early_kills})"),
            ("accepted and lost", len(self.lost)),
            ("taken twice", len(self.twice)),
            ("pages owed and never delivered", len(self.unpaged)),
            ("pages sent twice with a different key", len(self.different)),
            ("pages on re-sent events", self.repeated),
            ("decision log = replay of the journal", self.log_differs or "yes"),
            ("events sent again", self.resent),
            ("pages delivered", self.pages),
            ("pages delivered again, same key", self.same_key),
            ("answers of the receiver", dict(sorted(self.refused.items()))),
            ("seconds", round(self.seconds, 1)),
        ]
        return "\n".join(f"{name:<40} {value}" for name, value in rows)


class Producer(threading.Thread):
    """Sends numbered events until told to stop, each batch until it is accepted."""

    def __init__(
        self, name: str, send: Callable[[list[bytes]], None], share: float, count: int, seed: int
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.accepted: list[bytes] = []
        self.hits: list[str] = []
        "Ids of accepted events that must page."
        self.resent = 0
        self.error = ""
        self.send, self._share, self.count = send, share, count
        self._random = random.Random(seed)
        self._number = 0

    def run(self) -> None:
        try:
            while len(self.accepted) < self.count:
                self._batch()
        except BaseException as error:  # the main thread asks for it
            self.error = f"{type(error).__name__}: {error}"

    def _batch(self) -> None:
        chance = self._random
        fresh = [self._event() for _ in range(chance.choice((1, 1, 5, 20, 60, 120)))]
        old = (
            chance.sample(self.accepted[-5000:], min(3, len(self.accepted)))
            if chance.random() < 0.3
            else []
        )
        self.resent += len(old)
        self.send([*old, *(line for line, _ in fresh)])
        self.accepted += [line for line, _ in fresh]
        self.hits += [id_ for _, id_ in fresh if id_]

    def _event(self) -> tuple[bytes, str]:
        self._number += 1
        id_ = f"{self.name}-{self._number}"
        draw = self._random.random()
        if draw < self._share:
            return orjson.dumps(event(id_, tool=id_, scope="out")), id_
        if draw < self._share + 0.05:
            return orjson.dumps(
                event(id_, tool=f"t{self._random.randrange(50)}", outcome="denied")
            ), ""
        return orjson.dumps(
            event(id_, tool="quiet", outcome="ok", latency_ms=self._random.randrange(900))
        ), ""


def bad_days(seed: int, worse: float = 1.0) -> Callable[[str], int | float | None]:
    """A receiver that fails one time in five, or ``worse`` times as often."""
    chance = random.Random(seed)

    def mood(_: str) -> int | float | None:
        draw = chance.random() / worse
        return (
            500
            if draw < 0.1
            else 429
            if draw < 0.15
            else 0
            if draw < 0.18
            else 1.5
            if draw < 0.19
            else None
        )

    return mood


class Trial:
    """One run."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 1,
        environ: dict[str, str] | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        self.receiver = Receiver(bad_days(seed))
        self.daemon = Daemon(
            folder,
            notifiers=paging(self.receiver.url(), timeout="1s"),
            settings=SETTINGS,
            environ=environ,
            flags=flags,
        )
        self.chance = random.Random(seed)
        self.report = Report()
        self.settle_source: Callable[[], None] = lambda: None
        "Waits until what was sent has arrived; over HTTP it has."
        self.meet: Callable[[float], None] | None = None
        "Waits until the daemon has taken so many events in this life; over HTTP the producers know."

    def run(
        self,
        *,
        kills: int,
        events: int,
        producers: int = 3,
        share: float = 0.03,
        more: Sequence[Producer] = (),
        progress: Callable[[str], None] = lambda _: None,
        patience: float = 300.0,
    ) -> Report:
        """Kill so often while so many events are sent, then let everything end and look."""
        report, daemon = self.report, self.daemon
        began = time.monotonic()
        each = events // max(1, producers) + 1
        threads = [Producer(f"p{n}", self._http, share, each, n) for n in range(producers)]
        with self.receiver, daemon:
            for thread in [*threads, *more]:
                thread.start()
            producing = [*threads, *more]
            self._kill(kills, producing, progress)
            until(lambda: not any(t.is_alive() for t in producing), patience, "producers to end")
            assert not [t.error for t in producing if t.error], [t.error for t in producing]
            self.receiver.mood = None
            hits = {id_ for t in producing for id_ in t.hits}
            self.settle_source()
            self._settle(patience)
            daemon.stop()
            self._judge_journal(producing)
            daemon.start()
            self._send_again(producing)
            daemon.stop()
        self._judge(producing, hits)
        report.seconds = time.monotonic() - began
        return report

    def _http(self, lines: list[bytes]) -> None:
        said = self.daemon.accept(lines, 120)
        assert said["accepted"] + said["duplicates"] == len(lines), said

    def _kill(
        self, kills: int, producing: Sequence[Producer], progress: Callable[[str], None]
    ) -> None:
        """Kills are spread over the events, not over time: every one of them meets posts in flight."""
        report, daemon = self.report, self.daemon
        every = sum(t.count for t in producing) / (kills + 1)
        while report.kills < kills:
            number = report.kills
            early = self.chance.random() < 0.15 and number
            due = (number + self.chance.random()) * every
            if self.meet is not None:
                self.meet(self.chance.random() * 1.5 * every)
            else:
                until(lambda due=due: sum(len(t.accepted) for t in producing) >= due, 300, "events")
            time.sleep(self.chance.uniform(0.0, 0.03))
            daemon.kill()
            report.kills += 1
            daemon.start(ready=not early)
            if early:
                time.sleep(self.chance.uniform(0.0, 1.5))
                daemon.kill()
                report.early_kills += 1
                report.kills += 1
                daemon.start()
            if not report.kills % 10:
                sent = sum(len(t.accepted) for t in producing)
                progress(
                    f"{report.kills} kills, {sent} events, {len(self.receiver.pages)} requests at the receiver"
                )

    def _settle(self, patience: float) -> None:
        def settled() -> bool:
            return self.daemon.total("rulesd_outbox_pending") == 0

        until(settled, patience, "the outbox to empty")
        time.sleep(0.3)

    def _send_again(self, producing: Sequence[Producer]) -> None:
        before = len(self.receiver.pages)
        report = self.report
        for thread in producing:
            for start in range(0, len(thread.accepted), 1000):
                lines = thread.accepted[start : start + 1000]
                said = self.daemon.accept(lines)
                report.resent += len(lines)
                if said["accepted"]:
                    report.twice.append(
                        f"{said['accepted']} of a batch of {thread.name} taken as new"
                    )
        time.sleep(1.5)
        until(lambda: self.daemon.total("rulesd_outbox_pending") == 0, 60, "the outbox to empty")
        report.repeated = len(self.receiver.pages) - before

    def _judge_journal(self, producing: Sequence[Producer]) -> None:
        """Before everything is sent once more: that would heal what was lost."""
        report = self.report
        accepted = {str(orjson.loads(line)["id"]) for t in producing for line in t.accepted}
        report.events = len(accepted)
        report.resent += sum(t.resent for t in producing)
        report.lost = sorted(accepted.difference(journaled_ids(self.daemon.state)))

    def _judge(self, producing: Sequence[Producer], hits: set[str]) -> None:
        report, state = self.report, self.daemon.state
        counted = Counter(journaled_ids(state))
        report.twice += sorted(id_ for id_, n in counted.items() if n > 1)
        self._judge_pages(hits)
        live, again = decision_log(state), replayed_log(state)
        report.log_differs = first_difference(live, again) if live else "there is no live log"

    def _judge_pages(self, hits: set[str]) -> None:
        report = self.report
        keys: dict[str, set[str]] = {}
        taken: Counter[str] = Counter()
        delivered: set[str] = set()
        for page in self.receiver.pages:
            report.refused[page.status] += 1
            if page.status == 200:
                report.pages += 1
                taken[page.key] += 1
            for alert in page.alerts:
                if (
                    alert["rule"] == "test.never"
                    and alert["status"] == "firing"
                    and alert["changed"]
                ):
                    keys.setdefault(alert["alert"], set()).add(page.key)
                    if page.status == 200:
                        delivered.update(alert["causes"])
        report.different = sorted(a for a, k in keys.items() if len(k) > 1)
        report.unpaged = sorted(hits - delivered)
        report.same_key = sum(n - 1 for n in taken.values())


def describe(report: Report) -> str:
    """The findings that are not zero, shortened."""
    found: dict[str, Any] = {
        "lost": report.lost[:5],
        "twice": report.twice[:5],
        "unpaged": report.unpaged[:5],
        "different": report.different[:5],
        "repeated": report.repeated,
        "log": report.log_differs[:2000],
    }
    return str({k: v for k, v in found.items() if v})
