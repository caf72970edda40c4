"""Exit codes of every command (contract 2.5), and the ``--format`` option they share.

Law: a script can tell "no" from "could not ask".
"""

from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Exit(IntEnum):
    """What a command says to the shell."""

    FINE = 0
    FINDINGS = 1
    USAGE = 2
    UNREACHABLE = 3


class Format(StrEnum):
    """How a command prints."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[
    Format, typer.Option("--format", help="How to print: for people or for programs.")
]
RulesOption = Annotated[
    Path | None, typer.Option("--rules", help="Folder of rule files.", metavar="DIR")
]
NotifiersOption = Annotated[
    Path | None,
    typer.Option("--notifiers", help="Folder with routing.yaml and owners.yaml.", metavar="DIR"),
]


def shipped(name: str) -> Path:
    """The folder ``name`` (``rules``, ``notifiers``) here, or the one that came with the package."""
    here = Path(name)
    if here.is_dir():
        return here
    package = Path(__file__).resolve().parent.parent
    for candidate in (package / "_shipped" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    return here
