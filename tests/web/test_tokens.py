"""Tokens: kept hashed, found at once, durable before they are given."""

import asyncio

import pytest

from rulesd.web.tokens import PREFIX, Scope, Tokens
from tests.web.fakes import ADMIN, FakeDaemon


def test_a_token_is_found_and_only_its_hash_is_kept() -> None:
    async def story() -> None:
        daemon, tokens = FakeDaemon(), Tokens(ADMIN)
        made, secret = await tokens.create(daemon, "app", [Scope.INGEST], "acme")
        assert secret.startswith("rk_app_")
        assert tokens.find(secret) is made
        assert (made.name, made.tenant, made.may(Scope.INGEST), made.may(Scope.READ)) == (
            "app",
            "acme",
            True,
            False,
        )
        assert secret.split("_")[2].encode() not in daemon.store.kept[PREFIX + "app"]
        assert tokens.find(secret[:-1]) is None
        assert tokens.find("") is None
        assert tokens.find("\udcff") is None

    asyncio.run(story())


def test_tokens_survive_a_restart_and_end_when_deleted() -> None:
    async def story() -> None:
        daemon, tokens = FakeDaemon(), Tokens(ADMIN)
        made, secret = await tokens.create(daemon, "app", [Scope.READ, Scope.ACK], "")
        again = Tokens(ADMIN, daemon.store.settings(PREFIX))
        assert again.find(secret) == made
        assert [one.name for one in again.all()] == ["app"]
        assert await again.delete(daemon, "app")
        assert not await again.delete(daemon, "app")
        assert again.find(secret) is None
        assert Tokens(ADMIN, daemon.store.settings(PREFIX)).find(secret) is None

    asyncio.run(story())


def test_a_name_is_taken_once() -> None:
    async def story() -> None:
        daemon, tokens = FakeDaemon(), Tokens(ADMIN)
        results = await asyncio.gather(
            *(tokens.create(daemon, "app", [Scope.READ], "") for _ in range(3)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, KeyError) for one in results) == 2
        with pytest.raises(KeyError):
            await tokens.create(daemon, "admin", [Scope.READ], "")

    asyncio.run(story())


def test_the_administrator_may_everything() -> None:
    tokens = Tokens(ADMIN)
    admin = tokens.find(ADMIN)
    assert admin is not None
    assert all(admin.may(scope) for scope in Scope)
    assert tokens.named("admin", admin.digest) is admin
    assert tokens.named("admin", "0" * 64) is None
    with pytest.raises(ValueError, match="empty"):
        Tokens("")


def test_a_scope_of_a_newer_version_is_not_given() -> None:
    kept = b'{"sha256":"ab","scopes":["read","fly"],"tenant":"","created_at":1}'
    assert Tokens(ADMIN, {"token/x": kept}).all()[0].scopes == {Scope.READ}
