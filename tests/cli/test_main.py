import pytest

from rulesd import __version__
from rulesd.cli import check
from rulesd.cli.main import COMMANDS, main
from rulesd.model.errors import ConfigurationError, DaemonUnreachable, Located, RulesdError
from tests.cli.conftest import Run


def test_help_names_every_command_and_the_exit_codes(run: Run) -> None:
    said = run("--help")
    assert said.code == 0
    assert all(f"  {name} " in said.out for name in COMMANDS)
    assert "3 daemon unreachable" in said.out
    assert run().code == 2


def test_version(run: Run) -> None:
    assert run("--version").out == f"rulesd {__version__}\n"


def test_a_word_that_is_no_command_gets_the_closest_one(run: Run) -> None:
    said = run("chekc")
    assert said.code == 2
    assert "Did you mean check?" in said.err
    assert "Did you mean" not in run("qqqqqq").err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches(run: Run, command: str) -> None:
    said = run(command, "--help")
    assert said.code == 0
    assert len(said.out) > 200


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            ConfigurationError([Located("a.yaml", 1, 2, "code", "wrong", "Write it")]),
            2,
            "a.yaml:1:2: code: wrong. Write it",
        ),
        (DaemonUnreachable("nobody is there"), 3, "rulesd: nobody is there"),
        (RulesdError("no"), 1, "rulesd: no"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
        (
            PermissionError(13, "Permission denied", "a.json"),
            2,
            "rulesd: a.json: Permission denied",
        ),
    ],
)
def test_errors_become_exit_codes(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    def app(**_: object) -> None:
        raise error

    monkeypatch.setattr(check, "app", app)
    monkeypatch.setattr("os.dup2", lambda *_: 0)
    said = run("check")
    assert said.code == code
    assert words in said.err


def test_wrong_flags_are_wrong_usage(run: Run) -> None:
    assert run("check", "--nope").code == 2


@pytest.mark.parametrize(
    "command",
    ["test", "replay", "backtest", "check", "why", "why-not", "new rule", "baselines show"],
)
def test_help_shows_the_command_in_use(run: Run, command: str) -> None:
    said = run(*command.split(), "--help")
    usage = [each.strip() for each in said.out.splitlines() if "Usage:" not in each]
    assert any(each.startswith(f"rulesd {command.split(maxsplit=1)[0]}") for each in usage)


def test_help_flows_to_the_width_and_examples_stay_as_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        main(["test", "--help"])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    said = lines[lines.index("Run the tests inside rule files.") + 2 :]
    paragraph = said[: said.index("")]
    assert all(len(line) > 80 for line in paragraph[:-1])
    assert "rulesd test                                     every rule of ./rules" in lines
