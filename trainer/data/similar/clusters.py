"""Rows that say nearly the same, joined into clusters. What counts stands in the package's docstring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.data.similar.shingles import shingles, thresholds
from trainer.data.similar.signatures import BANDS, band_keys
from trainer.data.similar.spill import Spill

SIMILAR = 0.6  # Jaccard
OWN = 8  # shingles that a row needs, besides common ones, to be compared
SAMPLE = 10_000  # rows from which it is learnt which shingles are common
CHUNK = 8192  # rows, or pairs, at a time
FEW_PROBES = 4  # with fewer of them a row is always compared
PROBES = 16  # shingles of a row that are looked up to rule it out
NEIGHBOURS = 3  # within a bucket, each row is measured against so many next ones and the first
_NONE = np.uint64(2**64 - 1)

Ids = NDArray[np.int64]


class Clusters:
    """Takes texts in order, then says which belong together. About 450 bytes of disk a row; memory, some 60
    bytes a row, only at the end."""

    def __init__(self, folder: Path, name: str = "similar") -> None:
        self._spill = Spill(folder / f"{name}.shingles", "<u4")
        self._bands = [folder / f"{name}.band{band}" for band in range(BANDS)]
        self._counts = Spill(folder / f"{name}.counts", "<u2")
        self._widths = Spill(folder / f"{name}.widths", "<u4")
        self._whole = Spill(folder / f"{name}.whole", "<u8")

    def add(self, texts: Sequence[str], heads: NDArray[np.uint64] | None = None) -> None:
        """Texts, and a hash of what stands above each: equal texts under different heads are not the same."""
        if texts:
            made = shingles(texts)
            self._spill.write(made.kept)
            self._counts.write(made.counts)
            self._widths.write(made.widths)
            self._whole.write(made.whole if heads is None else made.whole ^ heads)

    def roots(self, leave_out: NDArray[np.bool_] | None = None) -> Ids:
        """For each text the place of the first text of its cluster; its own place where it stands alone.

        Texts marked in `leave_out` (exact copies) stand alone and count for nothing."""
        rows = _Rows(self._spill, self._counts.pop(), self._widths.pop())
        whole = self._whole.pop()
        roots = firsts(whole, leave_out)
        alone = roots == np.arange(len(roots))
        if leave_out is not None:
            alone &= ~leave_out
        rows.learn_common(np.flatnonzero(alone), whole)
        rows.learn_repeated(alone)
        compared = self._write_bands(rows, alone)
        del rows.times
        for pairs in self._candidates(compared, whole):
            fresh = pairs[:, roots_of(roots, pairs[0]) != roots_of(roots, pairs[1])]
            for start in range(0, fresh.shape[1], CHUNK):
                some = fresh[:, start : start + CHUNK]
                join(roots, some[:, rows.similarity(*some) >= SIMILAR])
        self._spill.close()
        return roots_of(roots, roots)

    def _write_bands(self, rows: _Rows, alone: NDArray[np.bool_]) -> Ids:
        """Write the keys of all rows that can be compared, a file a band; return these rows."""
        compared: list[Ids] = []
        files = [Spill(path, "<u8") for path in self._bands]
        for chunk in rows.chunks():
            ids = chunk[alone[chunk] & (rows.counts[chunk] >= OWN)]
            hashes, counts = rows.own(ids)
            enough = (counts >= OWN) & rows.met_again(hashes, counts)
            if enough.any():
                keys = band_keys(hashes[np.repeat(enough, counts)], counts[enough])
                for band, file in enumerate(files):
                    file.write(keys[:, band])
                compared.append(ids[enough])
        self._files = files
        return np.concatenate(compared) if compared else np.empty(0, np.int64)

    def _candidates(self, compared: Ids, whole: NDArray[np.uint64]) -> Iterator[Ids]:
        """Pairs [2, m] that share a band's key. Rows in a bucket are ordered by content, not by place."""
        for file in self._files:
            keys = file.read()
            file.close()
            shared = np.flatnonzero(is_among(keys, distinct(keys, 2)))
            if len(shared):
                shared = shared[np.lexsort((whole[compared[shared]], keys[shared]))]
                yield _pairs(keys[shared], compared[shared])


def _pairs(keys: NDArray[np.uint64], ids: Ids) -> Ids:
    """Each row with the first of its bucket and with its next neighbours; every pair once."""
    heads = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    first = np.repeat(heads, np.diff(heads, append=len(keys)))
    here = np.arange(len(keys))
    found = [np.stack((ids[first], ids))[:, here - first > NEIGHBOURS]]
    for step in range(1, NEIGHBOURS + 1):
        same = keys[step:] == keys[:-step]
        found.append(np.stack((ids[:-step], ids[step:]))[:, same])
    return np.concatenate(found, axis=1)


class _Rows:
    """The spilled shingles, row by row."""

    def __init__(self, spill: Spill, counts: NDArray[np.uint16], widths: NDArray[np.uint32]) -> None:
        self.spill = spill
        self.counts = counts
        self.widths = widths
        self.starts = np.cumsum(self.counts, dtype=np.int64) - self.counts
        self.common = np.empty(0, np.uint32)

    def chunks(self) -> Iterator[Ids]:
        for start in range(0, len(self.counts), CHUNK):
            yield np.arange(start, min(start + CHUNK, len(self.counts)))

    def learn_common(self, ids: Ids, whole: NDArray[np.uint64]) -> None:
        """Find the shingles that stand in too many of these rows, by a sample of rows chosen by their content."""
        limit = common_limit(len(ids))
        if len(ids) > SAMPLE:
            share = SAMPLE / len(ids)
            ids = ids[whole[ids] < np.uint64(int(share * 2**64))]
            limit = int(limit * share)
        seen: list[NDArray[np.uint32]] = []
        for some in np.split(ids, np.searchsorted(ids, np.arange(CHUNK, len(self.counts), CHUNK))):
            hashes, counts = self._take(some)
            rows = np.repeat(np.arange(len(some), dtype=np.uint64), counts)
            seen.append(distinct(rows << np.uint64(32) | hashes).astype(np.uint32))
        self.common = distinct(np.concatenate([np.empty(0, np.uint32), *seen]), limit + 1)

    def learn_repeated(self, alone: NDArray[np.bool_]) -> None:
        """Count 0, 1 or 2 for each probed shingle, in at most 64 MiB: shingles that share a slot count as one."""
        size = 1 << min(26, max(12, int(PROBES * len(self.counts)).bit_length() + 2))
        self.times = np.zeros(size, np.uint8)
        for ids in self.chunks():
            hashes, counts = self._take(ids)
            if not alone[ids].all():
                hashes = hashes[np.repeat(alone[ids], counts)]
            slots = self._slots(hashes[_probed(hashes)])
            before = self.times[slots]
            self.times[slots] = 1
            self.times[slots[before > 0]] = 2
            self.times[distinct(slots, 2)] = 2

    def met_again(self, hashes: NDArray[np.uint32], counts: Ids) -> NDArray[np.bool_]:
        """Which rows, of these hashes, share enough with any other row to be near duplicates at all: a row that is
        similar to another has most of its shingles there too, and a third of the probed ones, whatever chance picked.
        Of a row with very few probed ones one changed word can hit all: nothing is ruled out there."""
        probed = _probed(hashes)
        ends = np.searchsorted(probed, np.cumsum(counts))
        elsewhere = np.concatenate(([0], np.cumsum(self.times[self._slots(hashes[probed])] == 2)))[ends]
        times = np.diff(ends, prepend=0)
        return (3 * np.diff(elsewhere, prepend=0) >= times) | (times < FEW_PROBES)

    def _slots(self, hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
        return (hashes >> 2 & (len(self.times) - 1)).astype(np.uint32)

    def own(self, ids: Ids) -> tuple[NDArray[np.uint32], Ids]:
        """The shingles of these rows that are not common, and how many each has."""
        hashes, counts = self._take(ids)
        own = self._own(hashes)
        if own.all():
            return hashes, counts
        rows = np.repeat(np.arange(len(ids)), counts)[own]
        return hashes[own], np.bincount(rows, minlength=len(ids))

    def similarity(self, left: Ids, right: Ids) -> NDArray[np.float64]:
        """The Jaccard similarity of each pair's own shingles, as far as both kept them."""
        limits = np.minimum(thresholds(self.widths[left]), thresholds(self.widths[right]))
        both = np.concatenate((self._table(left, limits, 0), self._table(right, limits, 1)), axis=1)
        both.sort(axis=1)  # many short sorts cost far less than one long one
        before, here = both[:, :-1], both[:, 1:]
        new = (here != before) & (here != _NONE)
        shared = np.count_nonzero(new & (here ^ before == 1), axis=1)
        distinct = np.count_nonzero(new, axis=1) + (both[:, 0] != _NONE)
        return shared / np.maximum(distinct - shared, 1)

    def _table(self, ids: Ids, limits: NDArray[np.uint32], side: int) -> NDArray[np.uint64]:
        """The own shingles of these rows up to their limits, doubled, plus `side`; a row each, filled up with
        _NONE."""
        hashes, counts = self._take(ids)
        rows = np.repeat(np.arange(len(ids)), counts)
        columns = np.arange(len(hashes)) - np.repeat(np.cumsum(counts) - counts, counts)
        table = np.full((len(ids), int(counts.max())), _NONE)
        wanted = self._own(hashes) & (hashes <= limits[rows])
        table[rows, columns] = np.where(wanted, hashes.astype(np.uint64) << 1 | np.uint64(side), _NONE)
        return table

    def _own(self, hashes: NDArray[np.uint32]) -> NDArray[np.bool_]:
        return ~is_among(hashes, self.common)

    def _take(self, ids: Ids) -> tuple[NDArray[np.uint32], Ids]:
        counts = self.counts[ids].astype(np.int64)
        if len(ids) and (np.diff(ids) == 1).all():
            start = int(self.starts[ids[0]])
            return self.spill.read(start, start + int(counts.sum())), counts
        return self.spill.take(self.starts[ids], counts), counts


def _probed(hashes: NDArray[np.uint32]) -> Ids:
    """The places of every fourth shingle, chosen by its hash."""
    return np.flatnonzero(hashes & np.uint32(3) == 0)


def common_limit(rows: int) -> int:
    """A shingle in more rows than this is common: a quarter of a small file, 50 rows, 2 % of a larger file, 1,000
    rows of a huge one; never fewer than 8."""
    return max(8, min(50, rows // 4), min(1000, rows // 50))


def distinct(values: NDArray, times: int = 1) -> NDArray:
    """The different values, ascending, of those that stand there so many times at least. (np.unique hashes, which
    takes ten times as long.)"""
    ordered = np.sort(values)
    heads = np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(ordered)]
    if times == 1:
        return ordered[heads]
    places = np.flatnonzero(heads)
    return ordered[places[np.diff(places, append=len(ordered)) >= times]]


def is_among(values: NDArray, few: NDArray) -> NDArray[np.bool_]:
    """Which values are among `few` ascending ones of the same type; the top 16 bits rule most of them out."""
    found = np.zeros(len(values), np.bool_)
    if len(few):
        shift = values.dtype.type(values.dtype.itemsize * 8 - 16)
        hint = np.zeros(1 << 16, np.bool_)
        hint[few >> shift] = True
        maybe = np.flatnonzero(hint[values >> shift])
        places = np.minimum(np.searchsorted(few, values[maybe]), len(few) - 1)
        found[maybe] = few[places] == values[maybe]
    return found


def firsts(keys: NDArray, leave_out: NDArray[np.bool_] | None = None) -> Ids:
    """For each key the first place where it stands; rows left out stand for themselves."""
    ids = np.arange(len(keys)) if leave_out is None else np.flatnonzero(~leave_out)
    found = np.arange(len(keys))
    order = np.argsort(keys[ids], kind="stable")
    ordered = keys[ids][order]
    new = np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(ids)]
    heads = np.flatnonzero(new)
    found[ids[order]] = np.repeat(ids[order[heads]], np.diff(heads, append=len(ids)))
    return found


def roots_of(roots: Ids, ids: Ids) -> Ids:
    """Follow links to the first of each cluster."""
    found = roots[ids]
    while not np.array_equal(further := roots[found], found):
        found = further
    return found


def join(roots: Ids, pairs: Ids) -> None:
    """Link the clusters of each pair, in place; links lead to the smaller place."""
    while True:
        left, right = roots_of(roots, pairs[0]), roots_of(roots, pairs[1])
        apart = left != right
        if not apart.any():
            return
        pairs = pairs[:, apart]
        np.minimum.at(roots, np.maximum(left, right)[apart], np.minimum(left, right)[apart])
