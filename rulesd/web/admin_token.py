"""The administrator's token: given by the operator, or made at the first start and kept in the state directory.

Law: the file is readable by its owner alone (mode 0600), written whole and synced before it counts. What the operator gives is taken
when it can stand in a header; one that can be guessed is taken, too, and said at every start.
"""

import logging
import os
import secrets
from pathlib import Path

from rulesd.model.errors import ConfigurationError, Located

LENGTH = 16
"Characters below which a token is called short."

log = logging.getLogger("rulesd.web")


def admin_token(given: str, path: Path) -> str:
    """``given`` (from ``RULESD_ADMIN_TOKEN`` or the credential) when there is one, else the one kept at ``path``.

    Raises:
        ConfigurationError: when the token cannot stand in a header, or the file is open to others or cannot be used.
    """
    if given.strip():
        return _sendable(given.strip(), "RULESD_ADMIN_TOKEN")
    try:
        if path.stat().st_mode & 0o077:
            raise _problem(path, "others may read this file", "Run: chmod 600 on it, then restart")
        return _sendable(path.read_text("ascii").strip(), str(path))
    except FileNotFoundError:
        return _make(path)
    except (OSError, UnicodeDecodeError) as error:
        raise _problem(
            path,
            f"the administrator's token cannot be read ({type(error).__name__})",
            "Give it back to the daemon's user, or delete it: a new one is made at start",
        ) from None


def _make(path: Path) -> str:
    token = f"rk_admin_{secrets.token_hex(32)}"
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, token.encode() + b"\n")
            os.fsync(file)
        finally:
            os.close(file)
        fresh.replace(path)
    except OSError as error:
        raise _problem(
            path,
            f"the administrator's token cannot be kept ({type(error).__name__})",
            "Make the state directory writable, or set RULESD_ADMIN_TOKEN",
        ) from None
    return token


def _sendable(token: str, where: str) -> str:
    if not (token.isascii() and token.isprintable() and " " not in token and token):
        problem = (
            "the administrator's token is not made of printable ASCII characters without spaces"
        )
        hint = "Write one made by: openssl rand -hex 32"
        raise ConfigurationError([Located(where, 1, 1, "bad_token", problem, hint)])
    if len(token) < LENGTH:
        log.warning(
            "%s: the administrator's token has fewer than %d characters and can be guessed. "
            "Write one made by: openssl rand -hex 32",
            where,
            LENGTH,
        )
    return token


def _problem(path: Path, problem: str, hint: str) -> ConfigurationError:
    return ConfigurationError([Located(str(path), 1, 1, "admin_token", problem, hint)])
