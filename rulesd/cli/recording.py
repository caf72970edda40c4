"""Recorded traffic named on a command line: files, standard input, or a stopped daemon's state folder.

Law: read once, in order; what is not there, and what cannot be written, is wrong usage before anything is read.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from rulesd.cli.decoding import recorded_decoder
from rulesd.cli.replay import _lines, state_folder
from rulesd.runners.backtest_events import Recorded, from_journal, from_lines

ProgressOption = Annotated[
    bool | None,
    typer.Option(help="Show progress on standard error (default: when it is a terminal)."),
]


def can_write(option: str, file: Path | None) -> None:
    """Refuse a file that cannot be written before the work is done, not after it."""
    if file is None:
        return
    if file.is_dir():
        raise typer.BadParameter(f"{option}: {file} is a folder. Write the name of a file in it")
    if not file.parent.is_dir():
        raise typer.BadParameter(f"{option}: there is no folder {file.parent}. Make it first")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise typer.BadParameter(f"{option}: {file} may not be written")


@contextmanager
def recording(files: list[str], progress: bool | None) -> Iterator[Iterator[Recorded]]:
    """The events of all files, or of the journal in a state folder."""
    if len(files) == 1 and Path(files[0]).is_dir():
        from rulesd.stores.sqlite import SqliteStore

        store = SqliteStore(state_folder(files[0]))
        store.open()
        try:
            yield from_journal(store)
        finally:
            store.close()
        return
    missing = [name for name in files if name != "-" and not Path(name).is_file()]
    if missing:
        raise typer.BadParameter(
            "; ".join(f"{name} is not a file" for name in missing)
            + ". Write files of NDJSON, - for standard input, or one state folder"
        )
    shown = sys.stderr.isatty() if progress is None else progress
    yield from_lines(_lines(files, shown, lambda: None), recorded_decoder())
