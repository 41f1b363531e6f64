"""A stream that is read forwards, plain or compressed with gzip, with a bound on what it may unpack to."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from assess.errors import InputError

MAX_UNPACKED = 64 << 30
"""Bytes; images of that size exist."""
MAX_RATIO = 200
"""Unpacked over packed; layers within are mostly compressed already. A bomb reaches 1000."""
_ALLOWANCE = 16 << 20
_BLOCK = 64 << 10
_OTHERS = ((b"\x28\xb5\x2f\xfd", "zstd"), (b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2"), (b"\x04\x22\x4d\x18", "lz4"))


class Unpacked:
    """Reads forwards; `position` counts unpacked bytes, `packed` says whether they are compressed outside."""

    def __init__(self, stream: BinaryIO, place: str) -> None:
        """Raises InputError for a compression that is not read."""
        self._stream, self._place = stream, place
        magic = stream.read(6)
        stream.seek(0)
        for start, name in _OTHERS:
            if magic.startswith(start):
                raise InputError(
                    f"compressed with {name}, which is not read here", place, f"unpack it first ({name} -d)"
                )
        self.packed = magic.startswith(b"\x1f\x8b")
        self.position = 0
        self._taken = 0
        self._machine = _machine()
        self._input = b""
        self._ready = bytearray()

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer at the end only."""
        if not self.packed:
            data = self._stream.read(size)
        else:
            while len(self._ready) < size and self._more():
                pass
            data = bytes(self._ready[:size])
            del self._ready[:size]
        self.position += len(data)
        return data

    def skip_to(self, position: int) -> None:
        """Forwards to `position`; the end is not noticed here but at the next read."""
        if not self.packed:
            self._stream.seek(position)
            self.position = position
            return
        while self.position < position and self.read(min(_BLOCK, position - self.position)):
            pass

    def _more(self) -> bool:
        """Unpack one more piece; False at the end."""
        if not self._input:
            self._input = self._stream.read(_BLOCK)
            self._taken += len(self._input)
        ended = not self._input
        if self._machine.eof and not ended:  # members of a gzip file follow each other
            self._machine = _machine()
        try:
            piece = self._machine.decompress(self._input, _BLOCK)
        except zlib.error:
            raise InputError("damaged (its compressed data cannot be unpacked)", self._place) from None
        self._input = self._machine.unused_data if self._machine.eof else self._machine.unconsumed_tail
        self._ready += piece
        if self.position + len(self._ready) > min(MAX_UNPACKED, MAX_RATIO * self._taken + _ALLOWANCE):
            raise InputError(
                f"unpacks to far too much (more than {MAX_RATIO} times its size)", self._place, "is this a bomb?"
            )
        return bool(piece) or not ended


def _machine() -> zlib._Decompress:
    return zlib.decompressobj(zlib.MAX_WBITS | 16)
