"""Recorded traffic named on a command line: files, standard input, or a stopped daemon's state folder.

Law: read once, in order; a file that is not there is wrong usage before anything is read.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from rulesd.cli.decoding import recorded_decoder
from rulesd.cli.replay import _lines
from rulesd.runners.backtest_events import Recorded, from_journal, from_lines

ProgressOption = Annotated[
    bool | None,
    typer.Option(help="Show progress on standard error (default: when it is a terminal)."),
]


@contextmanager
def recording(files: list[str], progress: bool | None) -> Iterator[Iterator[Recorded]]:
    """The events of all files, or of the journal in a state folder."""
    if len(files) == 1 and Path(files[0]).is_dir():
        from rulesd.stores.sqlite import SqliteStore

        store = SqliteStore(Path(files[0]))
        store.open()
        try:
            yield from_journal(store)
        finally:
            store.close()
        return
    for name in files:
        if name != "-" and not Path(name).is_file():
            raise typer.BadParameter(f"{name} is not a file")
    shown = sys.stderr.isatty() if progress is None else progress
    yield from_lines(_lines(files, shown, lambda: None), recorded_decoder())
