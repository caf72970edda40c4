"""The other rule set of a comparison: a folder, or the rules folder as it was at a git revision.

Law: the repository is only read; nothing is checked out. What a revision held is written to a folder of the caller's, links and
paths that lead out of it refused.
"""

import io
import subprocess
import tarfile
from pathlib import Path

from rulesd.model.errors import RulesdError

_PATIENCE_S = 60


class NoSuchRuleSet(RulesdError):
    """What stands after ``--against`` is neither a folder nor a revision."""


def other_rules(given: str, rules: Path, into: Path) -> Path:
    """The rules folder that ``given`` means; a revision's files are put below ``into``.

    Raises:
        NoSuchRuleSet: with what to write instead.
    """
    folder = Path(given)
    if folder.is_dir():
        return folder / "rules" if (folder / "rules").is_dir() else folder
    if given.startswith("-"):
        raise NoSuchRuleSet(f"--against {given}: a revision does not begin with -")
    archive = _archive(given, rules)
    target = into / "rules"
    target.mkdir()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(target, filter="data")
    return target


def _archive(revision: str, rules: Path) -> bytes:
    """The tar of a folder at a revision: ``git archive`` run inside a folder packs that folder."""
    command = ["git", "archive", "--format=tar", revision, "."]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the revision cannot be an option
            command,
            cwd=rules if rules.is_dir() else rules.parent,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoSuchRuleSet(
            f"--against {revision}: it is no folder, and git cannot be asked ({type(error).__name__})"
        ) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[0] if said else f"git ended with {done.returncode}"
        raise NoSuchRuleSet(
            f"--against {revision}: it is no folder, and no revision that holds {rules} ({why}). Write a folder, or a revision such as HEAD~1"
        )
    return done.stdout
