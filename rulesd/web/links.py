"""Signed links: a page's runbook opens on a phone without a log-in, read-only, for seven days.

Law: a signature covers what it opens and until when; nothing else is reachable with it. Checking takes the same time
whatever was sent. The key is 32 random bytes kept in the store; losing it only ends the links that are out.
"""

import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from urllib.parse import quote, urlencode

from rulesd.model.instant import DAY, Instant, Milliseconds
from rulesd.ports.daemon import Daemon

KEY_SETTING = "web/link_key"
"Under this name the store keeps the key."


class LinkState(StrEnum):
    """What a link's signature is worth now."""

    VALID = "valid"
    EXPIRED = "expired"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Makes and checks links to runbooks."""

    key: bytes
    external_url: str = ""
    "Where people reach this daemon, without a slash at the end."

    valid_for: Milliseconds = 7 * DAY

    def runbook(self, rule: str, now: Instant) -> str:
        """The full link to a rule's runbook, or empty when no ``external_url`` is set."""
        if not self.external_url:
            return ""
        return self.external_url.rstrip("/") + self.runbook_path(rule, now)

    def runbook_path(self, rule: str, now: Instant) -> str:
        """The same link without scheme and host."""
        expires = (now + self.valid_for) // 1_000
        path = f"/runbooks/{quote(rule, safe='')}"
        return f"{path}?{urlencode({'exp': expires, 'sig': self._sign(rule, expires)})}"

    def check(self, rule: str, expires: str, signature: str, now: Instant) -> LinkState:
        """What ``?exp=..&sig=..`` is worth for this rule's runbook."""
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
            return LinkState.INVALID
        wanted = self._sign(rule, int(expires))
        if not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
            return LinkState.INVALID
        return LinkState.VALID if now < int(expires) * 1_000 else LinkState.EXPIRED

    def _sign(self, rule: str, expires: int) -> str:
        text = f"runbook\n{rule}\n{expires}".encode("utf-8", "surrogatepass")
        return hmac.new(self.key, text, sha256).hexdigest()[:40]


async def link_key(daemon: Daemon) -> bytes:
    """The key for signed links, made and stored durably the first time."""
    known = daemon.store.setting(KEY_SETTING)
    if known and len(known) >= 32:
        return known
    made = secrets.token_bytes(32)
    await daemon.put_setting(KEY_SETTING, made)
    return made
