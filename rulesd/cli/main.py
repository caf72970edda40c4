"""The ``rulesd`` command: one file for each sub-command, loaded only when it is used.

Law: every command has ``--help`` that teaches and ``--format text|json``; exit codes are 0 fine, 1 findings or failure, 2 wrong usage or
configuration, 3 no daemon answers.
"""

import importlib
import inspect
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from rulesd import __version__
from rulesd.cli.exits import Exit
from rulesd.model.errors import ConfigurationError, DaemonUnreachable, RulesdError

if TYPE_CHECKING:
    from typer import Typer

COMMANDS = {
    "demo": "See it work, with nothing to set up: a broker, assistants, and an inbox for the pages.",
    "run": "The daemon.",
    "check": "Lint and compile rules and notifiers; every problem at once.",
    "test": "Run the tests inside rule files through the real engine on a virtual clock.",
    "replay": "Feed recorded events and print the decision log.",
    "backtest": "What would have paged on recorded traffic, whom and when; the difference between two rule sets.",
    "calibrate": "Propose a threshold for a budget of false pages a week, from recorded traffic.",
    "baselines": "What rules have learned of each key, from how much, and whether it is still being learned.",
    "why": "The whole chain of reasons behind an alert.",
    "why-not": "What became of an event that paged nobody.",
    "route": "Where an alert with given labels would go now: receivers, owner, escalation, mutes.",
    "alerts": "What is pending, firing, or resolved lately.",
    "ack": "Take an alert.",
    "resolve": "Say that an alert is over.",
    "silence": "Hold pages back for a while: add, list, show, preview, update, expire, approve.",
    "oncall": "Who is on call, now or at a time; overrides: make, list, remove.",
    "switch": "Kill switches: what is contained; set, revert, approve.",
    "review": "What waits for a person's verdict, and giving one.",
    "gate": "May this release go on? For CI: exit 0 pass, 1 fail or evidence missing.",
    "deliveries": "Pages and what became of them; send again what was given up.",
    "report": "Who was paged how often, by rule and hour, and what was acknowledged.",
    "test-page": "Send a marked test page along an owner's whole path.",
    "token": "Make, list and revoke API tokens.",
    "new": "Scaffold a rule with its test and runbook.",
    "schema": "JSON Schemas for editors.",
    "bench": "The benchmarks, printed as ratios.",
}
"In the order ``--help`` shows them. The file is ``rulesd/cli/<name>.py`` (``-`` becomes ``_``) and holds ``app``."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = given[0] if given else "--help"
    if name in ("-h", "--help", "help"):
        print(_help())
        sys.exit(Exit.FINE if given else Exit.USAGE)
    if name in ("-V", "--version", "version"):
        print(f"rulesd {__version__}")
        sys.exit(Exit.FINE)
    if name not in COMMANDS:
        close = get_close_matches(name, COMMANDS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        print(f"rulesd: there is no command {name!r}.{hint} See rulesd --help", file=sys.stderr)
        sys.exit(Exit.USAGE)
    sys.exit(_run(name, given[1:]))


def _run(name: str, arguments: list[str]) -> int:
    module = importlib.import_module(f"rulesd.cli.{name.replace('-', '_')}")
    if "--help" in arguments:
        _flow(module.app)
    try:
        module.app(args=arguments, prog_name=f"rulesd {name}")
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return Exit.USAGE
    except DaemonUnreachable as error:
        print(f"rulesd: {error}", file=sys.stderr)
        return Exit.UNREACHABLE
    except RulesdError as error:
        print(f"rulesd: {error}", file=sys.stderr)
        return Exit.FINDINGS
    except BrokenPipeError:
        # The reader has left; what Python flushes at exit must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        # A file named on the command line: everything else has its own words.
        if error.filename is None:
            raise
        print(f"rulesd: {os.fsdecode(error.filename)}: {error.strerror}", file=sys.stderr)
        return Exit.USAGE
    except KeyboardInterrupt:
        return 130
    return Exit.FINE


def _flow(app: "Typer") -> None:
    """Let the paragraphs of help texts flow to the terminal's width; one that begins with a backspace stays as it is written."""
    for command in app.registered_commands:
        text = command.help or getattr(command.callback, "__doc__", None) or ""
        command.help = "\n\n".join(
            part if part.startswith("\b") else " ".join(part.split())
            for part in inspect.cleandoc(text).split("\n\n")
        )


def _help() -> str:
    width = max(map(len, COMMANDS)) + 2
    rows = "\n".join(f"  {name:<{width}}{said}" for name, said in COMMANDS.items())
    return (
        "rulesd watches what an AI product does in production and wakes the right person, once.\n\n"
        f"Usage: rulesd COMMAND [OPTIONS]\n\nCommands:\n{rows}\n\n"
        "Start with rulesd demo. rulesd COMMAND --help explains each one.\n"
        "Exit codes: 0 fine, 1 findings or failure, 2 wrong usage or configuration, 3 daemon unreachable."
    )
