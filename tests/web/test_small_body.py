"""Small JSON bodies."""

import asyncio

import pytest

from rulesd.web.answers import Refused
from rulesd.web.small_body import as_object, text
from tests.web.fakes import opened


@pytest.mark.parametrize("raw", [b"{", b"[1]", b'"x"', b"\xff", b"[" * 5_000])
def test_only_objects(raw: bytes) -> None:
    with pytest.raises(Refused) as caught:
        as_object(raw)
    assert caught.value.status == 400


def test_texts() -> None:
    assert text({"a": " x\u202ey\x00z\n "}, "a", most=9) == "xyz"
    assert text({}, "a", most=9) == ""
    for fields, error in [
        ({}, "missing_field"),
        ({"a": 3}, "wrong_type"),
        ({"a": "x" * 10}, "too_long"),
    ]:
        with pytest.raises(Refused) as caught:
            text(fields, "a", most=9, required=True)  # type: ignore[arg-type]
        assert caught.value.error == error


def test_a_large_one_is_refused() -> None:
    async def story() -> None:
        async with (
            opened() as world,
            world.admin.post("/v1/tokens", data=b" " * 100_000) as response,
        ):
            assert response.status == 413
            assert "64 KiB" in (await response.json())["message"]

    asyncio.run(story())
