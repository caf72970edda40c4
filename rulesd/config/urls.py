"""Addresses in files: is it one, and does it carry a secret in the clear.

Law: an address is never repeated in a message; it may hold a secret.
"""

from urllib.parse import SplitResult, urlsplit

from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems
from rulesd.config.secrets import HIDDEN


def split(value: object) -> SplitResult | None:
    """The parts of an address with a host, or ``None``."""
    if not isinstance(value, str) or any(c.isspace() for c in value):
        return None
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme and parts.hostname else None


def web_address(value: object, path: Path_, document: Document, problems: Problems) -> bool:
    """Whether it is an http or https address (or stands masked); reports it if not."""
    parts = split(value)
    if value == HIDDEN or (parts is not None and parts.scheme in ("http", "https")):
        return True
    problems.at(
        document, path, Code.INVALID_URL, "is not an http or https address", "Write https://..."
    )
    return False


def is_loopback(parts: SplitResult) -> bool:
    """Whether the address never leaves this machine."""
    host = parts.hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
