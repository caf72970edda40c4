"""``rulesd demo``: its exit codes and what it prints."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from rulesd.cli import demo as command
from rulesd.cli.main import main
from rulesd.demo.children import DemoError
from rulesd.demo.counters import Counters
from rulesd.demo.performance import Options
from rulesd.demo.score import judge
from rulesd.demo.summary import Summary
from tests.demo.samples import page, trace


def run(
    monkeypatch: pytest.MonkeyPatch, outcome: Any, *arguments: str
) -> tuple[int, list[Options]]:
    """The exit code with a demo that ends with ``outcome``, and what it was asked for."""
    asked: list[Options] = []

    class Played:
        def __init__(self, options: Options, _terminal: object) -> None:
            asked.append(options)

        async def run(self) -> Summary:
            if isinstance(outcome, BaseException):
                raise outcome
            assert isinstance(outcome, Summary)
            return outcome

    monkeypatch.setattr(command, "Performance", Played)
    with pytest.raises(SystemExit) as ended:
        main(["demo", *arguments])
    return int(str(ended.value.code)), asked


def summary(pages: int) -> Summary:
    return Summary(
        score=judge([trace()], [page(f"s{n}") for n in range(pages)]),
        counters=Counters(outcomes={"matched": 1}),
        sent=1,
        first_page_s=1.0,
    )


@pytest.mark.parametrize(("pages", "code"), [(0, 1), (1, 0), (2, 1)])
def test_missed_and_paged_twice_are_failures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pages: int, code: int
) -> None:
    found, asked = run(monkeypatch, summary(pages), "--seconds", "20", "--format", "json")
    assert found == code
    said = orjson.loads(capsys.readouterr().out)
    assert said["events"] == 1
    assert said["planted"][0]["pages"] == pages
    assert said["planted"][0]["detected"] is (pages > 0)
    assert asked[0].seconds == 20
    assert not asked[0].browser


def test_the_table_goes_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, summary(1), "--no-browser")[0] == 0
    said = capsys.readouterr()
    assert "out-of-scope-tool" in said.out
    assert "starting" in said.err


def test_a_demo_that_cannot_start_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, DemoError("there is no broker"))[0] == 1
    assert "rulesd: there is no broker" in capsys.readouterr().err


def test_ctrl_c_before_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, asyncio.CancelledError())[0] == 130


def test_a_folder_that_holds_something_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").touch()
    code, asked = run(monkeypatch, summary(1), "--keep", str(tmp_path))
    assert (code, asked) == (2, [])
    code, asked = run(monkeypatch, summary(1), "--keep", str(tmp_path / "new"))
    assert (code, asked[0].keep) == (0, tmp_path / "new")


def test_a_time_too_short_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, summary(1), "--seconds", "1")[0] == 2


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "w"}, True)],
)
def test_a_browser_needs_a_display(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: bool
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(command.sys, "platform", "linux")
    monkeypatch.setattr(command.webbrowser, "get", object)
    assert command.has_display() is expected


def test_no_browser_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise command.webbrowser.Error

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(command.webbrowser, "get", none)
    assert not command.has_display()
