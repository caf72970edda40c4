"""The real daemon as a process of its own, and a receiver in this one: what integration tests, proofs and benches start from.

::

    with Receiver() as receiver, Daemon(folder, notifiers=paging(receiver.url("pages"))) as daemon:
        daemon.post([event("e1", tool="x")])
        receiver.wait(1)
        daemon.kill()       # kill -9
        daemon.start()      # the same state, the same port
"""

import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

import orjson

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "an-admin-token-of-the-tests-only-0123456789"
SIGNING = "whsec_dGhlIHRlc3RzIHNpZ24gdGhlaXIgcGFnZXMgd2l0aCB0aGlz"
SECRET = "{env: WEBHOOK_SECRET}"
START_SECONDS = 60.0
"A busy machine is no counter-example."

OWNERS = "owners: {safety: {contact: the safety team}}\n"
ROUTING = """\
route: {receiver: pager, group_by: ["..."], group_wait: 0s, group_interval: 1m, repeat_interval: 24h}
receivers: [{name: pager}]
"""
NEVER = """\
id: test.never
title: It must never happen
summary: "{{ labels.tool }} did it"
owner: safety
runbook: https://runbooks.example.org/never
on: [tool.call]
when: {"===": [{"var": "data.scope"}, "out"]}
detect: never
by: [tenant, tool]
severity: critical
"""
BURST = """\
id: test.burst
title: Too many denials
owner: safety
runbook: https://runbooks.example.org/burst
on: [tool.call]
when: {"===": [{"var": "data.outcome"}, "denied"]}
detect: {burst: {count: 5, within: 5m}}
by: [tool]
severity: high
"""
RULES = {"test/never.yaml": NEVER, "test/burst.yaml": BURST}


def free_port() -> int:
    """A TCP port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def paging(url: str, *, timeout: str = "2s", extra: str = "") -> dict[str, str]:
    """A notifiers folder with one webhook (a machine: it gets every alert)."""
    return {
        "routing.yaml": ROUTING,
        "owners.yaml": OWNERS,
        "receivers.yaml": f"receivers: {{pager: {{webhook: {{url: {url}, secret: {SECRET}, timeout: {timeout}}}{extra}}}}}\n",
    }


def event(
    id_: str, *, type_: str = "tool.call", source: str = "/svc", **data: Any
) -> dict[str, Any]:
    """A CloudEvent."""
    return {
        "specversion": "1.0",
        "id": id_,
        "source": source,
        "type": type_,
        "tenant": "acme",
        "data": data,
    }


def until(true: Callable[[], Any], seconds: float = 30.0, what: str = "") -> Any:
    """Wait for something to become true; returns it."""
    limit = time.monotonic() + seconds
    while not (found := true()):
        if time.monotonic() > limit:
            raise AssertionError(f"not within {seconds:g} s: {what or true}")
        time.sleep(0.02)
    return found


class Answer(NamedTuple):
    """What the daemon answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


class Daemon:
    """One daemon with a folder of its own. ``wrapper`` is put before the command (``faketime`` ...)."""

    def __init__(
        self,
        folder: Path,
        *,
        rules: Mapping[str, str] | Path | None = None,
        notifiers: Mapping[str, str] | Path,
        settings: str = "",
        flags: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
        limits: Mapping[int, tuple[int, int]] | None = None,
    ) -> None:
        self.folder, self.state = folder, folder / "state"
        folder.mkdir(parents=True, exist_ok=True)
        self.rules = write(folder / "rules", RULES if rules is None else rules)
        self.notifiers = write(folder / "notifiers", notifiers)
        (folder / "rulesd.yaml").write_text(settings or "{}\n")
        self.port = free_port()
        self.flags, self.environ, self.wrapper = tuple(flags), dict(environ or {}), tuple(wrapper)
        self.limits = dict(limits or {})
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.ready_seconds = 0.0
        self._local = threading.local()
        self._links: list[http.client.HTTPConnection] = []

    # ------------------------------------------------------------------ life

    def start(self, *, ready: bool = True) -> Self:
        """Start, and wait until it takes events."""
        command = [sys.executable, "-m", "rulesd", "run", "-c", str(self.folder / "rulesd.yaml")]
        command += ["--rules", str(self.rules), "--notifiers", str(self.notifiers)]
        command += ["--state", str(self.state), "--listen", f"127.0.0.1:{self.port}", *self.flags]
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "RULESD_ADMIN_TOKEN": TOKEN,
            "WEBHOOK_SECRET": SIGNING,
            **self.environ,
        }
        began = time.monotonic()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, *command],
                cwd=self.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=self._limit if self.limits else None,  # noqa: PLW1509 - it calls setrlimit alone
            )
        self.starts += 1
        if ready:
            self.wait_ready()
            self.ready_seconds = time.monotonic() - began
        return self

    def _limit(self) -> None:
        for which, values in self.limits.items():
            resource.setrlimit(which, values)

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Until it listens."""
        limit = time.monotonic() + seconds
        while True:
            try:
                if self.get("/-/ready").status == 200:
                    return
            except OSError:
                pass
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(
                    f"the daemon ended: {self.process.returncode}\n{self.log()[-3000:]}"
                )
            assert time.monotonic() < limit, f"not ready\n{self.log()[-3000:]}"
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9: the process ends between two instructions."""
        self._signal(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        return self._signal(signal.SIGTERM)

    def signal(self, number: int) -> None:
        """Send a signal and go on."""
        assert self.process is not None
        self.process.send_signal(number)

    def restart(self) -> None:
        """kill -9 and start again."""
        self.kill()
        self.start()

    def _signal(self, number: int) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        self.process = None
        return code

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def __enter__(self) -> Self:
        return self if self.process else self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
        for link in self._links:
            link.close()

    # ------------------------------------------------------------------ talking to it

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request on this thread's connection; raises ``OSError`` when there is no answer."""
        link: http.client.HTTPConnection | None = getattr(self._local, "link", None)
        if link is not None and time.monotonic() - self._local.used > 3:
            link.close()  # The daemon may be closing it just now.
            link = None
        self._local.used = time.monotonic()
        if link is None:
            link = self._local.link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            self._links.append(link)
        try:
            link.request(
                method, path, body, {"Authorization": f"Bearer {TOKEN}", **(headers or {})}
            )
            answer = link.getresponse()
            found = Answer(answer.status, dict(answer.headers), answer.read())
        except (OSError, http.client.HTTPException) as error:
            link.close()
            self._local.link = None
            raise OSError(f"no answer: {type(error).__name__}") from error
        if answer.will_close:
            link.close()
            self._local.link = None
        return found

    def get(self, path: str) -> Answer:
        """A GET; one more try when an idle connection had been closed."""
        try:
            return self.request("GET", path)
        except OSError:
            return self.request("GET", path)

    def post(self, events: Iterable[Mapping[str, Any] | bytes]) -> Answer:
        """Events as NDJSON."""
        lines = [e if isinstance(e, bytes) else orjson.dumps(e) for e in events]
        return self.request(
            "POST",
            "/v1/events",
            b"\n".join(lines) + b"\n",
            {"Content-Type": "application/x-ndjson"},
        )

    def accept(
        self, events: Iterable[Mapping[str, Any] | bytes], seconds: float = 60.0
    ) -> dict[str, Any]:
        """Post until accepted, as a patient producer does."""
        batch = list(events)
        limit = time.monotonic() + seconds
        while True:
            try:
                answer = self.post(batch)
                if answer.status == 202:
                    return answer.json()  # type: ignore[no-any-return]
                said = f"{answer.status} {answer.body[:200]!r}"
            except OSError as error:
                said = str(error)
            assert time.monotonic() < limit, f"not accepted: {said}\n{self.log()[-3000:]}"
            time.sleep(0.05)

    def metrics(self) -> dict[str, float]:
        """Samples by their text, such as ``rulesd_events_total{outcome="matched",source="http"}``."""
        out: dict[str, float] = {}
        for line in self.get("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                out[name] = float(value)
        return out

    def total(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels."""
        wanted = [f'{k}="{v}"' for k, v in labels.items()]
        return sum(
            v
            for k, v in self.metrics().items()
            if k.split("{")[0] == name and all(w in k for w in wanted)
        )

    def log(self) -> str:
        """What it logged over all its lives."""
        return (self.folder / "log").read_text(errors="replace")

    def rss_mb(self) -> float:
        """Resident memory now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu_seconds(self) -> float:
        """Processor time it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def write(folder: Path, files: Mapping[str, str] | Path) -> Path:
    """A folder made of texts; a folder that exists stays where it is."""
    if isinstance(files, Path):
        return files
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


# ---------------------------------------------------------------------- the receiver


class Page(NamedTuple):
    """One request at the receiver."""

    name: str
    "The last part of its path."

    at: float
    "Seconds since the epoch."

    key: str
    "``webhook-id``: the idempotency key."

    body: dict[str, Any]
    status: int
    "What it was answered; 0: nothing."

    @property
    def alerts(self) -> list[dict[str, Any]]:
        return list(self.body["data"]["alerts"])


class Receiver:
    """A webhook's receiver in threads of its own. ``mood`` says how to answer: a status, or seconds to wait, or ``None`` for 200."""

    def __init__(
        self, mood: Callable[[str], int | float | None] | None = None, *, parse: bool = True
    ) -> None:
        self.pages: list[Page] = []
        self.mood = mood
        self.after: Callable[[str], None] | None = None
        "Called when an answer is out."
        self.sockets: list[socket.socket] = []
        self._parse = parse
        self._ending = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def setup(self) -> None:
                super().setup()
                receiver.sockets.append(self.connection)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                at = time.time()
                status = receiver.take(self.path, self.headers.get("webhook-id", ""), body, at)
                if not status:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                if receiver.after is not None:
                    receiver.after(self.path.rsplit("/", 1)[-1])

            def log_message(self, *_: object) -> None:
                return

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

        class Server(ThreadingHTTPServer):
            daemon_threads = False
            block_on_close = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                return

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def take(self, path: str, key: str, body: bytes, at: float) -> int:
        """Keep a request and say what it is answered."""
        name = path.rsplit("/", 1)[-1]
        mood = self.mood(name) if self.mood else None
        status = 200 if mood is None else mood if isinstance(mood, int) else 0
        said = orjson.loads(body) if self._parse and body else {}
        self.pages.append(Page(name, at, key, said, status))
        if isinstance(mood, float):
            self._ending.wait(mood)
        return status

    def url(self, name: str = "pages") -> str:
        """The address of one of its doors."""
        return f"http://127.0.0.1:{self.port}/{name}"

    def wait(self, count: int, seconds: float = 30.0) -> list[Page]:
        """Until so many requests have come."""
        until(lambda: len(self.pages) >= count, seconds, f"{count} pages, have {len(self.pages)}")
        return self.pages

    def delivered(self, name: str = "") -> list[Page]:
        """Those answered with 200."""
        return [p for p in list(self.pages) if p.status == 200 and (not name or p.name == name)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._server.shutdown()
        for each in self.sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._server.server_close()


def journal(state: Path) -> Iterator[tuple[int, Any]]:
    """The inputs in the journal of a stopped daemon."""
    from rulesd.stores.sqlite import SqliteStore

    store = SqliteStore(state)
    store.open()
    try:
        yield from store.tail(0)
    finally:
        store.close()


def journaled_ids(state: Path) -> list[str]:
    """Ids of all events in the journal, in order."""
    return [
        str(orjson.loads(row.payload)[2]["id"]) for _, row in journal(state) if row.kind == "event"
    ]


def decision_log(state: Path) -> bytes:
    """The live decision log of a stopped daemon, as ``replay`` would print it."""
    from rulesd.stores.sqlite import SqliteStore

    store = SqliteStore(state)
    store.open()
    try:
        lines: list[bytes] = []
        after = 0
        while rows := store.read_decisions(after_seq=after, limit=5000):
            lines += [row.body + b"\n" for row in rows]
            after = rows[-1].seq
        return b"".join(lines)
    finally:
        store.close()


def replayed_log(state: Path) -> bytes:
    """``rulesd replay STATE_DIR``."""
    command = [sys.executable, "-m", "rulesd", "replay", str(state)]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


def first_difference(one: bytes, other: bytes) -> str:
    """Where two logs part, for people."""
    for number, (a, b) in enumerate(zip(one.splitlines(), other.splitlines(), strict=False), 1):
        if a != b:
            return f"line {number}:\n  {a.decode()}\n  {b.decode()}"
    count = len(one.splitlines()), len(other.splitlines())
    return f"one is a part of the other: {count[0]} and {count[1]} lines" if one != other else ""


def facts(log: bytes) -> list[dict[str, Any]]:
    """The decisions of a log."""
    return [json.loads(line) for line in log.splitlines()]
