"""The unit is understood by systemd, keeps its sandbox, and keeps its promises to the operator."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.peers import program

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNIT = SYSTEMD / "rulesd.service"
LIMIT = 12
"The highest exposure allowed, times ten."


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program("systemd-analyze"), *arguments], capture_output=True, text=True, check=False
    )


def exposure(unit: Path) -> subprocess.CompletedProcess[str]:
    return analyze("security", "--offline=true", "--no-pager", f"--threshold={LIMIT}", str(unit))


def version() -> int:
    return int(analyze("--version").stdout.split()[1])


def without(folder: Path, *starts: str) -> Path:
    """The unit less the lines that start so; fails when there is no such line."""
    lines = UNIT.read_text().splitlines()
    for start in starts:
        kept = [line for line in lines if not line.startswith(start)]
        assert kept != lines, start
        lines = kept
    path = folder / "rulesd.service"
    path.write_text("\n".join(lines))
    return path


def runnable(folder: Path, text: str) -> Path:
    """The same unit with a program that exists here, so that only the unit itself is judged."""
    path = folder / "rulesd.service"
    path.write_text(text.replace("/opt/rulesd/bin/rulesd", "/bin/true"))
    return path


def settings(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, value = line.split("=", 1)
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.external
def test_the_sandbox_is_tight() -> None:
    done = exposure(UNIT)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.external
@pytest.mark.parametrize(
    "lost", ["CapabilityBoundingSet", "RestrictAddressFamilies", "SystemCallFilter"]
)
def test_a_lost_wall_is_noticed(lost: str, tmp_path: Path) -> None:
    assert exposure(without(tmp_path, lost)).returncode == 1


@pytest.mark.external
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    done = analyze("verify", "--man=no", str(runnable(tmp_path, UNIT.read_text())))
    assert done.stderr.strip() == ""
    typo = UNIT.read_text().replace("WatchdogSec=", "WatchdogSecs=")
    assert "WatchdogSecs" in analyze("verify", "--man=no", str(runnable(tmp_path, typo))).stderr


@pytest.mark.external
@pytest.mark.parametrize(
    "path", sorted((SYSTEMD / "optional").glob("*.conf")), ids=lambda p: p.name
)
def test_systemd_understands_every_drop_in(path: Path, tmp_path: Path) -> None:
    if "Type=notify-reload" in path.read_text() and version() < 253:
        return  # Checked for its words below; this systemd cannot know it.
    unit = runnable(tmp_path, UNIT.read_text())
    (tmp_path / "rulesd.service.d").mkdir()
    drop_in = tmp_path / "rulesd.service.d" / path.name
    drop_in.write_text(path.read_text())
    done = analyze("verify", "--man=no", str(unit))
    assert done.stderr.replace("user 'rulesd'", "").strip() == ""
    drop_in.write_text(path.read_text() + "NoSuchSetting=1\n")
    assert "NoSuchSetting" in analyze("verify", "--man=no", str(unit)).stderr


def test_the_unit_keeps_its_promises() -> None:
    found = settings(UNIT)
    promised = {
        "Type": "notify",
        "WatchdogSec": "30s",
        "Restart": "always",
        "StartLimitIntervalSec": "0",
        "ExecReload": "/bin/kill -HUP $MAINPID",
        "StateDirectory": "rulesd",
        "StateDirectoryMode": "0700",
        "LimitCORE": "0",
        "UMask": "0077",
    }
    assert {name: found.get(name) for name in promised} == {n: [v] for n, v in promised.items()}
    # The limit on starts is a setting of [Unit]; systemd ignores it elsewhere.
    assert UNIT.read_text().index("StartLimitIntervalSec=0") < UNIT.read_text().index("[Service]")
    reload = settings(SYSTEMD / "optional" / "10-notify-reload.conf")
    assert reload == {"Type": ["notify-reload"], "ExecReload": [""]}


def test_no_secret_comes_through_the_environment() -> None:
    for path in [UNIT, *(SYSTEMD / "optional").iterdir()]:
        assert not {"Environment", "EnvironmentFile", "PassEnvironment"} & settings(path).keys()


@pytest.mark.external
@pytest.mark.skipif(os.getuid() != 0, reason="only root may make users and give files away")
def test_users_and_folders_are_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for tool, option, folder in [
        ("systemd-sysusers", [], "sysusers.d"),
        ("systemd-tmpfiles", ["--create"], "tmpfiles.d"),
    ]:
        done = subprocess.run(
            [program(tool), f"--root={tmp_path}", *option, str(SYSTEMD / folder / "rulesd.conf")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert "rulesd:" in (tmp_path / "etc/passwd").read_text()
    assert (tmp_path / "etc/rulesd/notifiers").is_dir()
    assert (tmp_path / "etc/credstore").stat().st_mode & 0o777 == 0o700
