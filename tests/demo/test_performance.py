"""What surrounds a demo: its folder, its signals, and an end before it began."""

import asyncio
import os
import signal
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from rulesd.demo import performance as module
from rulesd.demo.children import DemoError
from rulesd.demo.performance import Options, Performance, _folder, _signals
from rulesd.demo.terminal import Terminal


def test_a_temporary_folder_is_removed_and_a_named_one_kept(tmp_path: Path) -> None:
    with _folder(None) as temporary:
        (temporary / "x").touch()
    assert not temporary.exists()
    with _folder(tmp_path / "a" / "b") as kept:
        (kept / "x").touch()
    assert (kept / "x").exists()


def test_signals_are_heard_and_given_back() -> None:
    async def run() -> list[int]:
        heard: list[int] = []
        with _signals(lambda: heard.append(1)):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(os.getpid(), number)
                await asyncio.sleep(0.01)
        return heard

    before = signal.getsignal(signal.SIGTERM)
    assert asyncio.run(run()) == [1, 1, 1]
    assert signal.getsignal(signal.SIGTERM) == before


def performance() -> Performance:
    return Performance(Options(seconds=20), Terminal(Console(file=StringIO())))


def test_a_broker_that_cannot_start_ends_it_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise DemoError("no broker")

    monkeypatch.setattr(module, "start_broker", refuse)
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    with pytest.raises(DemoError, match="no broker"):
        asyncio.run(performance().run())
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_it_starts_ends_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)

    monkeypatch.setattr(module, "start_broker", hang)
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(performance().run())
    assert list(tmp_path.iterdir()) == []
