"""The first reading of a split: every row's group, label and copy, and which groups belong together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.data.canonical import canonical
from trainer.data.check import reading
from trainer.data.formats import Format, load_format
from trainer.data.scan import Part
from trainer.data.similar import Clusters, firsts, join, own_texts, roots_of
from trainer.data.similar.texts import Texts
from trainer.data.split.groups import Entry, grouping, labelling
from trainer.data.split.longer import Longer
from trainer.errors import BadInput
from trainer.settings import Settings

LABELS = 1000
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Asked(NamedTuple):
    """How the split was asked for."""

    seed: int
    dev: float
    test: float
    group: str
    stratify: str | None
    near: bool


class Found(NamedTuple):
    """Of n accepted rows: whether each is an exact copy of an earlier one, the place of its cluster on the line
    from 0 to 2^64, and its label's number. `groups` counts different keys, `merged` those that joined others."""

    copies: NDArray[np.bool_]
    places: NDArray[np.uint64]
    labels: NDArray[np.uint16]
    names: list[str]
    groups: int
    merged: int
    without_key: int


class Source(NamedTuple):
    """The file, and how it is to be read."""

    path: Path
    settings: Settings | None
    format: str | None
    mapping: Mapping[str, str] | None

    def parts(self) -> Iterator[tuple[Format, Part]]:
        with reading(self.path, settings=self.settings, format=self.format, mapping=self.mapping) as (known, parts):
            for part in parts:
                if part.rows:
                    yield known, part

    def entries(self) -> Iterator[Entry]:
        for known, part in self.parts():
            for row in part.rows:
                yield Entry.of(known, row, known.view(row))


def place_of(key: str, seed: int) -> int:
    """A group's place on the line from 0 to 2^64, the same on any machine."""
    digest = hashlib.blake2b(f"{seed}\n{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


class Survey:
    """Takes every row once. Memory: about 100 bytes a row while it is at work, 230 where prompts are short."""

    def __init__(self, asked: Asked, folder: Path) -> None:
        self._asked = asked
        self._key, self._label = grouping(asked.group), labelling(asked.stratify)
        self._rows: list[NDArray] = []
        self._places: list[NDArray] = []
        self._prompts: list[NDArray] = []
        self._labels: list[NDArray] = []
        self._empty: list[NDArray] = []
        self._names: dict[str, int] = {}
        self._without = 0
        self._near = [Clusters(folder, name) for name in ("texts", "prompts")] if asked.near else []
        self._longer = Longer()

    def add(self, format: Format, part: Part) -> None:
        views = [format.view(row) for row in part.rows]
        entries = [Entry.of(format, row, view) for row, view in zip(part.rows, views, strict=True)]
        digests = b"".join(hashlib.blake2b(canonical(entry.written), digest_size=16).digest() for entry in entries)
        self._rows.append(np.frombuffer(digests, "S16"))
        self._add_keys(entries)
        if self._label:
            self._labels.append(np.array([self._number(self._label, entry) for entry in entries], np.uint16))
        if self._near:
            texts = _texts(format, part, entries)
            self._near[0].add(texts.whole(), texts.heads)
            self._near[1].add(texts.prompts, texts.heads)
            self._longer.add(texts.prompts, texts.heads)
            self._empty.append(np.array([not prompt for prompt in texts.prompts], np.bool_))

    def _add_keys(self, entries: list[Entry]) -> None:
        seed = self._asked.seed
        prompts = [entry.prompt for entry in entries]
        if self._asked.group == "prompt":
            keys = prompts
        else:
            found = [self._key(entry) for entry in entries]
            self._without += found.count(None)
            keys = [prompt if key is None else key for key, prompt in zip(found, prompts, strict=True)]
            self._prompts.append(np.array([place_of(prompt, seed) for prompt in prompts], np.uint64))
        self._places.append(np.array([place_of(key, seed) for key in keys], np.uint64))

    def _number(self, label: Callable[[Entry], str | None], entry: Entry) -> int:
        name = label(entry) or ""
        if name not in self._names and len(self._names) == LABELS:
            raise BadInput(
                f"Stratifying by {self._asked.stratify} finds more than {LABELS:,} different labels.",
                fix="Stratify by something with few values, such as key:metadata.topic.",
                param="stratify",
            )
        return self._names.setdefault(name, len(self._names))

    def result(self) -> Found:
        places = np.concatenate([np.empty(0, np.uint64), *self._places])
        here = np.arange(len(places))
        copies = firsts(np.concatenate([np.empty(0, "S16"), *self._rows])) != here
        if self._without == len(places) and len(places):
            what = self._asked.group.removeprefix("key:")
            raise BadInput(f"No row has {what!r}.", fix="Name a key that the rows have.", param="group")
        if self._asked.stratify not in (None, "answer") and [*self._names] == [""]:
            what = str(self._asked.stratify).removeprefix("key:")
            raise BadInput(f"No row has {what!r}.", fix="Stratify by a key that the rows have.", param="stratify")
        roots = firsts(places)
        groups = int((roots == here).sum())
        if self._prompts:
            join(roots, np.stack((here, firsts(np.concatenate(self._prompts)))))
        if self._near:
            join(roots, self._longer.pairs())
            join(roots, np.stack((here, self._near[0].roots(copies))))
            join(
                roots,
                np.stack((here, self._near[1].roots(copies | np.concatenate([np.empty(0, np.bool_), *self._empty])))),
            )
        roots = roots_of(roots, roots)
        merged = groups - int((roots == here).sum())
        labels = np.concatenate(self._labels) if self._labels else np.zeros(len(places), np.uint16)
        return Found(copies, of_clusters(places, roots), labels, [*self._names], groups, merged, self._without)


def _texts(format: Format, part: Part, entries: list[Entry]) -> Texts:
    """The rows' own words: of the conversations that rows of other kinds tell of, where there are some."""
    views = [entry.view for entry in entries]
    if format.kind == "chat" or not entries or entries[0].chat is None:
        return own_texts(format, part.rows, views)
    return own_texts(load_format("openai-chat"), [entry.chat for entry in entries], views)


def of_clusters(places: NDArray[np.uint64], roots: NDArray[np.int64]) -> NDArray[np.uint64]:
    """For each row the place of its cluster: that of the member whose mixed place is smallest. (The smallest place
    itself would pull every cluster towards the test part.)"""
    mixed = (places ^ (places >> np.uint64(29))) * _MIX
    order = np.lexsort((places, mixed, roots))
    heads = np.flatnonzero(np.concatenate(([True], roots[order][1:] != roots[order][:-1]))[: len(roots)])
    found = np.empty_like(places)
    found[order] = np.repeat(places[order[heads]], np.diff(heads, append=len(roots)))
    return found
