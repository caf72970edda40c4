"""Tokens: who may call, under which name, for which tenant and with which scopes.

Law: a secret is shown once, when it is made; only its SHA-256 is kept. A token is 256 random bits, so a plain hash is
enough and a lookup costs a microsecond. Every act is recorded under a token's name.
"""

import asyncio
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import orjson

from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant
from rulesd.ports.daemon import Daemon

PREFIX = "token/"
"Tokens are settings of the store under this prefix, by name."

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
"What a token may be called."

TENANT = re.compile(r"[A-Za-z0-9._:/@+-]{1,128}")
ADMIN_NAME = "admin"
MOST_TOKENS = 10_000


class Scope(StrEnum):
    """What a token may do. ``admin`` includes all others."""

    INGEST = "ingest"
    "Send events."

    READ = "read"
    "See alerts, rules and runbooks, and metrics where they ask for a token."

    ACK = "ack"
    "Acknowledge and resolve alerts."

    FLAGS = "flags"
    "Read kill switches, and nothing else: what a service needs."

    SWITCH = "switch"
    "Set, approve and revert kill switches, and complete reviews."

    ADMIN = "admin"
    "Reload, test pages, tokens."


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A named right to call."""

    name: str
    scopes: frozenset[Scope]
    digest: str
    "SHA-256 of the secret, in hex; empty for the administrator's, which is not stored."

    tenant: str = ""
    "Events and alerts of this tenant only; empty means: all."

    created_at: Instant = 0

    def may(self, scope: Scope) -> bool:
        """Whether the token carries a scope."""
        if scope is Scope.FLAGS and Scope.READ in self.scopes:
            return True
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def shown(self) -> dict[str, Json]:
        """What others may see of it."""
        scopes: list[Json] = [str(scope) for scope in sorted(self.scopes)]
        return {
            "name": self.name,
            "scopes": scopes,
            "tenant": self.tenant,
            "created_at": format_instant(self.created_at),
        }


def digest_of(secret: str) -> str:
    """SHA-256 of a token's text, in hex."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Tokens:
    """All tokens of one daemon, in memory by their digest; ``create`` and ``delete`` are durable before they return."""

    def __init__(self, admin: str, stored: Mapping[str, bytes] | None = None) -> None:
        """``admin``: the administrator's secret; ``stored``: the store's settings under ``PREFIX``."""
        if not admin:
            raise ValueError("the administrator's token is empty. Choose a long random text")
        self._admin_digest = digest_of(admin)
        self._admin = Token(name=ADMIN_NAME, scopes=frozenset(Scope), digest=self._admin_digest)
        self._by_digest: dict[str, Token] = {}
        self._by_name: dict[str, Token] = {}
        self._changing = asyncio.Lock()
        for name, body in (stored or {}).items():
            if body:
                self._keep(_read(name.removeprefix(PREFIX), body))

    def find(self, secret: str) -> Token | None:
        """The token with this secret. The lookup key is a digest, so its timing tells nothing of the secret."""
        digest = digest_of(secret)
        if hmac.compare_digest(digest, self._admin_digest):
            return self._admin
        return self._by_digest.get(digest)

    def named(self, name: str, digest: str) -> Token | None:
        """The token of a session, if it is still the same one."""
        token = self._admin if name == ADMIN_NAME else self._by_name.get(name)
        return token if token and hmac.compare_digest(token.digest, digest) else None

    def all(self) -> list[Token]:
        """Every stored token by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    async def create(
        self, daemon: Daemon, name: str, scopes: Iterable[Scope], tenant: str
    ) -> tuple[Token, str]:
        """Make a token; the text beside it is its secret, never to be seen again.

        Raises:
            KeyError: when the name is taken.
            OverflowError: when there are as many tokens as there may be.
        """
        async with self._changing:
            if name in self._by_name or name == ADMIN_NAME:
                raise KeyError(name)
            if len(self._by_name) >= MOST_TOKENS:
                raise OverflowError(MOST_TOKENS)
            secret = f"rk_{name}_{secrets.token_hex(32)}"
            token = Token(
                name=name,
                scopes=frozenset(scopes),
                digest=digest_of(secret),
                tenant=tenant,
                created_at=daemon.now(),
            )
            await daemon.put_setting(PREFIX + name, _write(token))
            self._keep(token)
            return token, secret

    async def delete(self, daemon: Daemon, name: str) -> bool:
        """Take a token back; ``False`` when there is none of that name."""
        async with self._changing:
            token = self._by_name.get(name)
            if token is None:
                return False
            # It stops working at once, even should the disk refuse: safer than the other way round.
            del self._by_name[name], self._by_digest[token.digest]
            await daemon.put_setting(PREFIX + name, b"")
            return True

    def _keep(self, token: Token) -> None:
        self._by_name[token.name] = token
        self._by_digest[token.digest] = token


def _write(token: Token) -> bytes:
    return orjson.dumps(
        {
            "sha256": token.digest,
            "scopes": sorted(map(str, token.scopes)),
            "tenant": token.tenant,
            "created_at": token.created_at,
        }
    )


def _read(name: str, body: bytes) -> Token:
    fields = orjson.loads(body)
    known = {str(scope) for scope in Scope}
    return Token(
        name=name,
        # A scope from a newer version is a right this one does not know, hence does not give.
        scopes=frozenset(Scope(word) for word in fields["scopes"] if word in known),
        digest=fields["sha256"],
        tenant=fields["tenant"],
        created_at=fields["created_at"],
    )
