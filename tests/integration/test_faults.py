"""The machine on bad days: a full disk, a stepped clock, a stop under load, a broken reload, rules that raise."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.integration.daemon import (
    NEVER,
    OWNERS,
    ROOT,
    ROUTING,
    RULES,
    SECRET,
    TOKEN,
    Daemon,
    Receiver,
    event,
    journaled_ids,
    paging,
    until,
)

STEPPED = '''
"""A machine whose clock is stepped by what a file says (seconds)."""
import os, time
real_ns, real, file = time.time_ns, time.time, os.environ["CLOCK_STEP"]

def step():
    try:
        with open(file) as f:
            return float(f.read() or 0)
    except OSError:
        return 0.0

time.time_ns = lambda: real_ns() + int(step() * 1e9)
time.time = lambda: real() + step()
'''


def causes(receiver: Receiver, rule: str = "") -> list[str]:
    """Event ids of delivered pages, of one rule."""
    found = [a for p in receiver.delivered() for a in p.alerts if not rule or a["rule"] == rule]
    return [c for a in found if a["status"] == "firing" for c in a["causes"]]


class Producer(threading.Thread):
    """Posts small batches without end; keeps what was accepted."""

    def __init__(self, daemon: Daemon, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.daemon_, self.accepted, self.statuses = daemon, [], []
        self.over = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.over.is_set():
            batch = [event(f"{self.name}-{number + n}", tool="t", outcome="ok") for n in range(20)]
            try:
                answer = self.daemon_.post(batch)
            except OSError:
                return
            self.statuses.append(answer.status)
            if answer.status == 202:
                number += 20
                self.accepted += [e["id"] for e in batch]
            else:
                time.sleep(0.05)


# ---------------------------------------------------------------------- disk


def test_a_full_disk_takes_nothing_loses_nothing_and_is_paged(tmp_path: Path) -> None:
    with Receiver() as receiver, Daemon(tmp_path, notifiers=paging(receiver.url())) as daemon:
        daemon.accept([event("before", tool="before", scope="out")])
        until(lambda: causes(receiver))
        size = max(p.stat().st_size for p in daemon.state.iterdir()) + 300_000
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        producer = Producer(daemon, "full")
        producer.start()
        refused = until(lambda: [s for s in producer.statuses if s != 202], 60, "a refusal")
        assert set(refused) == {503}
        answer = daemon.post([event("now", tool="now", scope="out")])
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert daemon.get("/-/ready").status == 503
        assert daemon.get("/-/healthy").status == 200

        def told() -> list[Any]:
            return [
                p for p in receiver.delivered() for a in p.alerts if a["rule"] == "rulesd.disk_full"
            ]

        (page,) = until(told, 40, "a page about the disk")
        assert page.alerts[0]["owner"] == "safety"
        assert page.alerts[0]["first_five_minutes"]
        assert daemon.process is not None
        assert daemon.process.poll() is None
        resource.prlimit(
            daemon.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )
        daemon.accept([event("now", tool="now", scope="out")])
        until(lambda: "now" in causes(receiver))
        until(lambda: daemon.get("/-/ready").status == 200)
        producer.over.set()
        producer.join(10)
        daemon.kill()
        ids = set(journaled_ids(daemon.state))
        assert {"before", "now", *producer.accepted} <= ids
        assert len(producer.accepted) > 100
        assert len(told()) == 1


def test_killed_while_the_disk_is_full(tmp_path: Path) -> None:
    with Receiver() as receiver, Daemon(tmp_path, notifiers=paging(receiver.url())) as daemon:
        producer = Producer(daemon, "full")
        producer.start()
        until(lambda: len(producer.accepted) > 200)
        size = max(p.stat().st_size for p in daemon.state.iterdir()) + 100_000
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        until(lambda: 503 in producer.statuses, 60)
        daemon.kill()
        producer.over.set()
        producer.join(10)
        daemon.start()
        again = [event(i, tool="t", outcome="ok") for i in producer.accepted]
        for start in range(0, len(again), 1000):
            assert daemon.accept(again[start : start + 1000])["accepted"] == 0


# ---------------------------------------------------------------------- clock


def test_a_clock_stepped_back_and_ahead_neither_repeats_nor_forgets(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(STEPPED)
    step = tmp_path / "step"
    environ = {"PYTHONPATH": f"{tmp_path / 'site'}:{ROOT}", "CLOCK_STEP": str(step)}
    with (
        Receiver() as receiver,
        Daemon(tmp_path, notifiers=paging(receiver.url()), environ=environ) as daemon,
    ):
        for number, seconds in enumerate((0, -7200, 3600, -30, -86_400)):
            step.write_text(str(seconds))
            id_ = f"at{number}"
            assert daemon.post([event(id_, tool=id_, scope="out")]).json()["accepted"] == 1
            until(lambda id_=id_: id_ in causes(receiver), 20, f"a page at {seconds} s")
            assert daemon.post([event(id_, tool=id_, scope="out")]).json()["duplicates"] == 1
        # Deadlines are kept on a clock that is a day behind what it was.
        daemon.post([event(f"d{n}", tool="t", outcome="denied") for n in range(5)])
        until(
            lambda: causes(receiver, "test.burst"),
            20,
            "the page of a burst, which waits for a deadline",
        )
        step.write_text("-86400")
        daemon.restart()
        daemon.post([event(f"at{n}", tool=f"at{n}", scope="out") for n in range(5)])
        assert daemon.accept([event("after", tool="after", scope="out")])["accepted"] == 1
        until(lambda: "after" in causes(receiver))
        assert sorted(causes(receiver, "test.never")) == [
            "after",
            "at0",
            "at1",
            "at2",
            "at3",
            "at4",
        ]
        daemon.stop()
        times = [row.now for _, row in _journal(daemon)]
        assert times == sorted(times)


def _journal(daemon: Daemon) -> list[Any]:
    from tests.integration.daemon import journal

    return list(journal(daemon.state))


# ---------------------------------------------------------------------- life


def test_sigterm_under_load_drains(tmp_path: Path) -> None:
    with Receiver() as receiver, Daemon(tmp_path, notifiers=paging(receiver.url())) as daemon:
        producers = [Producer(daemon, f"p{n}") for n in range(4)]
        for each in producers:
            each.start()
        until(lambda: all(len(p.accepted) > 200 for p in producers))
        daemon.accept([event(f"last{n}", tool=f"last{n}", scope="out") for n in range(3)])
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < 15
        for each in producers:
            each.over.set()
            each.join(10)
            # 408: the door closed between a request's head and its body. Nothing of it was taken, which the journal shows.
            assert set(each.statuses) <= {202, 408, 503}
        ids = journaled_ids(daemon.state)
        assert len(ids) == len(set(ids))
        assert {i for p in producers for i in p.accepted} <= set(ids)
        assert set(causes(receiver)) == {"last0", "last1", "last2"}


def test_only_one_daemon_has_a_state(tmp_path: Path) -> None:
    with Receiver() as receiver, Daemon(tmp_path, notifiers=paging(receiver.url())) as daemon:
        second = Daemon(tmp_path, notifiers=paging(receiver.url()))
        command = [sys.executable, "-m", "rulesd", "run", "--rules", str(daemon.rules)]
        command += ["--notifiers", str(daemon.notifiers), "--state", str(daemon.state)]
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "RULESD_ADMIN_TOKEN": TOKEN}
        done = subprocess.run(
            [*command, "--listen", f"127.0.0.1:{second.port}"],
            env=environ,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode not in (0, -9)
        assert str(daemon.pid) in done.stderr.decode()
        assert "Traceback" not in done.stderr.decode()
        assert daemon.post([event("e", tool="t", scope="out")]).status == 202


# ---------------------------------------------------------------------- rules


def test_a_broken_set_is_refused_whole_and_the_old_one_stays(tmp_path: Path) -> None:
    with Receiver() as receiver, Daemon(tmp_path, notifiers=paging(receiver.url())) as daemon:
        never, more = daemon.rules / "test" / "never.yaml", daemon.rules / "test" / "more.yaml"
        more.write_text(NEVER.replace("test.never", "test.more").replace('"out"', '"in"'))
        never.write_text(NEVER.replace("owner: safety", "owner: nobody") + "unknown: 1\n")
        answer = daemon.request("POST", "/-/reload", b"")
        assert answer.status >= 400
        assert b"never.yaml:" in answer.body
        daemon.post([event("e1", tool="t1", scope="out"), event("e2", tool="t2", scope="in")])
        until(lambda: "e1" in causes(receiver))
        assert "e2" not in causes(receiver)  # the good new file came with a bad one
        until(
            lambda: any(
                a["rule"] == "rulesd.rule_set_refused"
                for p in receiver.delivered()
                for a in p.alerts
            ),
            20,
        )
        never.write_text(NEVER)
        daemon.signal(signal.SIGHUP)
        until(lambda: daemon.total("rulesd_rules") == len(RULES) + 1 + _builtin(daemon), 20)
        daemon.post([event("e3", tool="t3", scope="in")])
        until(lambda: "e3" in causes(receiver))


def _builtin(daemon: Daemon) -> int:
    return sum(1 for r in daemon.get("/v1/rules").json()["rules"] if r["id"].startswith("rulesd."))


def test_a_reload_and_a_kill_keep_the_windows_of_unchanged_rules(tmp_path: Path) -> None:
    with Receiver() as receiver, Daemon(tmp_path, notifiers=paging(receiver.url())) as daemon:
        denied = [event(f"d{n}", tool="t", outcome="denied") for n in range(5)]
        daemon.post(denied[:2])
        other = NEVER.replace("test.never", "test.other").replace('"out"', '"other"')
        (daemon.rules / "test" / "other.yaml").write_text(other)
        assert daemon.request("POST", "/-/reload", b"").status == 200
        daemon.post(denied[2:3])
        daemon.restart()
        daemon.post(denied[3:4])
        time.sleep(0.3)
        assert causes(receiver, "test.burst") == []
        daemon.post(denied[4:])
        until(lambda: causes(receiver, "test.burst"))
        (alert,) = [a for p in receiver.delivered() for a in p.alerts]
        assert float(alert["value"].split()[0]) == 5
        assert alert["causes"][-1] == "d4"


RAISES = """\
id: test.raises
title: A score that is too high
owner: safety
runbook: https://runbooks.example.org/raises
on: [output.classification]
when: {">": [{"+": [{"var": "data.score"}, 1]}, 1.5]}
detect: never
by: [tenant]
severity: critical
"""
HEAVY = """\
id: test.heavy
title: A condition that looks at too much
owner: safety
runbook: https://runbooks.example.org/heavy
on: [retrieval.query]
when:
  map:
    - var: data.doc_ids
    - map:
        - val: [[-2], data, doc_ids]
        - map: [{val: [[-4], data, doc_ids]}, {cat: [{var: ""}, x]}]
detect: never
by: [tenant]
severity: critical
"""


def test_a_rule_that_raises_on_one_producers_events_pages_and_stays_in_force(
    tmp_path: Path,
) -> None:
    rules = {**RULES, "test/raises.yaml": RAISES}
    with (
        Receiver() as receiver,
        Daemon(tmp_path, rules=rules, notifiers=paging(receiver.url())) as daemon,
    ):
        bad = [
            event(f"bad{n}", type_="output.classification", source="/broken", score={"not": 1})
            for n in range(5)
        ]
        good = event("good", type_="output.classification", source="/fine", score=0.9)
        assert daemon.post([*bad, good]).json()["accepted"] == 6
        told = until(
            lambda: [a for p in receiver.delivered() for a in p.alerts if a["could_not_evaluate"]]
        )
        assert told[0]["rule"] == "test.raises"
        assert "bad0" in told[0]["causes"]
        until(lambda: "good" in causes(receiver, "test.raises"))
        assert until(lambda: daemon.total("rulesd_rule_errors_total", rule="test.raises")) == 5


def test_a_rule_that_runs_into_its_budget_pages_and_holds_up_nobody(tmp_path: Path) -> None:
    rules = {**RULES, "test/heavy.yaml": HEAVY}
    with (
        Receiver() as receiver,
        Daemon(tmp_path, rules=rules, notifiers=paging(receiver.url())) as daemon,
    ):
        ids = [f"doc-{n}" for n in range(300)]
        began = time.monotonic()
        assert daemon.post([event("heavy", type_="retrieval.query", doc_ids=ids)]).status == 202
        assert daemon.post([event("e", tool="t", scope="out")]).status == 202
        assert time.monotonic() - began < 5
        until(lambda: "e" in causes(receiver, "test.never"))
        told = until(
            lambda: [a for p in receiver.delivered() for a in p.alerts if a["could_not_evaluate"]]
        )
        assert told[0]["rule"] == "test.heavy"
        assert told[0]["causes"] == ["heavy"]


def test_more_than_ten_pages_to_one_owner_become_one_for_people_and_stay_all_for_machines(
    tmp_path: Path,
) -> None:
    with Receiver() as receiver:
        text = f"""\
receivers:
  pager:
    webhook: {{url: {receiver.url("machine")}, secret: {SECRET}}}
    pagerduty: {{routing_key: {{env: PAGER_KEY}}, url: {receiver.url("people")}}}
"""
        notifiers = {"routing.yaml": ROUTING, "owners.yaml": OWNERS, "receivers.yaml": text}
        environ = {"PAGER_KEY": "0123456789abcdef0123456789abcdef"}
        with Daemon(tmp_path, notifiers=notifiers, environ=environ) as daemon:
            daemon.post([event(f"e{n}", tool=f"t{n}", scope="out") for n in range(25)])
            until(lambda: len(receiver.delivered("machine")) == 25, 30)
            until(lambda: len(receiver.delivered("people")) >= 11, 30)
            time.sleep(1)
            keys = [p.body["dedup_key"] for p in receiver.delivered("people")]
            assert len(set(keys)) == 11
            assert len(causes_of(receiver, "machine")) == 25


def causes_of(receiver: Receiver, name: str) -> set[str]:
    return {c for p in receiver.delivered(name) for a in p.alerts for c in a["causes"]}
