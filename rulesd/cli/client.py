"""Talking to a running daemon from the command line.

Law: one request, one answer; no daemon is exit 3, a refusal is exit 1 with the daemon's own words. The token comes from ``RULESD_TOKEN``,
else from ``RULESD_ADMIN_TOKEN`` (the one the daemon was given),
else from the state folder's ``admin_token`` when the daemon is on this machine.
"""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer

from rulesd.model.errors import DaemonUnreachable, RulesdError

ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        help="The daemon's address (RULESD_URL; default http://127.0.0.1:9095).",
        metavar="URL",
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        help="API token (RULESD_TOKEN, RULESD_ADMIN_TOKEN, or the one in the state folder).",
        metavar="TOKEN",
    ),
]

TIMEOUT_S = 30.0


class Refused(RulesdError):
    """The daemon said no; ``status`` is the HTTP status it said so with."""

    status: int = 0


def _url(given: str) -> str:
    """An address as people write it: ``HOST:PORT`` is one, too."""
    return (given if "://" in given else f"http://{given}").rstrip("/")


class Client:
    """One daemon, one token."""

    def __init__(self, server: str | None, token: str | None) -> None:
        """Find out where the daemon is and who we are."""
        state = Path(os.environ.get("RULESD_STATE", "state"))
        self.server = _url(server or os.environ.get("RULESD_URL") or _address(state))
        said = (token, os.environ.get("RULESD_TOKEN"), os.environ.get("RULESD_ADMIN_TOKEN"))
        self._token = next((one.strip() for one in said if one), "") or _read(state / "admin_token")

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One request; the decoded answer.

        Raises:
            DaemonUnreachable: nobody answers.
            Refused: the daemon answered with an error.
        """
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.server + path, data=data, method=method)  # noqa: S310
        request.add_header("Accept", "application/json")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            refused = Refused(_words(error.code, error.read()))
            refused.status = error.code
            raise refused from None
        except (urllib.error.URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise DaemonUnreachable(
                f"no daemon answers at {self.server} ({reason}). Start one with `rulesd run`, or say where with --server"
            ) from None
        return json.loads(text) if text else None


def _address(state: Path) -> str:
    return _read(state / "address") or "http://127.0.0.1:9095"


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _words(code: int, body: bytes) -> str:
    try:
        answer = json.loads(body)
        said = answer.get("message") or answer.get("error") or str(answer)
    except (ValueError, AttributeError):
        said = body.decode("utf-8", "replace")[:200]
    if code == 401:
        return f"{said} Give a token with --token or RULESD_TOKEN"
    if code == 403:
        return str(said)
    return f"the daemon refused ({code}): {said}"
