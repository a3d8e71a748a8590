"""Split a dataset into train, dev and test so that nothing leaks: rows with the same prompt stay together, and so
do rows that are nearly the same (`trainer.data.similar` says when), or whose short prompts differ by one word more,
whatever else groups them.

A group's place is decided by its own hash (blake2b over seed and group key) against the shares, and by nothing
else; groups that are linked by the same or nearly the same text form a cluster, which takes the place of one of
its members, chosen by hash. So the same seed gives the same split on any machine, shuffling rows or repeating
them changes nothing, and *adding rows never moves an old row*: a sealed test prompt never turns up in the next
version's training set. Three things may move one after all: a new row that links two groups; so many new rows
that a phrase becomes common, or ceases to be, which `trainer.data.similar` does not count; and a small file that
would leave a part empty, where the group nearest to the border moves over.

The price is that shares are met only on average (1,000 groups at 20 %: 200 ± 25, in 19 of 20 splits). With
`stratify` every label keeps its share of rows in every part as far as its clusters allow; then the border runs
through each label's own rows, and added rows may move those near it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.data.split.groups import prompt_key
from trainer.data.split.parts import MIN_GROUPS, PARTS, notes_on, parts_of
from trainer.data.split.survey import Asked, Found, Source, Survey, place_of
from trainer.data.split.writer import MANIFEST, Writer
from trainer.errors import BadInput
from trainer.settings import Settings

__all__ = [
    "MANIFEST",
    "MIN_GROUPS",
    "PARTS",
    "SplitResult",
    "place_of",
    "prompt_key",
    "prompt_keys",
    "split",
]


@dataclass(frozen=True, slots=True)
class SplitResult:
    """Where the parts lie and what they hold. `groups` counts the groups of each part (linked ones are one),
    `merged` those that joined others, `strata` the rows of each label in each part."""

    seed: int
    files: dict[str, Path]
    counts: dict[str, int]
    sha256s: dict[str, str]
    groups: dict[str, int]
    dropped_duplicates: int
    group: str = "prompt"
    stratify: str | None = None
    merged: int = 0
    strata: dict[str, dict[str, int]] | None = None
    notes: tuple[str, ...] = ()


def split(
    path: Path,
    out_dir: Path,
    *,
    seed: int = 17,
    dev: float = 0.1,
    test: float = 0.2,
    group: str = "prompt",
    stratify: str | None = None,
    near: bool = True,
    settings: Settings | None = None,
    format: str | None = None,
    mapping: Mapping[str, str] | None = None,
) -> SplitResult:
    """Write train.jsonl, dev.jsonl, test.jsonl and split.json into `out_dir`, each whole or not at all.

    `group` is "prompt", "conversation" (an id in the metadata, else the first user message) or "key:<path>";
    rows with the same prompt stay together in any case, and unless `near` is False nearly equal ones too.
    `stratify` is "answer" or "key:<path>". Rows are written in the one shape of their kind
    (`trainer.data.split.shapes`); exact duplicates are written once. Raises BadInput when there are too few different
    groups."""
    asked = Asked(seed, dev, test, group, stratify, near)
    if not (0 <= dev < 1 and 0 <= test < 1 and dev + test < 1):
        raise BadInput(f"Shares of {dev} and {test} leave nothing to train on.", fix="Keep their sum below 1.")
    source = Source(Path(path), settings, format, mapping)
    with tempfile.TemporaryDirectory(prefix="tunesmith-split-") as folder:
        survey = Survey(asked, Path(folder))
        for known, part in source.parts():
            survey.add(known, part)
        found = survey.result()
    return _write(source, Path(out_dir), asked, found)


def _write(source: Source, out_dir: Path, asked: Asked, found: Found) -> SplitResult:
    parts = parts_of(found, asked)
    groups = {name: len(np.unique(found.places[parts == i])) for i, name in enumerate(PARTS)}
    dropped, notes, strata = int(found.copies.sum()), notes_on(found, parts, asked), _strata(found, parts)
    with Writer(out_dir) as writer:
        for entry, part, copy in zip(source.entries(), parts.tolist(), found.copies.tolist(), strict=True):
            if not copy:
                writer.write(PARTS[part], entry.written)
    told = {
        **asked._asdict(),
        "source": source.path.name,
        "groups": groups,
        "merged": found.merged,
        "dropped_duplicates": dropped,
        "strata": strata,
        "notes": notes,
    }
    files, sha256s = writer.finish(told)
    return SplitResult(
        asked.seed,
        files,
        writer.counts,
        sha256s,
        groups,
        dropped,
        asked.group,
        asked.stratify,
        found.merged,
        strata,
        notes,
    )


def _strata(found: Found, parts: np.ndarray) -> dict[str, dict[str, int]] | None:
    if not found.names:
        return None
    rows = ~found.copies
    table = np.bincount(found.labels[rows] * 3 + parts[rows], minlength=3 * len(found.names)).reshape(-1, 3)
    return {
        name[:80]: dict(zip(PARTS, counts, strict=True))
        for name, counts in sorted(zip(found.names, table.tolist(), strict=True))
    }


def prompt_keys(path: Path, *, settings: Settings | None = None) -> frozenset[str]:
    """The keys of every prompt in a file: what a test suite must not share with the training data."""
    return frozenset(entry.prompt for entry in Source(Path(path), settings, None, None).entries())
