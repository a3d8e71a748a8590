"""Split a dataset into train, dev and test so that nothing leaks: rows with the same prompt stay together.

A group's place is decided by its own hash (blake2b over seed and group key) against the shares, and by
nothing else. So the same seed gives the same split on any machine, shuffling rows changes nothing, and
*adding rows never moves an old row*: a sealed test prompt never turns up in the next version's training set.
The price is that shares are met only on average (1,000 groups at 20 %: 200 ± 25, in 19 of 20 splits). Where a
small file would leave a part empty, the group nearest to the border moves over; only then may added rows
change the place of such a group.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from bisect import bisect_left
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from trainer.data.check import canonical, rows
from trainer.data.formats.openai_chat import text_of
from trainer.errors import BadInput
from trainer.settings import Settings

MIN_GROUPS = 10
PARTS: tuple[str, ...] = ("train", "dev", "test")
MANIFEST = "split.json"


@dataclass(frozen=True, slots=True)
class SplitResult:
    """Where the parts lie and what they hold. `groups` counts the groups of each part."""

    seed: int
    files: dict[str, Path]
    counts: dict[str, int]
    sha256s: dict[str, str]
    groups: dict[str, int]
    dropped_duplicates: int


def prompt_key(row: dict[str, Any]) -> str:
    """Everything before the last answer, without regard to case, white space and Unicode form."""
    said = (f"{text_of(m)} {_calls(m)}" for m in row["messages"][:-1])
    return "\x1f".join(" ".join(unicodedata.normalize("NFKC", text).casefold().split()) for text in said)


def _calls(message: dict[str, Any]) -> str:
    calls = message.get("tool_calls") or message.get("function_call")
    return canonical(calls).decode() if calls else ""


# how rows are grouped: name → key of a row
GROUPS: dict[str, Callable[[dict[str, Any]], str]] = {"prompt": prompt_key}


def split(
    path: Path,
    out_dir: Path,
    *,
    seed: int = 17,
    dev: float = 0.1,
    test: float = 0.2,
    group: str = "prompt",
    settings: Settings | None = None,
) -> SplitResult:
    """Write train.jsonl, dev.jsonl, test.jsonl and split.json into `out_dir`, each whole or not at all.

    Exact duplicates are written once. Raises BadInput when there are too few different prompts.
    """
    key = _checked(dev, test, group)
    placed = {place_of(key(row), seed) for _, row in rows(path, settings=settings)}
    borders = _borders(sorted(placed), dev, test)
    writer = _Writer(Path(out_dir))
    with writer:
        for _, row in rows(path, settings=settings):
            place = place_of(key(row), seed)
            writer.write(_part(place, borders), place, row)
    return writer.finish(seed, {"dev": dev, "test": test, "group": group, "source": Path(path).name})


def _checked(dev: float, test: float, group: str) -> Callable[[dict[str, Any]], str]:
    if not (0 <= dev < 1 and 0 <= test < 1 and dev + test < 1):
        raise BadInput(f"Shares of {dev} and {test} leave nothing to train on.", fix="Keep their sum below 1.")
    if group not in GROUPS:
        raise BadInput(f"Rows cannot be grouped by {group!r}.", fix=f"Known: {', '.join(GROUPS)}.")
    return GROUPS[group]


def place_of(key: str, seed: int) -> int:
    """A group's place on the line from 0 to 2^64, the same on any machine."""
    digest = hashlib.blake2b(f"{seed}\n{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _borders(places: list[int], dev: float, test: float) -> tuple[int, int]:
    """Test is below the first border, dev below the second, train above."""
    if len(places) < MIN_GROUPS:
        raise BadInput(
            f"There are {len(places)} different prompts; a split needs at least {MIN_GROUPS}.",
            fix="Add rows with new prompts.",
            code="too_few_rows",
        )
    held = bisect_left(places, test * 2**64)
    shown = bisect_left(places, (test + dev) * 2**64) - held
    held, shown = max(held, test > 0), max(shown, dev > 0)
    while held + shown >= len(places):  # train keeps a group, however the shares were chosen
        held, shown = (held - 1, shown) if held > shown else (held, shown - 1)
    return places[held], places[held + shown]


def _part(place: int, borders: tuple[int, int]) -> str:
    return "test" if place < borders[0] else "dev" if place < borders[1] else "train"


class _Writer:
    """Three files under temporary names, renamed together at the end."""

    def __init__(self, out_dir: Path) -> None:
        self.out_dir = out_dir
        self.files: dict[str, BinaryIO] = {}
        self.shas = {part: hashlib.sha256() for part in PARTS}
        self.counts = dict.fromkeys(PARTS, 0)
        self.groups: dict[str, set[int]] = {part: set() for part in PARTS}
        self.seen: set[bytes] = set()
        self.dropped = 0
        self._open = ExitStack()

    def __enter__(self) -> _Writer:
        self.out_dir.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            self.files[part] = self._open.enter_context(self._temporary(part).open("wb"))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._open.close()
        if kind is not None:
            for part in PARTS:
                self._temporary(part).unlink(missing_ok=True)

    def write(self, part: str, place: int, row: dict[str, Any]) -> None:
        digest = hashlib.blake2b(canonical(row), digest_size=16).digest()
        if digest in self.seen:
            self.dropped += 1
            return
        self.seen.add(digest)
        line = msgspec.json.encode(row) + b"\n"
        self.files[part].write(line)
        self.shas[part].update(line)
        self.counts[part] += 1
        self.groups[part].add(place)

    def finish(self, seed: int, how: dict[str, Any]) -> SplitResult:
        files = {part: self.out_dir / f"{part}.jsonl" for part in PARTS}
        for part in PARTS:
            self._temporary(part).replace(files[part])
        result = SplitResult(
            seed=seed,
            files=files,
            counts=self.counts,
            sha256s={part: sha.hexdigest() for part, sha in self.shas.items()},
            groups={part: len(places) for part, places in self.groups.items()},
            dropped_duplicates=self.dropped,
        )
        self._manifest(result, how)
        return result

    def _manifest(self, result: SplitResult, how: dict[str, Any]) -> None:
        said = {
            "seed": result.seed,
            **how,
            "counts": result.counts,
            "groups": result.groups,
            "sha256s": result.sha256s,
            "dropped_duplicates": result.dropped_duplicates,
        }
        temporary = self.out_dir / f".{MANIFEST}.{os.getpid()}"
        temporary.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        temporary.replace(self.out_dir / MANIFEST)

    def _temporary(self, part: str) -> Path:
        return self.out_dir / f".{part}.jsonl.{os.getpid()}"


def prompt_keys(path: Path, *, settings: Settings | None = None) -> frozenset[str]:
    """The keys of every prompt in a file: what a test suite must not share with the training data."""
    return frozenset(prompt_key(row) for _, row in rows(path, settings=settings))
