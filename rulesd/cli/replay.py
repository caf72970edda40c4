"""``rulesd replay``: recorded events in, the decision log out."""

import gc
import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from rulesd.cli.compressed import SUFFIXES, unpacked
from rulesd.cli.decoding import recorded_decoder
from rulesd.cli.exits import Exit, Format, FormatOption, NotifiersOption, RulesOption, shipped
from rulesd.config import load, load_archive
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.model.errors import ConfigurationError
from rulesd.model.instant import Instant, parse_instant
from rulesd.runners.backtest_events import unheeded
from rulesd.runners.replay import Summary, baseline_lines, replay_journal, replay_lines

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_CHUNK = 1 << 20


@app.command()
def replay(
    files: Annotated[
        list[str],
        typer.Argument(
            help="NDJSON CloudEvents (.gz and .zst too), - for standard input, or the state folder of a stopped daemon.",
            metavar="FILE...",
        ),
    ],
    rules: RulesOption = None,
    notifiers: NotifiersOption = None,
    until: Annotated[
        str | None,
        typer.Option(help="Let the clock run on to this time (RFC 3339).", metavar="TIME"),
    ] = None,
    progress: Annotated[
        bool | None,
        typer.Option(help="Show progress on standard error (default: when it is a terminal)."),
    ] = None,
    baselines: Annotated[
        Path | None,
        typer.Option(
            help="Also write what the rules have learned at the end: NDJSON, a line for each rule and key.",
            metavar="FILE",
        ),
    ] = None,
    format_: FormatOption = Format.JSON,
) -> None:
    """Feed recorded events and print the decision log as NDJSON.

    Time is the recording's: each event arrives at its `arrivaltime`, else its `time`. Deliveries are taken to succeed at once. Without
    --until the clock stops at the last arrival. The same input gives the same bytes. --format text prints a line a decision for people.

    \b
    rulesd replay recorded.ndjson.gz > decisions.ndjson
    rulesd replay recorded.ndjson.gz --format text | less
    rulesd replay state                                     a stopped daemon's journal
    """
    end = _instant(until)
    out = sys.stdout.buffer
    buffer = io.BytesIO()
    write = _writer(buffer, format_)
    started = time.monotonic()

    def flush() -> None:
        out.write(buffer.getvalue())
        buffer.seek(0)
        buffer.truncate()

    def look(engine: Engine) -> None:
        if baselines is not None:
            baselines.write_bytes(b"".join(baseline_lines(engine)))

    try:
        if (state := _state(files, rules, notifiers, until)) is not None:
            summary = _journal(state, write, look)
        else:
            plan = unheeded(_plan(rules, notifiers))
            gc.freeze()
            gc.disable()
            shown = sys.stderr.isatty() if progress is None else progress
            lines = _lines(files, shown, flush)
            engine = Engine(plan)
            summary = replay_lines(lines, engine, recorded_decoder(), write, until=end)
            look(engine)
    finally:
        # Also when a file is cut, or somebody has seen enough: what was decided until then was decided.
        flush()
        out.flush()
    _tell(summary, time.monotonic() - started)
    raise typer.Exit(Exit.FINE)


def _state(
    files: list[str], rules: Path | None, notifiers: Path | None, until: str | None
) -> Path | None:
    """The state folder, if that is what is replayed."""
    if len(files) != 1 or not Path(files[0]).is_dir():
        return None
    if rules or notifiers or until:
        raise typer.BadParameter(
            "a state folder is replayed with the rules it ran with, to its end, without --rules, --notifiers and --until. "
            "What other rules would have done of it: rulesd backtest"
        )
    return state_folder(files[0])


def _plan(rules: Path | None, notifiers: Path | None) -> Plan:
    loaded = load(rules or shipped("rules"), notifiers or shipped("notifiers"))
    if loaded.plan is None:
        raise ConfigurationError(loaded.errors)
    return loaded.plan


def state_folder(name: str) -> Path:
    """The state folder of a daemon; a folder that is none is left as it is."""
    if not (Path(name) / "rulesd.db").is_file():
        raise typer.BadParameter(
            f"{name} is no state folder of a daemon: there is no rulesd.db in it. Name its files, or the folder given to `rulesd run --state`"
        )
    return Path(name)


def _journal(
    state: Path, write: Callable[[bytes], object], look: Callable[[Engine], None]
) -> Summary:
    from rulesd.stores.sqlite import SqliteStore

    def rebuild(archive: bytes) -> Plan:
        loaded = load_archive(archive)
        if loaded.plan is None:
            raise ConfigurationError(loaded.errors)
        return loaded.plan

    store = SqliteStore(state)
    store.open()
    try:
        return replay_journal(store, rebuild, write, look=look)
    finally:
        store.close()


def _instant(text: str | None) -> Instant | None:
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise typer.BadParameter(f"--until: {error}") from None


def _lines(files: list[str], progress: bool, flush: Callable[[], None]) -> Iterator[bytes]:
    """Every line of every file, in order; output is flushed now and then."""
    with ExitStack() as stack:
        bar = _Bar(files, stack) if progress else None
        for name in files:
            stream, raw = _open(name, stack)
            for number, line in enumerate(stream):
                yield line
                if not number % 5_000:
                    flush()
                    if bar is not None:
                        bar.at(name, raw)
            if bar is not None:
                bar.done(name)


def _open(name: str, stack: ExitStack) -> tuple[Iterator[bytes], BinaryIO]:
    """The lines of a file, and the file under them whose position tells the progress."""
    if name == "-":
        return sys.stdin.buffer, sys.stdin.buffer
    path = Path(name)
    if not path.is_file():
        raise typer.BadParameter(f"{name} is not a file")
    raw = stack.enter_context(path.open("rb", buffering=_CHUNK))
    if path.suffix in SUFFIXES:
        return unpacked(raw, name), raw
    return raw, raw


class _Bar:
    """A progress bar on standard error."""

    def __init__(self, files: list[str], stack: ExitStack) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._sizes = {name: Path(name).stat().st_size for name in files if Path(name).is_file()}
        self._before = 0
        self._bar = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        self._task = self._bar.add_task("replay", total=sum(self._sizes.values()) or None)

    def at(self, name: str, raw: BinaryIO) -> None:
        """How far the current file is."""
        if name in self._sizes:
            self._bar.update(self._task, completed=self._before + raw.tell())

    def done(self, name: str) -> None:
        """A file has ended."""
        self._before += self._sizes.get(name, 0)


def _writer(buffer: io.BytesIO, format_: Format) -> Callable[[bytes], object]:
    return buffer.write if format_ is Format.JSON else _for_people(buffer)


def _for_people(buffer: io.BytesIO) -> Callable[[bytes], object]:
    import orjson

    def write(line: bytes) -> None:
        d = orjson.loads(line)
        labels = " ".join(f"{k}={v}" for k, v in sorted((d.get("labels") or {}).items()))
        what = d.get("rule") or d.get("receiver") or d.get("source", "")
        text = f"{d['at']}  {d['kind']:<18} {d.get('severity', ''):<8} {what} {labels} ({d['reason']})\n"
        buffer.write(text.encode())

    return write


def _tell(summary: Summary, seconds: float) -> None:
    for one in summary.refused:
        typer.echo(f"line {one.position + 1}: {one.code}: {one.message}", err=True)
    if summary.rejected > len(summary.refused) > 0:
        typer.echo(f"and {summary.rejected - len(summary.refused)} more lines refused", err=True)
    rate = summary.events / seconds if seconds > 0 else 0
    said = f"{summary.events} events, {summary.decisions} decisions, {summary.rejected} rejected"
    if summary.clamped:
        said += f", {summary.clamped} arrivals went back in time and were read as the latest known"
    typer.echo(f"{said} in {seconds:.1f} s ({rate:,.0f}/s)", err=True)
