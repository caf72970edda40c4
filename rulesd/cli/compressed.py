"""Compressed recordings, line by line.

Law: a file that was cut or damaged is an error with its place, never a shorter recording; what stands before it is given out first.
"""

import io
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Protocol

from rulesd.model.errors import RulesdError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SUFFIXES = (".gz", ".zst")
"How such files end."

_CHUNK = 1 << 16
"Packed bytes taken at a time."

_BUFFER = 1 << 20


def unpacked(raw: BinaryIO, name: str) -> Iterator[bytes]:
    """The lines of a file whose name ends in one of ``SUFFIXES``.

    Raises:
        RulesdError: where the file is cut or damaged, once every line before has been given.
    """
    stream = _Frames(raw, _zst if name.endswith(".zst") else _gz)
    number = 0
    try:
        for line in io.BufferedReader(stream, _BUFFER):
            yield line
            number += 1
    except (EOFError, ValueError) as error:
        raise RulesdError(
            f"{name}: the file is cut or damaged after line {number} ({error}). "
            "What stands before it was read; fetch the file again"
        ) from None


class _Frame(Protocol):
    """What unpacks one frame."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, packed: bytes, /) -> bytes: ...


def _gz() -> tuple[_Frame, type[Exception]]:
    return zlib.decompressobj(wbits=31), zlib.error


def _zst() -> tuple[_Frame, type[Exception]]:
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError


class _Frames(io.RawIOBase):
    """The frames of a file, one after the other; the end of the file within one is an error."""

    def __init__(self, raw: BinaryIO, new: Callable[[], tuple[_Frame, type[Exception]]]) -> None:
        self._raw = raw
        self._new = new
        self._frame, self._broken = new()
        self._begun = False
        self._packed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, into: "WriteableBuffer", /) -> int:
        """As ``RawIOBase``; ``EOFError`` where a frame has no end, ``ValueError`` where it is none."""
        while not self._ready:
            packed = self._packed or self._raw.read(_CHUNK)
            if not packed:
                if self._begun:
                    raise EOFError("its end is missing")
                return 0
            self._unpack(packed)
        out = memoryview(into).cast("B")
        size = min(len(out), len(self._ready))
        out[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _unpack(self, packed: bytes) -> None:
        self._packed = b""
        if not self._begun:
            # Padding after a frame, as tapes and some tools write it.
            packed = packed.lstrip(b"\0")
            if not packed:
                return
        self._begun = True
        try:
            self._ready = memoryview(self._frame.decompress(packed))
        except self._broken as error:
            raise ValueError(str(error)) from None
        if self._frame.eof:
            self._packed, self._begun = self._frame.unused_data, False
            self._frame, _ = self._new()
