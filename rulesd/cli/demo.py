"""``rulesd demo``: see it work, with nothing to set up."""

import asyncio
import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from rulesd.cli.exits import Exit, Format, FormatOption
from rulesd.demo.performance import Options, Performance
from rulesd.demo.terminal import Terminal

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def demo(
    seconds: Annotated[
        float | None,
        typer.Option(
            help="End by itself after N seconds (at least 5), print a summary and judge it.",
            metavar="N",
            min=5,
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the inbox in a browser.")
    ] = True,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Keep rules, notifiers, state and logs in this new folder.", metavar="DIR"
        ),
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Watch simulated assistants misbehave and be paged once for each.

    Starts an MQTT broker, the daemon with the shipped rules, and stand-ins for Slack, PagerDuty and a ticket system, all on free ports of this
    machine and in a temporary folder. Assistants of four tenants publish events over MQTT and HTTP; incidents are planted among them, some
    delivered twice, shuffled or late. The inbox page shows what Slack and PagerDuty would have received.

    With --seconds it ends by itself: exit 1 when a planted incident was missed or paged twice. Otherwise Ctrl-C ends it.
    """
    if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise typer.BadParameter(f"--keep: {keep} is there and not empty. Name a new folder")
    options = Options(
        seconds=seconds, browser=browser and seconds is None and has_display(), keep=keep
    )
    terminal = Terminal(Console(stderr=True))
    terminal.say("starting the broker and the daemon ...")
    try:
        summary = asyncio.run(Performance(options, terminal).run())
    except asyncio.CancelledError:
        terminal.say("interrupted before it began")
        raise typer.Exit(130) from None
    if format_ is Format.JSON:
        typer.echo(orjson.dumps(summary.as_json()).decode())
    else:
        Console().print(summary.as_text())
    raise typer.Exit(Exit.FINE if summary.good else Exit.FINDINGS)


def has_display() -> bool:
    """Whether a browser window can appear (one inside the terminal would only be in the way)."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
