"""Cutting an NDJSON body into pieces that are decoded one after another, so that the loop stays free in between.

Law: a cut is only ever made after a line end; the pieces are the body, in order, with nothing left out. No work is done
for each line: cuts are found by searching for bytes.
"""

from collections.abc import Iterator


def cut(body: bytes, size: int, lines: int) -> Iterator[bytes]:
    """Pieces of about ``size`` bytes and at most about ``lines`` lines; one longer line is one piece."""
    start, end = 0, len(body)
    while start < end:
        stop = _line_end(body, min(start + size, end), end)
        count = body.count(b"\n", start, stop)
        # Short lines: take the share of the piece that holds the wanted number of them, on average.
        while count > lines and stop - start > lines:
            shorter = _line_end(body, start + (stop - start) * lines // count, end)
            if shorter >= stop:
                break
            stop = shorter
            count = body.count(b"\n", start, stop)
        yield body[start:stop]
        start = stop


def _line_end(body: bytes, position: int, end: int) -> int:
    if position >= end:
        return end
    found = body.find(b"\n", max(position - 1, 0))
    return end if found < 0 else found + 1
