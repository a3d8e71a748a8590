"""gzip and zstd, unpacked as a stream in bounded memory; bombs are refused, and a fault keeps the rows before it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from trainer.data.sources.bytestream import Readable
from trainer.data.sources.limits import Limits
from trainer.data.sources.refusal import mib, refusal

FREE_BYTES = 64 * 1024 * 1024  # below this nobody asks about the ratio
MAX_RATIO = 200
WINDOW = 1 << 26  # bytes of memory that a zstd frame may ask for
IN_BYTES = 64 * 1024
ZSTD_IN_BYTES = 512  # three bytes of zstd can say 128 KiB, so little is fed at once
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class Broken(Exception):
    """The archive ends early or does not match its own checksum. The sentence says which."""


class Bounded:
    """Reads from unpacked pieces and refuses a bomb. `fault` says what broke, "" while nothing did."""

    def __init__(self, pieces: Iterator[bytes], file: BinaryIO, limits: Limits) -> None:
        self._pieces, self._file, self._limits = pieces, file, limits
        self._held = memoryview(b"")
        self._out = 0
        self.fault = ""

    def read(self, size: int, /) -> bytes:
        while not self._held:
            try:
                piece = next(self._pieces, b"")
            except Broken as broken:
                self.fault = str(broken)
                self._pieces = iter(())
                return b""
            if not piece:
                return b""
            self._count(len(piece))
            self._held = memoryview(piece)
        found, self._held = bytes(self._held[:size]), self._held[size:]
        return found

    def _count(self, size: int) -> None:
        self._out += size
        if self._out > self._limits.file_bytes:
            limit = mib(self._limits.file_bytes)
            raise refusal("too_large", f"The archive unpacks to more than the limit, {limit} MiB. Send a part of it.")
        if self._out > FREE_BYTES and self._out > MAX_RATIO * max(self._file.tell(), 1):
            said = f"The archive unpacks to more than {MAX_RATIO} times its size: that is no dataset."
            raise refusal("archive_bomb", said)


def gunzip(file: Readable) -> Iterator[bytes]:
    """All members of a gzip file, one after the other."""
    data = file.read(IN_BYTES)
    while data.startswith(GZIP):
        stream = zlib.decompressobj(wbits=31)
        try:
            while not stream.eof:
                if piece := stream.decompress(data, IN_BYTES):
                    yield piece
                elif not data and not stream.eof:
                    raise Broken("The gzip archive ends early.")
                data = stream.unconsumed_tail or (b"" if stream.eof else file.read(IN_BYTES))
        except zlib.error:
            raise Broken("The gzip archive is damaged.") from None
        data = stream.unused_data
        if len(data) < len(GZIP):
            data += file.read(IN_BYTES)
    if data.strip(b"\0"):
        raise Broken("Something that is no gzip follows the archive.")


def unzstd(file: Readable) -> Iterator[bytes]:
    """All frames of a zstd file, one after the other."""
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW)
    data = file.read(ZSTD_IN_BYTES)
    while data:
        frame = unpacker.decompressobj(write_size=IN_BYTES)
        try:
            while not frame.eof:
                if piece := frame.decompress(data):
                    yield piece
                if not frame.eof and not (data := file.read(ZSTD_IN_BYTES)):
                    raise Broken("The zstd archive ends early.")
        except zstandard.ZstdError as error:
            raise _zstd_fault(str(error)) from None
        data = frame.unused_data or file.read(ZSTD_IN_BYTES)


def _zstd_fault(said: str) -> Exception:
    if "memory" in said or "window" in said.lower():
        asked = f"The zstd archive asks for a window above {mib(WINDOW)} MiB. Pack it without --ultra or --long."
        return refusal("unsafe_archive", asked)
    return Broken("The zstd archive is damaged.")
