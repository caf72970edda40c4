"""Resolve references to secrets: ``{file: ...}``, ``{env: ...}``, ``{credential: ...}``.

Law: configuration holds references, never values; and no message, log or exception holds a value either.
"""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rulesd.model.errors import RulesdError

_KINDS = ("file", "env", "credential")
_LIMIT = 64 * 1024


class SecretError(RulesdError):
    """A secret cannot be had; the text says which and what to do, and never what it is."""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A secret value, which shows itself to nobody who prints it."""

    value: str
    origin: str
    "Where it came from, for messages: ``file /etc/rulesd/token``."

    warning: str = ""
    "What the operator should set right about it; empty when all is well."

    def __repr__(self) -> str:
        """Name the origin only."""
        return f"Secret({self.origin})"


def resolve(
    reference: Mapping[str, Any], *, environment: Mapping[str, str], base: Path | None = None
) -> Secret:
    """Fetch the secret a reference names; one line break at its end is not part of it.

    Args:
        reference: one of ``{"file": path}``, ``{"env": name}``, ``{"credential": name}``.
        environment: the process environment (``CREDENTIALS_DIRECTORY`` is read from it).
        base: what a relative file path starts from.

    Raises:
        SecretError: the reference is none, or the secret is missing, unreadable or empty.
    """
    if len(reference) != 1 or next(iter(reference)) not in _KINDS:
        raise SecretError(
            "a secret must be one reference. Write {file: PATH}, {env: NAME} or {credential: NAME}"
        )
    kind, name = next(iter(reference.items()))
    if not isinstance(name, str) or not name:
        raise SecretError(f"the secret's {kind} has no name. Write {{{kind}: ...}} with a name")
    if kind == "env":
        return _from_environment(name, environment)
    if kind == "credential":
        return _read(_credential(name, environment), f"credential {name}", private=True)
    path = Path(name)
    return _read((base / path) if base else path, f"file {name}", private=False)


def _from_environment(name: str, environment: Mapping[str, str]) -> Secret:
    value = environment.get(name)
    if value is None:
        raise SecretError(f"the environment variable {name} is not set. Set it, or name another")
    return _checked(value, f"env {name}")


def _credential(name: str, environment: Mapping[str, str]) -> Path:
    if "/" in name or name in {".", ".."}:
        raise SecretError("a credential is named without a path. Write {credential: NAME}")
    directory = environment.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise SecretError(
            f"credential {name} is asked for outside systemd. Add LoadCredential={name}:PATH to the"
            " unit, or write {file: PATH}"
        )
    return Path(directory) / name


def _read(path: Path, origin: str, *, private: bool) -> Secret:
    try:
        with path.open("rb") as file:
            mode = path.stat().st_mode
            raw = file.read(_LIMIT + 1)
    except OSError as error:
        raise SecretError(
            f"{origin} cannot be read ({error.strerror}). Create it, readable by rulesd alone"
        ) from None
    if len(raw) > _LIMIT:
        raise SecretError(f"{origin} is larger than {_LIMIT} bytes. A secret is a short text")
    try:
        value = raw.decode()
    except UnicodeDecodeError:
        value = ""
    warning = ""
    if not private and mode & stat.S_IROTH:
        warning = f"{origin} can be read by everybody. Run chmod 600 on it"
    return _checked(value, origin, warning)


def _checked(value: str, origin: str, warning: str = "") -> Secret:
    text = value.removesuffix("\n").removesuffix("\r")
    if not text:
        raise SecretError(f"{origin} is empty or not UTF-8 text. Put the secret there")
    return Secret(text, origin, warning)
