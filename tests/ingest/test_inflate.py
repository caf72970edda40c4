import contextlib
import gzip
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.ingest.inflate import inflate, open_body
from rulesd.ingest.limits import MIB, Limits
from rulesd.model.errors import EventError


def code(body: bytes, limit: int = MIB) -> str:
    with pytest.raises(EventError) as caught:
        inflate(body, limit)
    assert caught.value.__cause__ is None
    return caught.value.code


def test_gzip_of_one_and_of_several_members() -> None:
    assert inflate(gzip.compress(b"one"), 10) == b"one"
    assert inflate(gzip.compress(b"one") + gzip.compress(b"two"), 10) == b"onetwo"
    assert inflate(gzip.compress(b"one") + b"\0" * 40, 10) == b"one"
    assert inflate(b"", 10) == b""
    big = bytes(range(256)) * 4000
    assert inflate(gzip.compress(big[:500_000]) + gzip.compress(big[500_000:]), MIB) == big


def test_exactly_the_limit_is_fine() -> None:
    assert len(inflate(gzip.compress(b"x" * 1000), 1000)) == 1000
    assert code(gzip.compress(b"x" * 1001), 1000) == "too_large"
    assert code(gzip.compress(b"x" * 600) + gzip.compress(b"x" * 600), 1000) == "too_large"


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    bomb = gzip.compress(b"\0" * (40 * MIB))
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        assert code(bomb, 8 * MIB) == "too_large"
        assert tracemalloc.get_traced_memory()[1] < 24 * MIB
    finally:
        tracemalloc.stop()


def test_many_empty_members_are_no_way_to_keep_it_busy() -> None:
    body = gzip.compress(b"") * 200_000
    start = time.process_time()
    assert code(body) == "invalid_gzip"
    assert time.process_time() - start < 2


@pytest.mark.parametrize("cut", [1, 5, 9, 12, 20, 25])
def test_cut_off(cut: int) -> None:
    body = gzip.compress(b"a text that is not too short" * 3)
    assert code(body[:-cut]) == "invalid_gzip"


@pytest.mark.parametrize(
    "body",
    [
        b"no gzip",
        zlib.compress(b"x"),
        gzip.compress(b"x")[:-8] + b"12345678",
        gzip.compress(b"x") + b"rest",
    ],
)
def test_damaged(body: bytes) -> None:
    assert code(body) == "invalid_gzip"


def test_encodings() -> None:
    limits = Limits(body=100, inflated=100)
    for encoding in ("", "identity", " Identity "):
        assert open_body(b"x", encoding, limits) == b"x"
    for encoding in ("gzip", "GZIP", "x-gzip"):
        assert open_body(gzip.compress(b"x"), encoding, limits) == b"x"
    for encoding in ("br", "deflate", "gzip, gzip", "zstd"):
        with pytest.raises(EventError) as caught:
            open_body(b"x", encoding, limits)
        assert caught.value.code == "unsupported_media_type"
    with pytest.raises(EventError) as caught:
        open_body(b"x" * 101, "", limits)
    assert caught.value.code == "too_large"


@given(st.binary(max_size=100), st.integers(0, 30), st.binary(max_size=3))
def test_any_bytes_have_an_answer(data: bytes, at: int, patch: bytes) -> None:
    body = gzip.compress(data, mtime=0)
    body = body[:at] + patch + body[at + len(patch) :]
    out = b""
    with contextlib.suppress(EventError):
        out = inflate(body, 200)
    assert len(out) <= 200
