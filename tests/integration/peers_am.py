"""The real Alertmanager, amtool and Prometheus as processes of their own, beside our daemon: what tests, proofs and benches compare with."""

import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from tests.integration.daemon import TOKEN, free_port, until
from tests.peers import program


class Said(NamedTuple):
    """What a request was answered."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def request(
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Said:
    """One request on a connection of its own; a refusal is an answer like any other."""
    wanted = urllib.request.Request(url, body, dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(wanted, timeout=30) as answer:
            return Said(answer.status, answer.read(), dict(answer.headers))
    except urllib.error.HTTPError as error:
        with error:
            return Said(error.code, error.read(), dict(error.headers))


class Process:
    """One program of a system package, with a folder and a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """How it is started."""
        raise NotImplementedError

    def start(self) -> Self:
        """Start, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until(self._ready, 30, f"{self.command()[0]} to be ready")
        return self

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            return request(f"{self.url}/-/ready").status == 200
        except OSError:
            return False

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)
        self.process = None

    def rss_mb(self) -> float:
        """Resident memory now."""
        assert self.process is not None
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu_seconds(self) -> float:
        """Processor time it has used."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self) -> Self:
        return self if self.process else self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


class Alertmanager(Process):
    """A real Alertmanager without a cluster."""

    def __init__(self, folder: Path, config: str, flags: Sequence[str] = ()) -> None:
        super().__init__(folder)
        (folder / "alertmanager.yml").write_text(config)
        self.flags = tuple(flags)

    def command(self) -> list[str]:
        return [
            program("prometheus-alertmanager"),
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
            *self.flags,
        ]


class Prometheus(Process):
    """A real Prometheus that scrapes ``targets``, evaluates ``rules`` twice a second, sends what fires every 3 s (for 12 s), and tells ``alertmanager`` (host:port)."""

    def __init__(
        self, folder: Path, *, rules: str, targets: Mapping[str, str], alertmanager: str
    ) -> None:
        """``targets``: address by job."""
        super().__init__(folder)
        (folder / "rules.yml").write_text(rules)
        jobs = "".join(
            f"- {{job_name: {job}, static_configs: [{{targets: ['{address}']}}]}}\n"
            for job, address in targets.items()
        )
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 500ms, scrape_timeout: 400ms, evaluation_interval: 500ms}\n"
            f"rule_files: [{folder / 'rules.yml'}]\n"
            "alerting:\n  alertmanagers:\n"
            f"  - {{api_version: v2, basic_auth: {{username: prometheus, password: {TOKEN}}}, "
            f"static_configs: [{{targets: ['{alertmanager}']}}]}}\n"
            f"scrape_configs:\n{jobs}"
        )

    def command(self) -> list[str]:
        return [
            program("prometheus"),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--rules.alert.resend-delay=3s",
            "--log.level=warn",
        ]


class Amtool:
    """The real amtool, talking to one address with our token (which a real Alertmanager does not ask for)."""

    def __init__(self, folder: Path, url: str) -> None:
        self.home = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.url = url
        self.login = folder / "http.yml"
        self.login.write_text(f"basic_auth: {{username: amtool, password: {TOKEN}}}\n")
        self.count = 0

    def __call__(self, *words: str, code: int = 0, stdin: str = "") -> str:
        """Run one command; its output (and what it says on stderr, when it is to fail)."""
        self.count += 1
        command = [
            program("amtool"),
            f"--alertmanager.url={self.url}",
            f"--http.config.file={self.login}",
            *words,
        ]
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.home), "TZ": "UTC"}
        done = subprocess.run(
            command, input=stdin, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, (
            f"amtool {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return (done.stdout + (done.stderr if code else "")).strip()
