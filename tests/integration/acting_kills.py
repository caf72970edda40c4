"""Rules, people and hooks set and lift switches, a service listens to the webhook and another reads the flags; the daemon is killed meanwhile.

After it: what is shown is what is enforced is what the service was told; nothing that was answered is lost; nothing is told under two ids;
nothing was ever shown or told that the daemon does not know.
"""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from standardwebhooks.webhooks import Webhook

from tests.integration.daemon import Answer, Daemon, Receiver, event, paging, until

HOOK = "whsec_aG9va3Mgb2YgdGhlIGtpbGwgcHJvb2Y="
SWITCHES = """\
switches:
  lock_tool:
    key: "tool.{tool}.enabled"
    safe: false
    scope: [tenant]
    ttl: 1h
    limit_per_hour: 10000
    action: webhook
    webhook: {url: URL, secret: {env: WEBHOOK_SECRET}, allow_private: true, timeout: 2s}
"""
HOOKS = "hooks: {ci: {secret: {env: HOOK_SECRET}, may: [set_switch, revert_switch]}}\n"
RULE = """\
id: test.burst
title: Too many denials
owner: safety
runbook: https://runbooks.example.org/burst
on: [tool.call]
when: {"===": [{"var": "data.outcome"}, "denied"]}
detect: {burst: {count: 3, within: 5m}}
by: [tenant, tool]
severity: high
actions: [lock_tool]
"""
MOST = 900
"Settings of one run: the daemon shows a thousand that have ended."


@dataclass
class Report:
    """What a run has seen."""

    kills: int = 0
    settings: int = 0
    calls: int = 0
    evaluations: int = 0
    retained: int = 0
    "Retained messages that were compared with the store and the flags."
    broken: list[str] = field(default_factory=list)

    def text(self) -> str:
        return (
            f"  kills {self.kills}, settings {self.settings}, webhook calls {self.calls}, "
            f"evaluations {self.evaluations}, retained messages {self.retained}, "
            f"broken promises {len(self.broken)}"
        )


class ActingTrial:
    """One daemon, its service, and three who act."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 1,
        environ: dict[str, str] | None = None,
        settings: str = "",
    ) -> None:
        self.chance = random.Random(seed)
        self.receiver = Receiver(self._mood)
        self.bad = True
        files = {
            **paging(self.receiver.url("pages")),
            "switches.yaml": SWITCHES.replace("URL", self.receiver.url("acting")),
            "hooks.yaml": HOOKS,
        }
        secrets = {"HOOK_SECRET": HOOK, **(environ or {})}
        self.daemon = Daemon(
            folder,
            notifiers=files,
            rules={"test/burst.yaml": RULE},
            environ=secrets,
            settings=settings,
        )
        self.report = Report()
        self.wanted: dict[str, str] = {}
        "By setting: how it was left by whoever was answered: ``set`` or ``over``."
        self.locked: list[str] = []
        "Tools whose burst was accepted."
        self.seen: set[str] = set()
        "Settings that decided an evaluation."
        self._stop = threading.Event()
        self._go_on = threading.Event()
        self._go_on.set()
        self._busy: set[int] = set()
        "Threads in the middle of an act."

    def _mood(self, _name: str) -> int | float | None:
        pick = self.chance.random() if self.bad else 1.0
        return 503 if pick < 0.15 else 0.3 if pick < 0.2 else None

    # ------------------------------------------------------------------ who acts

    def _rules(self) -> None:
        for n in self._count():
            tool = f"r{n}"
            self.daemon.accept(
                [event(f"{tool}-{i}", tool=tool, outcome="denied") for i in range(3)]
            )
            self.locked.append(tool)

    def _people(self) -> None:
        for n in self._count():
            labels = {"tenant": "acme", "tool": f"p{n}"}
            body: dict[str, Any] = {"labels": labels, "reason": "exercise", "id": f"person-{n}"}
            if n % 3 == 2:
                body["ttl"] = "1s"  # its end falls into a downtime now and then
            id_ = self._patient("PUT", "/v1/switches/lock_tool", body)["setting"]["id"]
            self.wanted[id_] = "over" if n % 3 == 2 else "set"
            if n % 3 == 1:
                path = f"/v1/switches/settings/{id_}/revert"
                self._patient("POST", path, {"reason": "over"}, fine=(200, 409))
                self.wanted[id_] = "over"

    def _hooks(self) -> None:
        for n in self._count():
            labels = {"tenant": "acme", "tool": f"h{n}"}
            wish = {"operation": "set_switch", "switch": "lock_tool", "labels": labels}
            said = self._hook(f"call-{n}", wish)
            if n % 2 and "setting" in said:
                over = {"operation": "revert_switch", "setting": said["setting"]}
                self._hook(f"over-{n}", over)
                self.wanted[said["setting"]] = "over"
            elif "setting" in said:
                self.wanted[said["setting"]] = "set"

    def _reader(self) -> None:
        n = 0
        while not self._stop.is_set():
            n += 1
            kind = "rph"[n % 3]
            made = {"r": len(self.locked), "p": len(self.wanted), "h": len(self.wanted)}[kind]
            tool = f"{kind}{max(0, made - self.chance.randint(0, 3))}"
            try:
                found = self._evaluate(tool)
            except OSError:
                time.sleep(0.02)
                continue
            if found.status == 200:
                self.report.evaluations += 1
                if setting := found.json()["metadata"].get("setting"):
                    self.seen.add(setting)

    def _evaluate(self, tool: str, tenant: str = "acme") -> Answer:
        body = orjson.dumps({"context": {"tenant": tenant}})
        path = f"/ofrep/v1/evaluate/flags/tool.{tool}.enabled"
        return self.daemon.request("POST", path, body, {"Content-Type": "application/json"})

    def _count(self) -> Any:
        n, me = 0, threading.get_ident()
        while not self._stop.is_set() and n < MOST // 3:
            self._busy.add(me)
            if self._go_on.is_set():
                yield n
                n += 1
            self._busy.discard(me)
            time.sleep(0.02)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nobody acts meanwhile, and what was begun is answered."""
        self._go_on.clear()
        until(lambda: not self._busy, 120, "everybody to be answered")
        try:
            yield
        finally:
            self._go_on.set()

    def _hook(self, call: str, wish: dict[str, Any]) -> dict[str, Any]:
        """The same call until it is answered; the daemon may have done it before."""
        raw, now = orjson.dumps(wish), datetime.now(UTC)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": call,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(HOOK).sign(call, now, raw.decode()),
        }
        return self._until(lambda: self.daemon.request("POST", "/hooks/ci", raw, headers), (200,))

    def _patient(
        self, method: str, path: str, body: dict[str, Any], fine: tuple[int, ...] = (200,)
    ) -> dict[str, Any]:
        raw, headers = orjson.dumps(body), {"Content-Type": "application/json"}
        return self._until(lambda: self.daemon.request(method, path, raw, headers), fine)

    def _until(self, ask: Callable[[], Answer], fine: tuple[int, ...]) -> dict[str, Any]:
        limit, said = time.monotonic() + 90, ""
        while time.monotonic() < limit:
            try:
                answer = ask()
                if answer.status in fine:
                    return dict(answer.json())
                said = f"{answer.status} {answer.body[:300]!r}"
            except OSError as error:
                said = str(error)
            time.sleep(0.02)
        raise AssertionError(said)

    # ------------------------------------------------------------------ the run

    def run(self, kills: int) -> Report:
        """Kill so often, let everything settle, and look."""
        failures: list[BaseException] = []

        def kept(work: Callable[[], None]) -> None:
            try:
                work()
            except BaseException as error:
                failures.append(error)

        with self.receiver, self.daemon:
            doers = (self._rules, self._people, self._hooks, self._reader)
            threads = [threading.Thread(target=kept, args=(work,), daemon=True) for work in doers]
            for thread in threads:
                thread.start()
            for _ in range(kills):
                time.sleep(self.chance.uniform(0.05, 0.7))
                self.daemon.kill()
                self.report.kills += 1
                self.daemon.start()
                self.back()
            self._stop.set()
            for thread in threads:
                thread.join(120)
            if failures:
                raise failures[0]
            self.bad = False
            self._settle()
            self.judge()
        return self.report

    def _settle(self) -> None:
        """Until the daemon owes nothing: short times have run out and every order is delivered."""
        time.sleep(1.2)
        self.daemon.restart()  # a new start sends at once what rested
        self._quiet()

    def _quiet(self) -> None:
        def owes_nothing() -> bool:
            found = self.daemon.get("/v1/deliveries?state=pending").json()
            return not found["deliveries"] and not found.get("more")

        until(owes_nothing, 120, "everything is delivered")

    # ------------------------------------------------------------------ the judgement

    def back(self) -> None:
        """The daemon has been killed and is back; for trials that look at more."""

    def judge(self) -> None:
        """Compare what is shown, what is enforced and what was told; what differs is in the report."""
        broken = self.report.broken
        now = self.daemon.get("/v1/switches").json()
        open_ = {s["id"]: s for s in now["settings"]}
        ended = {s["id"]: s for s in self.daemon.get("/v1/switches/history").json()["settings"]}
        known = open_ | ended
        self.report.settings = len(known)
        tools = {s["key"].split(".")[1] for s in known.values()}
        broken += [f"accepted and lost: {t}" for t in self.locked if t not in tools]
        for id_, wanted in self.wanted.items():
            if id_ not in known:
                broken.append(f"answered and lost: {id_}")
            elif (wanted == "set") is not (id_ in open_):
                broken.append(f"left {wanted}, and is not: {id_}")
        broken += [f"shown and not known: {id_}" for id_ in self.seen - known.keys()]
        self._enforced(open_, ended)
        self._told(open_, ended)

    def _enforced(self, open_: dict[str, Any], ended: dict[str, Any]) -> None:
        """Flags say what the list says."""
        contained = {s["key"] for s in open_.values()}
        for key in contained | {s["key"] for s in ended.values()}:
            found = self._evaluate(key.split(".")[1]).json()
            if found["value"] is (key in contained):
                self.report.broken.append(f"{key} is shown one way and read another")

    def _told(self, open_: dict[str, Any], ended: dict[str, Any]) -> None:
        """The service was told the same, once under one id, in order."""
        broken = self.report.broken
        bodies: dict[str, dict[str, Any]] = {}
        order: dict[str, list[str]] = defaultdict(list)
        for page in self.receiver.pages:
            if page.name != "acting":
                continue
            self.report.calls += 1
            if bodies.setdefault(page.key, page.body) != page.body:
                broken.append(f"one id, two orders: {page.key}")
            data = page.body["data"]
            if not page.key.startswith(f"{data['setting']}/"):
                broken.append(f"told under another id: {page.key}")
            if page.status == 200 and data["state"] not in order[data["setting"]]:
                order[data["setting"]].append(data["state"])
        broken += [f"told and not known: {i}" for i in order.keys() - open_.keys() - ended.keys()]
        for id_ in open_:
            if order[id_] != ["set"]:
                broken.append(f"{id_} is set, the service was told {order[id_]}")
        for id_ in ended:
            if order[id_] != ["set", "ended"]:
                broken.append(f"{id_} is over, the service was told {order[id_]}")
