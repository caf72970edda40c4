"""The real OpenFeature SDK of JavaScript with its OFREP provider against the real daemon.

Skipped without node or the two packages; ``make peers`` installs them where npm is there.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.integration.daemon import TOKEN, Daemon, Receiver, paging, until
from tests.integration.test_openfeature import LOCKING, SWITCHES, burst, review, send

PACKAGES = Path(sys.prefix) / "openfeature-js"
SCRIPT = Path(__file__).with_name("openfeature.mjs")


@contextmanager
def sdk(port: int, folder: Path) -> Iterator[Any]:
    """A process of node that evaluates flags."""
    node = shutil.which("node")
    if node is None or not (PACKAGES / "node_modules" / "@openfeature").exists():
        pytest.skip(
            "no JavaScript OpenFeature here; with node: npm install --prefix "
            "<virtual environment>/openfeature-js @openfeature/server-sdk @openfeature/ofrep-provider"
        )
    (folder / "node_modules").symlink_to(PACKAGES / "node_modules")
    script = folder / SCRIPT.name
    script.write_bytes(SCRIPT.read_bytes())
    command = [node, str(script), f"http://127.0.0.1:{port}", TOKEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(type_: str, key: str, fallback: Any, **context: str) -> dict[str, Any]:
            question = {"type": type_, "key": key, "fallback": fallback, "context": context}
            process.stdin.write(orjson.dumps(question) + b"\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            return dict(orjson.loads(process.stdout.readline()))  # type: ignore[union-attr]

        yield ask
        process.stdin.close()
        process.wait(10)


def test_javascript_reads_a_lock_its_release_and_every_type(tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    with Receiver() as receiver:
        files = {**paging(receiver.url("pages")), "switches.yaml": SWITCHES}
        with (
            Daemon(tmp_path, notifiers=files, rules={"test/burst.yaml": LOCKING}) as daemon,
            sdk(daemon.port, tmp_path / "js") as ask,
        ):

            def enabled() -> Any:
                return ask("boolean", "tool.shell.enabled", True, tenant="acme")["value"]

            assert enabled() is True
            burst(daemon, "a")
            until(lambda: enabled() is False, what="the tool is locked")
            found = ask("boolean", "tool.shell.enabled", True, tenant="acme")
            assert (found["reason"], found["variant"]) == ("STATIC", "contained")
            assert found["flagMetadata"]["rule"] == "test.burst"
            review(daemon, "fixed")
            assert enabled() is True
            for name in ("cap", "model", "policy"):
                assert send(daemon, "PUT", f"/v1/switches/{name}", reason="exercise").status == 200
            assert ask("number", "cap.usd_per_hour", 0)["value"] == 1.5
            assert ask("string", "route.model", "")["value"] == "small"
            assert ask("object", "policy.level", {})["value"] == {"level": "strict"}
            unknown = ask("boolean", "nothing.of.ours", True)
            assert (unknown["value"], unknown["errorCode"]) == (True, "FLAG_NOT_FOUND")
