"""Cutting bodies: nothing is lost, and only line ends are cut."""

from hypothesis import given
from hypothesis import strategies as st

from rulesd.web.slices import cut


@given(
    st.lists(st.sampled_from([b"a\n", b"\n", b"abcdef" * 9 + b"\n", b"{}\r\n"]), max_size=60),
    st.sampled_from([b"", b"tail"]),
    st.integers(1, 50),
    st.integers(1, 8),
)
def test_the_pieces_are_the_body(parts: list[bytes], tail: bytes, size: int, lines: int) -> None:
    body = b"".join(parts) + tail
    pieces = list(cut(body, size, lines))
    assert b"".join(pieces) == body
    assert all(pieces)
    assert all(piece.endswith(b"\n") for piece in pieces[:-1])


def test_pieces_hold_few_lines() -> None:
    body = b"x" * 20 + b"\n"
    counts = [piece.count(b"\n") for piece in cut(body * 10_000, 128 * 1024, 500)]
    assert max(counts) <= 500
    assert len(counts) <= 30


def test_a_small_body_is_one_piece() -> None:
    assert list(cut(b"a\nb", 1_000, 500)) == [b"a\nb"]
    assert list(cut(b"", 1_000, 500)) == []
