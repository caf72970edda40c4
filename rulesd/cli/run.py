"""``rulesd run``: the daemon."""

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from rulesd.app import App, Surroundings
from rulesd.cli.exits import Exit, Format, FormatOption
from rulesd.cli.log_line import LogLine
from rulesd.config.settings_load import load_settings
from rulesd.model.errors import ConfigurationError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="Settings file (default: rulesd.yaml when it is here).",
            metavar="rulesd.yaml",
        ),
    ] = None,
    rules: Annotated[str | None, typer.Option(help="Folder of rule files.", metavar="DIR")] = None,
    notifiers: Annotated[
        str | None, typer.Option(help="Folder with routing.yaml and owners.yaml.", metavar="DIR")
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(help="Folder for the journal and everything durable.", metavar="DIR"),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            help="Address of the HTTP door (default 127.0.0.1:9095).", metavar="HOST:PORT"
        ),
    ] = None,
    mqtt: Annotated[
        list[str] | None,
        typer.Option(help="Broker to subscribe to; may be given again.", metavar="URL"),
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Run the daemon until SIGTERM; SIGHUP reloads rules and notifiers.

    Everything that can be set stands in rulesd.yaml under the same names; a flag wins over a RULESD_ variable, a variable over the
    file. Logs go to standard error, one line each, key=value or (--format json) JSON.
    """
    default = Path("rulesd.yaml")
    environ = dict(os.environ)
    file = config or (Path(environ["RULESD_CONFIG"]) if environ.get("RULESD_CONFIG") else None)
    loaded = load_settings(
        file or (default if default.exists() else None),
        environ=environ,
        flags={
            "rules": rules,
            "notifiers": notifiers,
            "state": state,
            "listen": listen,
            "mqtt": mqtt or [],
        },
    )
    if loaded.settings is None:
        raise ConfigurationError([p for p in loaded.problems if p.severity == "error"])
    _logging(loaded.settings.log.level, as_json=format_ is Format.JSON)
    for problem in loaded.problems:
        logging.getLogger("rulesd").warning("%s", problem)
    _run(App(loaded.settings, Surroundings(environ=environ, pid=os.getpid())))
    raise typer.Exit(Exit.FINE)


def _run(daemon: App) -> None:
    try:
        import uvloop

        uvloop.run(daemon.run())
    except ImportError:
        asyncio.run(daemon.run())


def _logging(level: str, *, as_json: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogLine(as_json=as_json))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("aiohttp.access", "mqtt", "watchfiles"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
