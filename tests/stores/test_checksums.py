"""A flipped bit is found when it is read, wherever it is, and never used."""

import random

from rulesd.model.errors import StoreError
from rulesd.stores.checksums import checksum, decision_sum, row_sum
from tests.stores.filled import everything, filled


def test_flipped_bits_are_found_or_harmless_never_used(tmp_path):
    directory = tmp_path / "state"
    """In 80 copies a byte is flipped at random: either the store refuses, or every answer is unchanged."""
    path = filled(directory)
    data, expected = path.read_bytes(), everything(directory)
    chance = random.Random(3)
    found = 0
    for _ in range(80):
        flipped = bytearray(data)
        at = chance.randrange(len(data))
        flipped[at] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        for left in ("rulesd.db-wal", "rulesd.db-shm"):
            (directory / left).unlink(missing_ok=True)
        try:
            answers = everything(directory)
        except StoreError:
            found += 1
        else:
            assert answers == expected, at
    assert found > 30


def test_slices_add_up_to_the_whole():
    from zlib import crc32

    for size in (0, 1, 4_095, 4_096, 4_097, 100_001):
        data = random.Random(size).randbytes(size)
        assert checksum(data) == crc32(data)


def test_every_column_its_type_and_its_place_count():
    sums = [
        row_sum("a", "b"),
        row_sum("ab", ""),
        row_sum("b", "a"),
        row_sum(b"a", "b"),
        row_sum("a", b"b"),
        row_sum("a", "b", 0),
        row_sum("a", "b", "\udc80"),
        row_sum(),
    ]
    assert len(set(sums)) == len(sums)
    decisions = [
        decision_sum(1, 2, "k", "r", "a", b"x"),
        decision_sum(2, 2, "k", "r", "a", b"x"),
        decision_sum(1, 3, "k", "r", "a", b"x"),
        decision_sum(1, 2, "l", "r", "a", b"x"),
        decision_sum(1, 2, "k", "s", "a", b"x"),
        decision_sum(1, 2, "k", "r", "b", b"x"),
        decision_sum(1, 2, "k", "r", "a", b"y"),
    ]
    assert len(set(decisions)) == len(decisions)
