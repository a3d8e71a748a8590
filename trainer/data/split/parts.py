"""Which cluster goes to which part."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from trainer.data.split.survey import Asked, Found
from trainer.errors import BadInput

MIN_GROUPS = 10
PARTS: tuple[str, ...] = ("train", "dev", "test")
TRAIN, DEV, TEST = range(3)
RARE = 5  # clusters
OFF = 0.05  # a share of rows that misses what was asked by more is told


def parts_of(found: Found, asked: Asked) -> NDArray[np.uint8]:
    """For each row the number of its part. Raises BadInput when there are too few clusters."""
    places, which, sizes = _clusters(found)
    if len(places) < MIN_GROUPS:
        raise _too_few(len(places), found, asked)
    if asked.stratify is None:
        parts = _by_borders(places, asked)
    else:
        parts = _by_label(sizes, _labels(found, which, len(places)), asked)
    return parts[which]


def _clusters(found: Found) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """The clusters' places ascending, each row's cluster, and how many different rows each cluster has."""
    places, which = np.unique(found.places, return_inverse=True)
    return places, which, np.bincount(which[~found.copies], minlength=len(places))


def _too_few(count: int, found: Found, asked: Asked) -> BadInput:
    what = "prompts" if asked.group == "prompt" else "groups"
    said = f"There are {count} different {what}"
    if found.merged:
        said = f"There are {found.groups} different {what}, but only {count} that are not nearly the same"
    return BadInput(
        f"{said}; a split needs at least {MIN_GROUPS}.", fix=f"Add rows with new {what}.", code="too_few_rows"
    )


def _by_borders(places: NDArray[np.uint64], asked: Asked) -> NDArray[np.uint8]:
    """Test is below the first border, dev below the second, train above."""
    line = places.tolist()
    held = bisect_left(line, asked.test * 2**64)
    shown = bisect_left(line, (asked.test + asked.dev) * 2**64) - held
    held, shown = max(held, asked.test > 0), max(shown, asked.dev > 0)
    while held + shown >= len(line):  # train keeps a group, however the shares were chosen
        held, shown = (held - 1, shown) if held > shown else (held, shown - 1)
    parts = np.full(len(line), TRAIN, np.uint8)
    parts[:held], parts[held : held + shown] = TEST, DEV
    return parts


def _labels(found: Found, which: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Each cluster's most frequent label; of several the first by name."""
    order = np.argsort(np.argsort(np.array(found.names)))  # so that the file's order does not matter
    rows = ~found.copies
    pairs, times = np.unique(which[rows] * len(order) + order[found.labels[rows]], return_counts=True)
    best = np.lexsort((pairs, -times, pairs // len(order)))
    labels = np.zeros(count, np.int64)
    labels[pairs[best][::-1] // len(order)] = pairs[best][::-1] % len(order)
    return labels


def _by_label(sizes: NDArray[np.int64], labels: NDArray[np.int64], asked: Asked) -> NDArray[np.uint8]:
    """Of each label's clusters, in the order of their places, the first rows up to the test share go to test, the
    next up to the dev share to dev: a cluster goes where its middle row falls. Rare labels count as one."""
    parts = np.full(len(sizes), TRAIN, np.uint8)
    labels = np.where(np.bincount(labels)[labels] < RARE, 0, labels + 1)
    for label in range(int(labels.max()) + 1):
        mine = np.flatnonzero(labels == label)
        middle = np.cumsum(sizes[mine]) - sizes[mine] / 2
        total = sizes[mine].sum()
        parts[mine[middle < (asked.test + asked.dev) * total]] = DEV
        parts[mine[middle < asked.test * total]] = TEST
    for part, share in ((TEST, asked.test), (DEV, asked.dev), (TRAIN, 1.0)):
        if share and not (parts == part).any():
            most = np.bincount(parts, minlength=3).argmax()
            parts[np.flatnonzero(parts == most)[0]] = part
    return parts


def notes_on(found: Found, parts: NDArray[np.uint8], asked: Asked) -> tuple[str, ...]:
    """What a person should know about this split, in sentences."""
    notes: list[str] = []
    rows = int((~found.copies).sum())
    _, which, sizes = _clusters(found)
    got = np.bincount(parts[~found.copies], minlength=3) / rows
    largest = int(sizes.argmax())
    off = abs(got[TEST] - asked.test) > OFF or abs(got[DEV] - asked.dev) > OFF
    if off and sizes[largest] > OFF * rows:  # else it is chance, as in any small file
        shares = " / ".join(f"{share:.0%}" for share in got)
        wanted = " / ".join(f"{share:.0%}" for share in (1 - asked.dev - asked.test, asked.dev, asked.test))
        where = PARTS[parts[np.flatnonzero(which == largest)[0]]]
        notes.append(
            f"Train, dev and test hold {shares} of the rows instead of {wanted}. "
            f"One group of {sizes[largest]:,} rows stays together, in {where}."
        )
    if found.merged:
        joined = "1 group joined another" if found.merged == 1 else f"{found.merged:,} groups joined others"
        notes.append(f"{joined}: their rows are nearly the same or share a prompt.")
    if found.without_key:
        notes.append(f"{found.without_key:,} rows lack {asked.group.removeprefix('key:')}; their prompts group them.")
    return tuple(notes)
