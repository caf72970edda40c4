"""Keep the keys rulesd makes for itself: small files of random bytes in the state directory.

Law: a key is made once, durably and readable by the owner alone, and never replaced in silence: with another key the same
text gets another mask.
"""

import contextlib
import os
import secrets
from pathlib import Path

from rulesd.model.errors import StoreError

KEY_SIZE = 32


def load_key(directory: Path, name: str = "redaction.key") -> bytes:
    """The key of this name, made at the first call.

    Raises:
        StoreError: the file is damaged, or can be neither read nor made.
    """
    path = directory / name
    try:
        key = _existing(path)
        if key is None:
            key = _make(path)
    except OSError as error:
        raise StoreError(
            f"the key file {name} cannot be used ({error.strerror}). Make the state directory"
            " writable for rulesd"
        ) from None
    if len(key) != KEY_SIZE:
        raise StoreError(
            f"the key file {name} holds {len(key)} bytes instead of {KEY_SIZE}. Restore it from a"
            " backup; if there is none, remove it and masked texts will no longer match older ones"
        )
    return key


def _existing(path: Path) -> bytes | None:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return key


def _make(path: Path) -> bytes:
    """Write a new key beside its place, flush it, then link it there: the first of several makers wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_SIZE))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    _flush(path.parent)
    return path.read_bytes()


def _flush(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
