"""Where the operator's files come from: two folders, or the archive of a plan that was once in force.

Law: the loader sees only names and bytes, so that a plan can be made again from what was kept. Nothing outside the two folders is
read; hidden files and files of other kinds are left alone; every limit that takes effect is reported.
"""

import base64
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import orjson

from rulesd.config.document import MAX_BYTES
from rulesd.config.problems import Code, Problems
from rulesd.config.read import SUFFIXES

MAX_FILES = 50_000
"Files of both folders together."

_KEPT = (*SUFFIXES, ".md", ".markdown", ".j2", ".ics", ".tmpl", ".gotmpl", ".tpl", ".template")
_ARCHIVE = 1
"Version of the archive's shape."


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Everything a plan is made from."""

    content: Mapping[str, bytes]
    "By name: ``rules/tool/scope.yaml``, ``notifiers/owners.yaml``, ``builtin/no_rules.yaml``."

    shown: Mapping[str, str] = field(default_factory=dict)
    "By name: the path for messages, where it differs."

    roots: Mapping[str, str] = field(default_factory=dict)
    "``rules`` and ``notifiers``: what the operator calls these folders."

    self_owner: str = ""
    "Who answers for the rules about rulesd itself; empty: the first owner."

    digest: str = ""
    "Of an archived plan: the digest it had; empty: to be computed."

    def path(self, name: str) -> str:
        """What to call a file in a message, also one that does not exist."""
        if name in self.shown:
            return self.shown[name]
        top, _, rest = name.partition("/")
        root = self.roots.get(top, top)
        return f"{root.rstrip('/')}/{rest}" if rest else root


def gather(rules: Path, notifiers: Path, problems: Problems, *, self_owner: str = "") -> Files:
    """Read both folders. ``rules`` may also be one rule file: then only that rule is loaded."""
    content: dict[str, bytes] = dict(builtin())
    shown: dict[str, str] = {}
    for top, folder in (("rules", rules), ("notifiers", notifiers)):
        try:
            found = _walk(top, folder)
        except OSError as error:
            hint = f"Make it, or name the right folder with --{top}."
            problems.add(
                str(folder),
                1,
                1,
                Code.MISSING_FILE,
                f"the folder cannot be read ({_why(error)})",
                hint,
            )
            continue
        for name, path in found:
            if len(content) >= MAX_FILES:
                said = f"more than {MAX_FILES} files"
                problems.add(
                    str(folder),
                    1,
                    1,
                    Code.TOO_MANY_FILES,
                    said,
                    "Move files that are no rules elsewhere.",
                )
                break
            shown[name] = str(path)
            try:
                with path.open("rb") as file:
                    content[name] = file.read(MAX_BYTES + 1)
            except OSError as error:
                problems.add(
                    str(path),
                    1,
                    1,
                    Code.UNREADABLE,
                    f"cannot be read ({_why(error)})",
                    "Make it readable for rulesd.",
                )
    roots = {"rules": str(rules), "notifiers": str(notifiers)}
    return Files(content=content, shown=shown, roots=roots, self_owner=self_owner)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _walk(top: str, folder: Path) -> list[tuple[str, Path]]:
    """Names and paths of what may matter, in order of name."""
    if folder.is_file():
        beside = [
            p for p in folder.parent.iterdir() if p.suffix in (".md", ".markdown") and p.is_file()
        ]
        area = folder.absolute().parent.name
        return [(f"{top}/{area}/{p.name}", p) for p in sorted([folder, *beside])]
    return sorted(_below(folder, top, folder, 0))


def _below(folder: Path, name: str, root: Path, depth: int) -> Iterator[tuple[str, Path]]:
    for path in folder.iterdir():
        if path.name.startswith((".", "_")) or path.name.endswith(("~", ".swp", ".bak")):
            continue
        if path.is_dir():
            if depth < 8 and not path.is_symlink():
                yield from _below(path, f"{name}/{path.name}", root, depth + 1)
        elif path.suffix in _KEPT and path.is_file():
            yield f"{name}/{path.name}", path


def builtin() -> Iterator[tuple[str, bytes]]:
    """The rules about rulesd itself, which are part of every plan."""
    entries: list[Traversable] = sorted(
        resources.files("rulesd.config").joinpath("builtin").iterdir(), key=lambda e: e.name
    )
    for entry in entries:
        if entry.name.endswith(_KEPT):
            yield f"builtin/{entry.name}", entry.read_bytes()


def digest(files: Files) -> str:
    """SHA-256 over names and contents (line ends made plain), and who answers for rulesd itself."""
    if files.digest:
        return files.digest
    total = sha256()
    for name in sorted(files.content):
        body = files.content[name].removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        total.update(f"{len(name.encode())} {name} {len(body)}\n".encode())
        total.update(body)
    total.update(files.self_owner.encode())
    return total.hexdigest()


def pack(files: Files, digest_: str, replaced: Mapping[str, bytes]) -> bytes:
    """The files as one archive; ``replaced``: contents to keep instead, with secrets masked."""
    content = {**files.content, **replaced}
    body = {
        "version": _ARCHIVE,
        "digest": digest_,
        "self_owner": files.self_owner,
        "shown": {k: v for k, v in files.shown.items() if k in content},
        "files": {name: base64.b85encode(raw).decode() for name, raw in content.items()},
    }
    return zlib.compress(orjson.dumps(body, option=orjson.OPT_SORT_KEYS), 6)


def unpack(archive: bytes) -> Files:
    """The files of an archive. Raises ``ValueError`` when it is none, or of a newer version."""
    try:
        body = orjson.loads(zlib.decompress(archive))
        if body["version"] != _ARCHIVE:
            raise ValueError(
                f"an archive of version {body['version']}; this rulesd reads version {_ARCHIVE}"
            )
        content = {str(name): base64.b85decode(text) for name, text in body["files"].items()}
        shown = {str(k): str(v) for k, v in body["shown"].items()}
        return Files(
            content=content,
            shown=shown,
            self_owner=str(body["self_owner"]),
            digest=str(body["digest"]),
        )
    except (zlib.error, KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as error:
        raise ValueError(f"not an archive of a plan ({type(error).__name__})") from None
