"""A storm: 100,000 alerts posted over API v2, to the daemon and to a real Alertmanager with the same ``group_wait: 0s``, one after the other.

Run ``make bench NAME=storm`` (``ARGS="--alerts 10000 --groups 500"`` for a short one). Both get the same configuration, the same bodies and
the same receiver. A group's time runs from before the POST of its first alert to the arrival of its page; memory is read when all alerts
are active and all pages are out.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from tests.bench.daemons import folder, header, percentile, row
from tests.integration.daemon import TOKEN, Daemon, Receiver
from tests.integration.peers_am import Alertmanager, request

MEMORY_MB = 252.0
ROUTING = """\
route: {receiver: pager, group_by: [alertname, cluster], group_wait: 0s, group_interval: 1h, repeat_interval: 24h}
receivers: [{name: pager, webhook_configs: [{url: "URL"}]}]
"""
HEADERS = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}


@dataclass
class Figures:
    """What one process did."""

    posted_s: float = 0.0
    paged_s: float = 0.0
    "From the first post until every group's page had arrived."

    pages: int = 0
    groups: int = 0
    "... of them, groups of which a page arrived."

    delays_ms: list[float] = field(default_factory=list)
    posts_ms: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    before_mb: float = 0.0
    after_mb: float = 0.0
    list_s: float = 0.0
    "``GET /api/v2/alerts`` of all of them."

    listed: int = 0
    again_ms: list[float] = field(default_factory=list)
    "Posts of what is known already, as Prometheus sends every minute."


def bodies(alerts: int, groups: int, each: int) -> list[tuple[bytes, list[str]]]:
    """Posts of ``each`` alerts, and the groups that begin in each."""
    per_group = max(1, alerts // groups)
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
    out = []
    for start in range(0, alerts, each):
        portion = range(start, min(start + each, alerts))
        rows = [_alert(n, n // per_group, ends) for n in portion]
        out.append(
            (orjson.dumps(rows), [f"c{n // per_group}" for n in portion if not n % per_group])
        )
    return out


def _alert(number: int, group: int, ends: str) -> dict[str, object]:
    return {
        "labels": {
            "alertname": "TargetDown",
            "cluster": f"c{group}",
            "instance": f"10.0.{number % 251}.{number // 251}:9100",
            "job": "node",
            "severity": "low",
        },
        "annotations": {"summary": f"target {number} is down"},
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": ends,
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
    }


def measure(
    peer: Daemon | Alertmanager,
    receiver: Receiver,
    posts: Sequence[tuple[bytes, list[str]]],
    groups: int,
) -> Figures:
    """One storm on one process that is up."""
    out = Figures(before_mb=peer.rss_mb())
    url = f"http://127.0.0.1:{peer.port}/api/v2/alerts"
    sent: dict[str, float] = {}
    cpu = peer.cpu_seconds()
    began = time.time()
    for body, firsts in posts:
        at = time.time()
        sent.update(dict.fromkeys(firsts, at))
        _post(url, body, out.posts_ms)
    out.posted_s = time.time() - began
    arrived = _arrivals(receiver, groups)
    out.pages, out.groups = len(receiver.pages), len(arrived)
    out.paged_s = max(arrived.values(), default=began) - began
    out.delays_ms = [(at - sent[name]) * 1000 for name, at in arrived.items()]
    out.cpu_s = peer.cpu_seconds() - cpu
    out.after_mb = peer.rss_mb()
    at = time.perf_counter()
    out.listed = len(orjson.loads(request(url, headers=HEADERS).body))
    out.list_s = time.perf_counter() - at
    for body, _ in posts[: max(1, len(posts) // 4)]:
        _post(url, body, out.again_ms)
    return out


def _post(url: str, body: bytes, took: list[float]) -> None:
    """As a patient source does: again when it is told to come back."""
    at = time.perf_counter()
    while (said := request(url, "POST", body, HEADERS)).status == 503:
        time.sleep(float(said.headers.get("Retry-After", "1")))
    assert said.status == 200, said
    took.append((time.perf_counter() - at) * 1000)


def _arrivals(receiver: Receiver, groups: int, patience: float = 60.0) -> dict[str, float]:
    """When each group's first page arrived; waits while pages still come."""
    known, limit = -1, time.monotonic() + patience
    out: dict[str, float] = {}
    while len(out) < groups and time.monotonic() < limit:
        time.sleep(0.2)
        pages = list(receiver.pages)
        if len(pages) != known:
            known, limit = len(pages), time.monotonic() + patience
            for page in pages:
                out.setdefault(page.body["groupLabels"]["cluster"], page.at)
    return out


def run(name: str, home: Path, args: argparse.Namespace) -> Figures:
    """One process from start to end."""
    posts = bodies(args.alerts, args.groups, args.each)
    with Receiver() as receiver:
        routing = ROUTING.replace("URL", receiver.url())
        make: dict[str, Callable[[], Daemon | Alertmanager]] = {
            "rulesd": lambda: Daemon(
                home / name,
                notifiers={
                    "routing.yaml": routing,
                    "owners.yaml": "owners: {safety: {contact: them}}\n",
                },
                settings="owner_page_limit: {pages: 1000000, within: 5m}\n",
            ),
            "Alertmanager": lambda: Alertmanager(home / name, routing),
        }
        with make[name]() as peer:
            return measure(peer, receiver, posts, args.groups)


def show(name: str, found: Figures, args: argparse.Namespace) -> bool:
    """Print one process's figures; whether they reached their goals."""
    print(f"  {name}")
    row("  posting, alerts/s (durable before 200: rulesd alone)", args.alerts / found.posted_s)
    row("  one post, median", percentile(found.posts_ms, 0.5), "ms")
    row("  one post, p99", percentile(found.posts_ms, 0.99), "ms")
    row("  one post of what is known, median", percentile(found.again_ms, 0.5), "ms")
    good = row("  groups paged", found.groups, "", lambda v: v == args.groups, f"= {args.groups}")
    row("  requests at the receiver", found.pages)
    row("  pages/s, from the first post to the last page", found.groups / max(found.paged_s, 0.001))
    row("  page of a group after its post, median", percentile(found.delays_ms, 0.5), "ms")
    row("  page of a group after its post, p99", percentile(found.delays_ms, 0.99), "ms")
    row("  processor time", found.cpu_s, "s")
    row("  memory before", found.before_mb, "MB")
    limit = None if name != "rulesd" else lambda v: v <= MEMORY_MB
    good &= row(
        "  memory with all alerts active",
        found.after_mb,
        "MB",
        limit,
        f"<= {MEMORY_MB:.0f}" if limit else "",
    )
    good &= row("  alerts listed", found.listed, "", lambda v: v == args.alerts, f"= {args.alerts}")
    row("  listing all of them", found.list_s, "s")
    return good


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=100_000)
    parser.add_argument("--groups", type=int, default=5_000)
    parser.add_argument("--each", type=int, default=500, help="alerts in one post")
    parser.add_argument("--ours", action="store_true", help="rulesd alone")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    header(
        f"{args.alerts:,} alerts of other systems in {args.groups:,} groups, {args.each} in a post"
    )
    good, figures = True, {}
    with folder() as home:
        for name in ("rulesd",) if args.ours else ("Alertmanager", "rulesd"):
            figures[name] = run(name, home, args)
            good &= show(name, figures[name], args)
    if not args.ours:
        ours, theirs = figures["rulesd"], figures["Alertmanager"]
        print("  rulesd / Alertmanager")
        row("  pages/s", theirs.paged_s / ours.paged_s)
        row("  page p99", percentile(ours.delays_ms, 0.99) / percentile(theirs.delays_ms, 0.99))
        row("  memory", ours.after_mb / theirs.after_mb)
    if args.json:
        print(json.dumps({name: round(one.after_mb) for name, one in figures.items()}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
