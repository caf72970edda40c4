"""The demo's folder: the shipped rules and notifiers, pointed at the stand-ins, and the settings of the daemon.

Law: rules, owners and routes are the shipped ones, byte for byte, but for three things the folder says itself: where Slack and PagerDuty
are, a signed webhook beside the tickets, and a group wait short enough to watch.
"""

import base64
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from rulesd.demo.broker import TOPIC_FILTER

GROUP_WAIT = "1s"
TICKETS = "tickets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Where the stand-ins listen."""

    slack_api: str
    pagerduty: str
    tickets: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What the demo makes up for itself; good for nothing else."""

    slack_token: str
    pagerduty_key: str
    tickets_webhook: str
    admin_token: str

    @classmethod
    def fresh(cls) -> "Secrets":
        """New ones."""
        return cls(
            slack_token=f"xoxb-demo-{secrets.token_hex(12)}",
            pagerduty_key=secrets.token_hex(16),
            tickets_webhook=f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}",
            admin_token=f"rk_demo_{secrets.token_urlsafe(24)}",
        )


def bundled(name: str) -> Path:
    """The folder ``name`` (``rules``, ``notifiers``) as it came with the package, or of this checkout."""
    package = Path(__file__).resolve().parent.parent
    for candidate in (package / "_shipped" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"{name} did not come with this installation. Install rulesd again")


def prepare(folder: Path, doors: Doors, made: Secrets) -> None:
    """Write rules, notifiers and credentials."""
    for name in ("rules", "notifiers"):
        shutil.copytree(bundled(name), folder / name, dirs_exist_ok=True)
    notifiers = folder / "notifiers"
    receivers, routing = notifiers / "receivers.yaml", notifiers / "routing.yaml"
    receivers.write_text(pointed(receivers.read_text("utf-8"), doors), "utf-8")
    routing.write_text(hurried(routing.read_text("utf-8")), "utf-8")
    credentials = folder / "credentials"
    credentials.mkdir(mode=0o700, exist_ok=True)
    for name, value in {
        "slack_token": made.slack_token,
        "pagerduty_key": made.pagerduty_key,
        "tickets_webhook_secret": made.tickets_webhook,
    }.items():
        (credentials / name).write_text(value)
        (credentials / name).chmod(0o600)


def pointed(receivers: str, doors: Doors) -> str:
    """``receivers.yaml`` with every channel at the stand-ins, and a signed webhook beside the tickets."""
    document = _read(receivers)
    for receiver in document["receivers"].values():
        for kind, place in (("slack", "api_url"), ("pagerduty", "url")):
            channels = receiver.get(kind, [])
            for channel in channels if isinstance(channels, list) else [channels]:
                channel[place] = doors.slack_api if kind == "slack" else doors.pagerduty
    tickets = document["receivers"].get(TICKETS)
    if tickets is not None:
        secret = {"credential": "tickets_webhook_secret"}
        tickets["webhook"] = {"url": doors.tickets, "secret": secret}
    return _written(document)


def hurried(routing: str) -> str:
    """``routing.yaml`` with a short group wait: who watches should not have to."""
    document = _read(routing)
    document["route"]["group_wait"] = GROUP_WAIT
    return _written(document)


def settings(folder: Path, *, port: int, broker: str) -> str:
    """``rulesd.yaml``; ``broker`` is the address of the MQTT broker."""
    document: dict[str, Any] = {
        "rules": "rules",
        "notifiers": "notifiers",
        "state": "state",
        "listen": f"127.0.0.1:{port}",
        "external_url": f"http://127.0.0.1:{port}",
        "sources": {"mqtt": [{"url": broker, "topics": [TOPIC_FILTER]}]},
    }
    return _written(document)


def environment(inherited: Mapping[str, str], folder: Path, made: Secrets) -> dict[str, str]:
    """The daemon's environment: nothing of the user's own rulesd settings, and this very package."""
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith("RULESD_") and name not in ("NOTIFY_SOCKET", "WATCHDOG_USEC")
    }
    package = str(Path(__file__).resolve().parent.parent.parent)
    paths = [package, *filter(None, [inherited.get("PYTHONPATH", "")])]
    return kept | {
        "PYTHONPATH": os.pathsep.join(paths),
        "CREDENTIALS_DIRECTORY": str(folder / "credentials"),
        "RULESD_ADMIN_TOKEN": made.admin_token,
    }


def _read(text: str) -> Any:
    return YAML().load(text)


def _written(document: Any) -> str:
    out = StringIO()
    YAML().dump(document, out)
    return out.getvalue()
