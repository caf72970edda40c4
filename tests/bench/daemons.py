"""What the benchmarks of the running daemon share: daemons, events, ratios and one way to print them."""

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson

from tests.integration.daemon import ROOT, Daemon, paging

NO_STORE = '''
"""The same daemon, with a store that forgets."""
from rulesd.stores.sqlite import SqliteStore
SqliteStore.commit = lambda self, commit: None
'''


def environ(site: str = "", folder: Path | None = None) -> dict[str, str]:
    """The environment of a daemon that is changed at its start by ``site``."""
    if not site:
        return {}
    assert folder is not None
    (folder / "site").mkdir(parents=True, exist_ok=True)
    (folder / "site" / "sitecustomize.py").write_text(site)
    return {"PYTHONPATH": f"{folder / 'site'}:{ROOT}"}


@contextmanager
def folder() -> Iterator[Path]:
    """A folder on a real disk for one run."""
    with tempfile.TemporaryDirectory(prefix="rulesd-bench-") as name:
        yield Path(name)


def shipped(home: Path, url: str, *, site: str = "", **more: object) -> Daemon:
    """A daemon with the shipped rules whose pages all go to ``url``."""
    owners = (ROOT / "notifiers" / "owners.yaml").read_text()
    names = [
        line.strip(" :\n")
        for line in owners.splitlines()
        if line.startswith("  ") and line.endswith(":") and not line.startswith("   ")
    ]
    notifiers = {
        **paging(url),
        "owners.yaml": "owners:\n" + "".join(f"  {n}: {{contact: them}}\n" for n in names),
    }
    return Daemon(
        home, rules=ROOT / "rules", notifiers=notifiers, environ=environ(site, home), **more
    )  # type: ignore[arg-type]


def traffic(prefix: str, count: int) -> list[bytes]:
    """Ordinary events: tool calls, policy decisions, retrievals, costs; nothing that pages."""
    out = []
    for n in range(count):
        kind = n % 4
        head = {
            "specversion": "1.0",
            "id": f"{prefix}-{n}",
            "source": f"/assistants/{n % 20}",
            "tenant": f"tenant-{n % 50}",
        }
        labels = {
            "service": "chat",
            "route": "/v1/chat",
            "model": "m-large",
            "session_id": f"s{n % 997}",
            "latency_ms": n % 1500,
        }
        if kind == 0:
            head |= {
                "type": "ai.safety.tool.call.v1",
                "data": {
                    **labels,
                    "tool": f"tool{n % 9}",
                    "outcome": "ok",
                    "scope": "in",
                    "phase": "result",
                },
            }
        elif kind == 1:
            head |= {
                "type": "ai.safety.policy.decision.v1",
                "data": {**labels, "stage": "output", "verdict": "allow", "score": 0.1},
            }
        elif kind == 2:
            head |= {
                "type": "ai.safety.retrieval.query.v1",
                "data": {**labels, "index": "kb", "filter_outcome": "applied", "result_count": 8},
            }
        else:
            head |= {
                "type": "ai.safety.usage.cost.v1",
                "data": {**labels, "meter": "tokens", "input_tokens": 900, "output_tokens": 120},
            }
        out.append(orjson.dumps(head))
    return out


def bodies(prefix: str, count: int, each: int) -> list[list[bytes]]:
    """Batches of ``each`` events."""
    lines = traffic(prefix, count)
    return [lines[i : i + each] for i in range(0, count, each)]


def blast(daemon: Daemon, batches: Sequence[list[bytes]], senders: int = 4) -> float:
    """Seconds until every batch was answered with 202, over so many connections."""
    left = list(batches)
    lock = threading.Lock()
    failed: list[str] = []

    def send() -> None:
        while True:
            with lock:
                if not left:
                    return
                batch = left.pop()
            answer = daemon.post(batch)
            if answer.status != 202:
                failed.append(f"{answer.status} {answer.body[:200]!r}")
                return

    threads = [threading.Thread(target=send, daemon=True) for _ in range(senders)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - began
    assert not failed, failed[0]
    return spent


def percentile(values: Sequence[float], share: float) -> float:
    """A percentile, by the nearest rank."""
    found = sorted(values)
    return found[min(len(found) - 1, round(share * (len(found) - 1)))] if found else float("nan")


def fsync_ms(home: Path, count: int = 50) -> list[float]:
    """What one fsync of 4 KiB costs on this disk right now, in milliseconds."""
    path = home / "probe"
    out = []
    with path.open("wb") as file:
        for _ in range(count):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            out.append((time.perf_counter() - began) * 1000)
    path.unlink()
    return out


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def header(title: str) -> None:
    """The first lines: what is measured, and how busy the machine is."""
    one, five, _ = os.getloadavg()
    print(
        f"{title}\n  ({os.cpu_count()} processors, load average {one:.1f} over one minute, {five:.1f} over five)"
    )


def row(
    name: str,
    value: float,
    unit: str = "",
    goal: Callable[[float], bool] | None = None,
    said: str = "",
) -> bool:
    """Print one figure; whether it reached its goal."""
    good = goal is None or goal(value)
    mark = "" if goal is None else "ok" if good else "MISSED"
    print(f"  {name:<62} {value:>12,.2f} {unit:<6} {said:<12} {mark}", flush=True)
    return good
