"""Texts as shingles: hashes of 16-byte windows that begin at words, a whole batch of rows at a time.

Everything is numpy over one buffer of bytes, since a Python step per word would cost more than all other checks
together. Hashes are fixed arithmetic on little-endian words: equal on every machine and in every process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

KEPT = 64  # shingles of a row that are kept, on average, where it has more
MOST = 4 * KEPT  # of any row, whatever it says
WINDOW = 16  # bytes
SPACE, PAD, MARK = 32, 0, 0xFF
_PAD_IN, _MARK_IN = b"\xfe", b"\xff"  # bytes that no UTF-8 text has
_GONE = 0xFD  # no UTF-8 text has it either
_BETWEEN = _PAD_IN * WINDOW + _MARK_IN + b" "
# lead byte, second byte (0: a character of two), and its last bytes: U+2000 … U+202F with ‘ and ’
# among them, no-break space, « and », 、 and 。, full-width ! , : ; ?
_SIGNS = (
    (0xE2, 0x80, range(0x80, 0xB0)),
    (0xC2, 0, (0xA0, 0xAB, 0xBB)),
    (0xE3, 0x80, range(0x80, 0x83)),
    (0xEF, 0xBC, (0x81, 0x8C, 0x9A, 0x9B, 0x9F)),
)
_MEANT = b"+*/=<>%$#@^&|~\\"  # signs that are words, or parts of them
_A, _B, _C = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xBF58476D1CE4E5B9))
_TOP = np.uint64(2**32 - 1)


def _table() -> bytes:
    table = bytearray(range(256))
    for code in range(128):
        sign = chr(code)
        table[code] = ord(sign.lower()) if sign.isalnum() or code in _MEANT else SPACE
    table[_PAD_IN[0]] = PAD
    return bytes(table)


_TABLE = _table()
_LASTS = {first: np.isin(np.arange(256), list(last)) for first, _, last in _SIGNS}


class Shingles(NamedTuple):
    """Of n rows: the kept hashes one row after the other, how many each has kept, how many it had (the marks at
    its ends included), and a hash of its whole normalised text."""

    kept: NDArray[np.uint32]
    counts: NDArray[np.uint32]  # [n]
    widths: NDArray[np.uint32]  # [n]
    whole: NDArray[np.uint64]  # [n]


def shingles(texts: Sequence[str]) -> Shingles:
    """The shingles of some rows."""
    codes, ascii_only = normalised(texts)
    starts = word_starts(codes, ascii_only)
    hashes = hash_pairs(*words_at(codes, starts))
    heads = np.searchsorted(starts, np.flatnonzero(codes == MARK))
    widths = np.diff(heads, append=len(starts)).astype(np.uint32)
    kept = (hashes >> np.uint64(32)).astype(np.uint32)
    whole = _whole(hashes, heads, widths)
    if widths.max() <= KEPT:
        return Shingles(kept, widths, widths, whole)
    chosen = np.flatnonzero(kept <= np.repeat(thresholds(widths), widths))
    counts = np.diff(np.searchsorted(chosen, heads), append=len(chosen))
    kept, counts = _bounded(kept[chosen], counts)
    return Shingles(kept, counts.astype(np.uint32), widths, whole)


def _bounded(kept: NDArray[np.uint32], counts: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Rows that say the same words over and over keep each shingle once, and none keeps more than MOST."""
    if counts.max() <= MOST:
        return kept, counts
    parts = [np.unique(row)[:MOST] if len(row) > MOST else row for row in np.split(kept, np.cumsum(counts)[:-1])]
    return np.concatenate(parts), np.array([len(part) for part in parts])


def thresholds(widths: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The largest hash that is kept of a row with that many shingles: all are kept up to `KEPT`."""
    return np.where(widths <= KEPT, _TOP, np.uint64(KEPT << 32) // np.maximum(widths, 1)).astype(np.uint32)


def normalised(texts: Sequence[str]) -> tuple[NDArray[np.uint8], bool]:
    """All texts in one buffer of lower-case UTF-8, and whether they are plain ASCII.

    Each row is MARK, its words with one space before each, and 16 PADs; the buffer ends in 16 PADs more."""
    ascii_only = all(map(str.isascii, texts))  # the table makes these lower-case
    parts = [text.encode() if text.isascii() else text.lower().encode("utf-8", "surrogatepass") for text in texts]
    joined = b"".join((_MARK_IN, b" ", _BETWEEN.join(parts), _PAD_IN * 2 * WINDOW))
    codes = np.frombuffer(joined.translate(_TABLE, b"'"), np.uint8)
    if not ascii_only:
        codes = _plain_signs(codes.copy())
    kept = (codes[:-1] != SPACE) | (codes[1:] > SPACE)  # of several spaces the last stays, at the end none
    if not ascii_only:
        kept &= codes[:-1] != _GONE
    return codes[:-1][kept], ascii_only


def _plain_signs(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Typographic punctuation as spaces, typographic apostrophes left out: looked for where it may stand only."""
    wide = np.flatnonzero(codes >= 0xC2)  # lead bytes of characters beyond ASCII, and our own marks
    lead = codes[wide]
    gone = np.empty(0, np.int64)
    for first, second, _ in _SIGNS:
        found = wide[lead == first]
        if not len(found):
            continue
        found = found[codes[found + 1] == second] if second else found
        width = 3 if second else 2
        found = found[_LASTS[first][codes[found + width - 1]]]
        if first == 0xE2:
            apostrophe = (codes[found + 2] & 0xFE) == 0x98
            gone = found[apostrophe]
            found = found[~apostrophe]
        for step in range(width):
            codes[found + step] = SPACE
    for step in range(3):
        codes[gone + step] = _GONE
    return codes


def word_starts(codes: NDArray[np.uint8], ascii_only: bool) -> NDArray[np.int64]:
    """Where windows begin: at each mark, at each word, at each character of a script without spaces, and every
    16 bytes in longer words, so that every byte is in some window."""
    stop = codes <= SPACE
    begins = np.empty(len(codes), np.bool_)
    begins[0] = True
    np.greater(stop[:-1], stop[1:], out=begins[1:])
    if not ascii_only:
        begins |= codes - np.uint8(0xE3) <= 0xED - 0xE3
    starts = np.flatnonzero(begins)
    gaps = np.empty_like(starts)
    np.subtract(starts[1:], starts[:-1], out=gaps[:-1])
    gaps[-1] = len(codes) - starts[-1]
    long = np.flatnonzero(gaps > WINDOW)
    times = (gaps[long] - 1) // WINDOW
    step = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times) + 1
    more = np.repeat(starts[long], times) + WINDOW * step
    more = more[codes[more] > SPACE]
    return np.insert(starts, np.searchsorted(starts, more), more) if len(more) else starts


def words_at(codes: NDArray[np.uint8], starts: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The 16 bytes from each start on, as two little-endian numbers."""
    windows: Any = np.ndarray((len(codes) - WINDOW + 1,), dtype=f"V{WINDOW}", buffer=codes.data, strides=(1,))
    pairs = windows[starts].view("<u8")
    return pairs[::2], pairs[1::2]


def hash_pairs(low: NDArray[np.uint64], high: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix two numbers into one."""
    low = low * _A
    low ^= high * _B
    low ^= low >> np.uint64(29)
    low *= _C
    low ^= low >> np.uint64(32)
    low *= _A
    return low


def _whole(hashes: NDArray[np.uint64], heads: NDArray[np.int64], widths: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """One hash over all windows of each row and their order."""
    place = np.arange(len(hashes), dtype=np.uint64) - np.repeat(heads.astype(np.uint64), widths)
    place *= _B
    place ^= hashes
    place ^= place >> np.uint64(31)
    place *= _C
    place ^= place >> np.uint64(29)
    return np.add.reduceat(place, heads) * _A
