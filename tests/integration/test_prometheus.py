"""A real Prometheus 2.42 whose rule fires and resolves through the daemon, also across kill -9: every page once, under one key."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.integration.daemon import OWNERS, SECRET, Daemon, Page, Receiver, until
from tests.integration.peers_am import Prometheus

RULES = """\
groups:
- name: tests
  rules:
  - alert: Boom
    expr: boom == 1
    labels: {severity: high, team: infra}
    annotations: {summary: "boom on {{ $labels.instance }}"}
  - alert: DaemonSeen
    expr: rulesd_build_info{job="rulesd"} == 1 and on() boom == 1
    labels: {severity: low}
"""
ROUTING = """\
route: {receiver: pager, group_by: [alertname], group_wait: WAIT, group_interval: 1s, repeat_interval: 24h}
receivers: [{name: pager}, {name: plain, webhook_configs: [{url: "URL/plain"}]}]
"""


class Target:
    """Something to scrape: one gauge that the test sets."""

    def __init__(self) -> None:
        self.boom = 0
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f"boom {target.boom}\n".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Watch:
    """Prometheus, its target, the daemon and the receiver of its pages."""

    def __init__(
        self, target: Target, daemon: Daemon, receiver: Receiver, prometheus: Prometheus
    ) -> None:
        self.target, self.daemon, self.receiver, self.prometheus = (
            target,
            daemon,
            receiver,
            prometheus,
        )

    def told(self, status: str, name: str = "Boom") -> list[Page]:
        """Pages that the receiver took and that tell this of the alert for the first time."""
        return [page for page in self.receiver.delivered("pages") if _tells(page, status, name)]

    def attempts(self, status: str, name: str = "Boom") -> dict[str, int]:
        """How often each page was sent, by its idempotency key, whatever became of it."""
        out: dict[str, int] = defaultdict(int)
        for page in list(self.receiver.pages):
            if page.name == "pages" and _tells(page, status, name):
                out[page.key] += 1
        return out

    def wait(self, status: str, count: int = 1) -> list[Page]:
        until(lambda: len(self.told(status)) >= count, 40, f"{status} {self.receiver.pages}")
        return self.told(status)


def _tells(page: Page, status: str, name: str) -> bool:
    return any(
        alert["rule"] == name and alert["status"] == status and alert["changed"]
        for alert in page.alerts
    )


@contextmanager
def watching(folder: Path, group_wait: str = "0s") -> Iterator[Watch]:
    with Target() as target, Receiver() as receiver:
        notifiers = {
            "routing.yaml": ROUTING.replace("WAIT", group_wait).replace("URL", receiver.url().rpartition("/")[0]),
            "owners.yaml": OWNERS,
            "receivers.yaml": f"receivers: {{pager: {{webhook: {{url: {receiver.url()}, secret: {SECRET}, timeout: 3s}}}}}}\n",
        }  # fmt: skip
        daemon = Daemon(folder / "d", notifiers=notifiers)
        prometheus = Prometheus(
            folder / "p",
            rules=RULES,
            targets={"target": target.address, "rulesd": f"127.0.0.1:{daemon.port}"},
            alertmanager=f"127.0.0.1:{daemon.port}",
        )
        with daemon, prometheus:
            yield Watch(target, daemon, receiver, prometheus)


def test_fires_and_resolves(tmp_path: Path) -> None:
    with watching(tmp_path) as watch:
        watch.target.boom = 1
        (page,) = watch.wait("firing")
        (alert,) = (one for one in page.alerts if one["rule"] == "Boom")
        labels: dict[str, Any] = dict(alert["labels"])
        assert labels == {
            "alertname": "Boom", "instance": watch.target.address, "job": "target", "severity": "high", "team": "infra",
        }  # fmt: skip
        assert alert["annotations"]["summary"] == f"boom on {watch.target.address}"
        (shown,) = watch.daemon.get("/api/v2/alerts?filter=alertname%3DBoom").json()
        assert shown["fingerprint"] == alert["fingerprint"]
        assert shown["generatorURL"].startswith("http://")
        # It is scraped as well: our own metrics are good enough for a rule of Prometheus.
        until(lambda: watch.told("firing", "DaemonSeen"), 30, "a rule over our own metrics")
        time.sleep(4)  # Prometheus sends again what still fires; nobody is paged again.
        watch.target.boom = 0
        watch.wait("resolved")
        until(lambda: watch.daemon.get("/api/v2/alerts").json() == [], 30, "no alert to be left")
        assert len(watch.told("firing")) == 1
        assert len(watch.told("resolved")) == 1


def test_kills_lose_no_page_and_make_no_second_one(tmp_path: Path) -> None:
    with watching(tmp_path, group_wait="1s") as watch:
        # In group_wait: accepted, not paged yet. Its page comes after the restart.
        watch.target.boom = 1
        until(lambda: watch.daemon.get("/api/v2/alerts").json(), 30, "the alert to be accepted")
        watch.daemon.restart()
        watch.wait("firing")
        # While it is over and nobody is there: Prometheus tells it again until somebody listens.
        watch.daemon.kill()
        watch.target.boom = 0
        time.sleep(1.5)
        watch.daemon.start()
        watch.wait("resolved")
        # In the middle of a page's POST: it goes out again under the same key.
        watch.receiver.mood = lambda name: 1.5 if name == "pages" else None
        watch.target.boom = 1
        until(lambda: len(watch.attempts("firing")) == 2, 40, "the second page to be under way")
        watch.daemon.kill()
        watch.receiver.mood = None
        watch.daemon.start()
        watch.wait("firing", 2)
        watch.target.boom = 0
        watch.wait("resolved", 2)
        time.sleep(2)
        firing, resolved = watch.attempts("firing"), watch.attempts("resolved")
        assert len(firing) == 2, "one page for each time it fired, whatever happened in between"
        assert len(resolved) == 2
        assert max(firing.values()) <= 2, "at most one repeat, under the same key"
        assert max(resolved.values()) <= 2
