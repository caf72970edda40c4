"""Which calls of a hook have been done already: a copied call has no effect, also after a restart.

Law: what is remembered is durable before the caller is told, bounded, and forgotten when its timestamp would be refused
anyway. Ids are kept as digests, never as they came.

Kept by minute: one small setting for the calls of one hook in one minute, so that a call costs one small write and forgetting
costs one delete a minute.
"""

from hashlib import sha256

import orjson

from rulesd.model.instant import MINUTE, Instant
from rulesd.ports.daemon import Daemon
from rulesd.web.hook_signature import TOLERANCE

PREFIX = "hook/"
KEEP_MINUTES = 2 * TOLERANCE // MINUTE + 1
"A call may be stamped ``TOLERANCE`` ahead, and is good until ``TOLERANCE`` after that."

MOST_A_MINUTE = 1_000
"Calls of one hook in one minute; more are told to come later."


class Replays:
    """The calls of all hooks within the window."""

    def __init__(self, daemon: Daemon) -> None:
        """Nothing is read before the first call."""
        self._daemon = daemon
        self._minutes: dict[tuple[str, int], set[str]] | None = None
        self._busy: set[tuple[str, str]] = set()

    def done(self, hook: str, call: str) -> bool:
        """Whether this call has been done."""
        digest = _digest(call)
        return any(digest in seen for (name, _), seen in self._read().items() if name == hook)

    def room(self, hook: str, now: Instant) -> bool:
        """Whether one more call can be remembered in this minute."""
        return len(self._read().get((hook, now // MINUTE), ())) < MOST_A_MINUTE

    def begin(self, hook: str, call: str) -> bool:
        """Start doing a call; ``False`` while the same one is being done."""
        key = (hook, _digest(call))
        if key in self._busy:
            return False
        self._busy.add(key)
        return True

    def end(self, hook: str, call: str) -> None:
        """Done with it, one way or the other."""
        self._busy.discard((hook, _digest(call)))

    async def remember(self, hook: str, call: str, now: Instant) -> None:
        """Keep a call durably, and forget what is too old to matter."""
        minutes = self._read()
        minute = now // MINUTE
        seen = minutes.setdefault((hook, minute), set())
        seen.add(_digest(call))
        await self._daemon.put_setting(_name(hook, minute), orjson.dumps(sorted(seen)))
        for name, old in [key for key in minutes if key[1] < minute - KEEP_MINUTES]:
            minutes.pop((name, old), None)
            await self._daemon.put_setting(_name(name, old), b"")

    def _read(self) -> dict[tuple[str, int], set[str]]:
        if self._minutes is None:
            self._minutes = {}
            for name, value in self._daemon.store.settings(PREFIX).items():
                hook, _, minute = name.removeprefix(PREFIX).rpartition("/")
                if value and minute.isdigit():
                    self._minutes[hook, int(minute)] = set(orjson.loads(value))
        return self._minutes


def _name(hook: str, minute: int) -> str:
    return f"{PREFIX}{hook}/{minute:010d}"


def _digest(call: str) -> str:
    return sha256(call.encode("utf-8", "surrogatepass")).hexdigest()[:32]
