"""Settings from their three sources, with every mistake at its place.

Law: each source is checked by itself, so that a message names the file's line, the variable or the flag; then the stronger
one covers the weaker, field by field. Paths in the file count from the file's folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rulesd.config.document import Document, Node
from rulesd.config.problems import Code, Problems
from rulesd.config.read import read
from rulesd.config.settings import Settings, scalars
from rulesd.config.shape import parse
from rulesd.model.errors import Located
from rulesd.model.event import Json

_FOLDERS = ("rules", "notifiers", "state")
_NO_SETTING = frozenset(["RULESD_URL", "RULESD_TOKEN", "RULESD_ADMIN_TOKEN", "RULESD_CONFIG"])


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSettings:
    """What loading gave."""

    settings: Settings | None
    "``None`` when a problem is an error."

    problems: tuple[Located, ...]


def load_settings(
    file: Path | None,
    *,
    environ: Mapping[str, str],
    flags: Mapping[str, str | Sequence[str] | None],
) -> LoadedSettings:
    """All settings. ``flags``: by setting's name (``rules``, ``listen`` ..., ``mqtt`` a list); ``None`` and empty mean not given.

    ``file``: ``None`` for none. One that does not exist is an error.
    """
    problems = Problems()
    layers = [
        _from_file(file, problems) if file is not None else {},
        _from_environment(environ, problems),
        _from_flags(flags, problems),
    ]
    if problems.errors:
        return LoadedSettings(settings=None, problems=problems.sorted())
    merged: dict[str, Json] = {}
    for layer in layers:
        _cover(merged, layer)
    shown = str(file) if file is not None else "settings"
    whole = _document(shown, merged)
    settings = parse(Settings, whole, problems)
    if settings is not None and not settings.external_url:
        said = "external_url is not set, so pages carry no links to the console"
        hint = 'Write the address people reach: "external_url: https://rulesd.example.org".'
        problems.add(shown, 1, 1, Code.NO_EXTERNAL_URL, said, hint, warning=True)
    return LoadedSettings(
        settings=None if problems.errors else settings, problems=problems.sorted()
    )


def _from_file(file: Path, problems: Problems) -> dict[str, Json]:
    try:
        raw = file.read_bytes()
    except OSError as error:
        said = f"cannot be read ({error.strerror or type(error).__name__})"
        problems.add(str(file), 1, 1, Code.UNREADABLE, said, "Write it, or name another with -c.")
        return {}
    if not raw.strip():
        return {}
    document = read(file.name, raw, str(file), problems)
    if document is None or parse(Settings, document, problems) is None:
        return {}
    data = document.data
    assert isinstance(data, dict)
    return data | {
        name: str(file.parent / value)
        for name in _FOLDERS
        if isinstance(value := data.get(name), str)
    }


def _from_environment(environ: Mapping[str, str], problems: Problems) -> dict[str, Json]:
    out: dict[str, Json] = {}
    known = scalars()
    for name in sorted(environ):
        if not name.startswith("RULESD_") or name in _NO_SETTING:
            continue
        if name == "RULESD_MQTT":
            _take(name, ("sources",), _brokers(environ[name].split(",")), out, problems)
        elif name in known:
            if environ[name]:
                _take(name, known[name], _typed(environ[name]), out, problems)
        elif close := get_close_matches(name, known, n=1, cutoff=0.85):
            said, hint = "sets nothing", f"Did you mean {close[0]}?"
            problems.add(name, 1, 1, Code.UNKNOWN_FIELD, said, hint, warning=True)
    return out


def _from_flags(
    flags: Mapping[str, str | Sequence[str] | None], problems: Problems
) -> dict[str, Json]:
    out: dict[str, Json] = {}
    for name, value in flags.items():
        if not value:
            continue
        if name == "mqtt":
            urls = [value] if isinstance(value, str) else list(value)
            _take("--mqtt", ("sources",), _brokers(urls), out, problems)
        else:
            _take(f"--{name}", (name,), _typed(str(value)), out, problems)
    return out


def _take(
    shown: str, path: tuple[str, ...], value: Json, out: dict[str, Json], problems: Problems
) -> None:
    """Check one setting by itself and put it into its place."""
    data: dict[str, Json] = {path[-1]: value}
    for step in reversed(path[:-1]):
        data = {step: data}
    # A part of a mapping whose other parts stand elsewhere is checked when all are together.
    if path[0] != "heartbeat" and parse(Settings, _document(shown, data), problems) is None:
        return
    _cover(out, data)


def _brokers(urls: Sequence[str]) -> Json:
    return {"mqtt": [{"url": url.strip()} for url in urls if url.strip()]}


def _typed(text: str) -> Json:
    """A number where the text is one: a variable knows only text."""
    return int(text) if text.isdecimal() and len(text) < 18 else text


def _cover(below: dict[str, Json], above: Mapping[str, Json]) -> None:
    """Put ``above`` over ``below``, mapping by mapping; a list replaces a list."""
    for name, value in above.items():
        old = below.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            inner = dict(old)
            _cover(inner, value)
            below[name] = inner
        else:
            below[name] = value


def _document(shown: str, data: dict[str, Any]) -> Document:
    """Data without places: everything stands at the top."""
    return Document(name=shown, shown=shown, root=_node(data), text="")


def _node(data: Any) -> Node:
    if isinstance(data, dict):
        return Node(
            place=(1, 1), data=data, fields={k: ((1, 1), _node(v)) for k, v in data.items()}
        )
    if isinstance(data, list):
        return Node(place=(1, 1), data=data, items=[_node(v) for v in data])
    return Node(place=(1, 1), data=data)
