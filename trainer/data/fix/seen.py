"""Which rows were met before, in about 16 bytes a row."""

from __future__ import annotations

import hashlib
from array import array

START = 1 << 12


class Seen:
    """A set of 64-bit digests in an open table. With ten million rows the odds that any two different ones are
    taken for equal are three in a million; the change is written down all the same."""

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * START))
        self._count = 0

    def add(self, content: bytes) -> bool:
        """True when the content is new."""
        key = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little") or 1
        if not self._put(self._slots, key):
            return False
        self._count += 1
        if 2 * self._count > len(self._slots):
            self._grow()
        return True

    @staticmethod
    def _put(slots: array[int], key: int) -> bool:
        mask = len(slots) - 1
        place = key & mask
        while held := slots[place]:
            if held == key:
                return False
            place = (place + 1) & mask
        slots[place] = key
        return True

    def _grow(self) -> None:
        larger = array("Q", bytes(16 * len(self._slots)))
        for key in self._slots:
            if key:
                self._put(larger, key)
        self._slots = larger
