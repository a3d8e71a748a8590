"""Bytes on their way from the disk to a parser: counted, peeked at, unpacked, translated; never held whole."""

from __future__ import annotations

import codecs
from typing import Protocol

CHUNK = 256 * 1024


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Stream:
    """A reader whose first bytes can be looked at beforehand. Not seekable."""

    def __init__(self, below: Readable) -> None:
        self._below = below
        self._held = b""

    def head(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end of the file; they stay unread."""
        parts, have = [self._held], len(self._held)
        while have < size and (more := self._below.read(size - have)):
            parts.append(more)
            have += len(more)
        self._held = b"".join(parts)
        return self._held[:size]

    def read(self, size: int, /) -> bytes:
        if self._held:
            found, self._held = self._held[:size], self._held[size:]
            return found
        return self._below.read(size)

    def readline(self, limit: int) -> bytes:
        """To the next LF, `limit` bytes at most."""
        while (cut := self._held.find(b"\n", 0, limit)) < 0 and len(self._held) < limit:
            more = self._below.read(min(CHUNK, max(limit - len(self._held), 1)))
            if not more:
                break
            self._held += more
        stop = cut + 1 if cut >= 0 else limit
        found, self._held = self._held[:stop], self._held[stop:]
        return found


class Translated:
    """Bytes in another encoding, as UTF-8. Half surrogate pairs pass through, for the rows' own check."""

    def __init__(self, below: Readable, encoding: str) -> None:
        self._below = below
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while not self._ended:
            chunk = self._below.read(size)
            self._ended = not chunk
            if text := self._decode(chunk):
                return text.removeprefix("\ufeff").encode("utf-8", "surrogatepass")
        return b""

    def _decode(self, chunk: bytes) -> str:
        try:
            return self._decoder.decode(chunk, self._ended)
        except UnicodeDecodeError:  # half a character at the end of the file
            self._decoder.reset()
            return "\ufffd"


class Replaced:
    """`old` becomes `new` wherever it stands. `last`, shorter than `old`, is dropped where the file ends with it."""

    def __init__(self, below: Readable, old: bytes, new: bytes, last: bytes = b"") -> None:
        self._below, self._old, self._new, self._last = below, old, new, last
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        keep = len(self._old) - 1
        while True:
            chunk = self._below.read(size)
            text = (self._rest + chunk).replace(self._old, self._new)
            cut = len(text) - keep
            if not chunk:
                self._rest = b""
                return text.removesuffix(self._last)
            if cut > 0:
                self._rest = text[cut:]
                return text[:cut]
            self._rest = text
