import zlib
from pathlib import Path

import orjson
import pytest

from rulesd.config import files as module
from rulesd.config import load, load_archive
from rulesd.config.files import Files, digest, gather, pack, unpack
from rulesd.config.problems import Code, Problems
from tests.config.testing import BASE, RUNBOOK, files, rule


def write(root: Path, content: dict[str, str]) -> tuple[Path, Path]:
    for name in ("rules", "notifiers"):
        (root / name).mkdir(exist_ok=True)
    for name, text in content.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root / "rules", root / "notifiers"


def test_only_what_may_matter_is_read(tmp_path: Path) -> None:
    rules, notifiers = write(
        tmp_path,
        {
            "rules/a/x.yaml": "1", "rules/a/x.md": "1", "rules/a/.x.yaml": "1", "rules/a/x.yaml~": "1", "rules/.git/x.yaml": "1",
            "rules/_draft/x.yaml": "1", "rules/a/x.py": "1", "rules/README.md": "1", "notifiers/templates/s.j2": "1", "rules/b.toml": "1",
        },
    )  # fmt: skip
    problems = Problems()
    found = gather(rules, notifiers, problems)
    names = [n for n in found.content if not n.startswith("builtin/")]
    assert sorted(names) == [
        "notifiers/templates/s.j2",
        "rules/README.md",
        "rules/a/x.md",
        "rules/a/x.yaml",
        "rules/b.toml",
    ]
    assert problems.sorted() == ()
    assert found.path("rules/a/x.yaml") == str(rules / "a" / "x.yaml")
    assert found.path("notifiers/owners.yaml") == str(notifiers / "owners.yaml")


def test_one_rule_file_with_its_runbook(tmp_path: Path) -> None:
    rules, notifiers = write(
        tmp_path, {n: b.decode() for n, b in BASE.items()} | {"rules/tool/other.yaml": "broken: ["}
    )
    result = load(rules / "tool" / "base.yaml", notifiers)
    assert result.plan is not None, [str(p) for p in result.problems]
    assert result.own_rules == 1


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    problems = Problems()
    gather(tmp_path / "none", tmp_path / "nothing", problems)
    assert [(p.path, p.code) for p in problems.sorted()] == [
        (str(tmp_path / "none"), Code.MISSING_FILE),
        (str(tmp_path / "nothing"), Code.MISSING_FILE),
    ]


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules, notifiers = write(tmp_path, {"rules/a/x.yaml": "1"})
    opened = Path.open

    def refuse(self: Path, *args: object, **kwargs: object) -> object:
        if self.name == "x.yaml":
            raise PermissionError(13, "Permission denied")
        return opened(self, *args, **kwargs)  # type: ignore[arg-type, call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    problems = Problems()
    gather(rules, notifiers, problems)
    assert [(p.code, p.problem) for p in problems.sorted()] == [
        (Code.UNREADABLE, "cannot be read (Permission denied)")
    ]


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 16)
    rules, notifiers = write(tmp_path, {f"rules/a/x{i}.md": "1" for i in range(5)})
    problems = Problems()
    gather(rules, notifiers, problems)
    assert [p.code for p in problems.sorted()] == [Code.TOO_MANY_FILES]


def test_the_digest_is_of_names_and_contents_but_not_of_line_ends() -> None:
    base = digest(files())
    assert digest(files()) == base
    crlf = {n: b.replace(b"\n", b"\r\n") for n, b in BASE.items()}
    assert digest(files(crlf)) == base
    assert digest(files({"rules/tool/mistake.md": RUNBOOK + b"\n2. Act."})) != base
    assert digest(files({"rules/tool/x.yaml": rule()})) != base
    content = dict(files().content)
    assert digest(Files(content=dict(reversed(content.items())))) == base
    assert digest(Files(content=content, self_owner="team")) != base


def test_an_archive_gives_the_files_back() -> None:
    packed = pack(files(), "d", {"notifiers/routing.yaml": b"masked"})
    again = unpack(packed)
    assert again.digest == "d"
    assert again.content == {**files().content, "notifiers/routing.yaml": b"masked"}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"x",
        zlib.compress(b"x"),
        zlib.compress(b"[]"),
        zlib.compress(b"{}"),
        zlib.compress(orjson.dumps({"version": 2})),
        zlib.compress(
            orjson.dumps(
                {"version": 1, "files": {"a": "\x00"}, "shown": {}, "digest": "", "self_owner": ""}
            )
        ),
        zlib.compress(orjson.dumps({"version": 1, "files": []})),
    ],
)
def test_what_is_no_archive(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        load_archive(raw)
