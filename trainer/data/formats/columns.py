"""Rows with columns of any name, read through a mapping: {"prompt": column, "completion": column, "system"?: column}.

`propose_mapping` guesses one from names and values, for a person to confirm; where two guesses are equally good,
it makes none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trainer.data.findings import kind, quote
from trainer.data.formats.as_chat import ChatFormat, Converted, Metadata, as_text
from trainer.data.formats.column_names import FAMILIES, NOTES, SYSTEM, plain_name, words
from trainer.data.formats.look import Look
from trainer.data.formats.quick import flat_rows, visible
from trainer.errors import BadInput

PARTS = ("system", "prompt", "completion")
ROLES = {"system": "system", "prompt": "user", "completion": "assistant"}
FEW, MANY = 5, 3  # values are judged from five rows on; a label is a value that stands for three rows or more
LABEL_CHARACTERS = 40


class Columns(ChatFormat):
    name = "columns"
    title = "columns"

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self.mapping = dict(mapping)
        self.keys = frozenset(self.mapping.values())

    def matches(self, row: dict[str, Any]) -> bool:
        return self.mapping["prompt"] in row and self.mapping["completion"] in row

    def block(self, raw: bytes) -> list[Any] | None:
        return flat_rows(raw, self._clean)

    def look(self, row: dict[str, Any], look: Look) -> None:
        for part, column in self.mapping.items():
            needed = part != "system"
            if needed and not look.has(row, column, _path(column)):
                continue
            value = row.get(column)
            if isinstance(value, (list, dict)) or (needed and value is None):
                said = f"The column {quote(column)} holds {kind(value)}; a text is needed."
                look.say("content_not_text", said, _path(column), kind(value))
            else:
                look.readable(value)

    def convert(self, row: dict[str, Any]) -> Converted:
        messages: list[dict[str, Any]] = []
        places: list[str] = []
        for part in PARTS:
            column = self.mapping.get(part, "")
            value = row.get(column) if part in self.mapping else None
            if part != "system" or (value is not None and value != ""):
                messages.append({"role": ROLES[part], "content": as_text(value)})
                places.append(_path(column))
        chat = Metadata.of(row, self.keys).put({"messages": messages})
        return Converted(chat, places, rename={})

    def _clean(self, row: dict[str, Any]) -> bool:
        system = row.get(self.mapping["system"]) if "system" in self.mapping else None
        said = visible(row.get(self.mapping["prompt"])) and visible(row.get(self.mapping["completion"]))
        return said and (not system or visible(system))


def _path(column: str) -> str:
    return column if column.isidentifier() and len(column) <= 24 else quote(column, 24)


def load_columns(mapping: Mapping[str, str]) -> Columns:
    """The format for a mapping. Raises BadInput when it says too little, too much or one column twice."""
    fix = 'Say which columns are which, like {"prompt": "question", "completion": "answer"}.'
    for part in ("prompt", "completion"):
        if not mapping.get(part):
            raise BadInput(f"The mapping names no column for the {part}.", fix=fix, param="mapping")
    if unknown := sorted(mapping.keys() - set(PARTS)):
        raise BadInput(f"The mapping has no part {quote(unknown[0])}.", fix=fix, param="mapping")
    if not all(isinstance(column, str) for column in mapping.values()):
        raise BadInput("A mapping is from parts to names of columns.", fix=fix, param="mapping")
    if len(set(mapping.values())) < len(mapping):
        raise BadInput("The mapping uses one column twice.", fix=fix, param="mapping")
    return Columns(mapping)


def propose_mapping(keys: Iterable[str], samples: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """Which column asks and which answers, by their names and else by their values; None when that is not plain."""
    columns = fillable(keys, samples)
    system = [column for column in columns if plain_name(column) in SYSTEM]
    spoken = [column for column in columns if column not in system]
    found = _by_names(spoken) or _by_values(spoken, samples)
    if found is None:
        return None
    mapping = {"prompt": found[0], "completion": found[1]}
    return mapping | {"system": system[0]} if len(system) == 1 else mapping


def fillable(keys: Iterable[str], samples: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns that a person could choose from: each could hold a text."""
    return [key for key in dict.fromkeys(keys) if isinstance(key, str) and _fillable(key, samples)]


def _fillable(column: str, samples: Sequence[Mapping[str, Any]]) -> bool:
    """It could hold a text: no sample holds a list or an object, and not all are empty."""
    values = [sample.get(column) for sample in samples if isinstance(sample, Mapping)]
    if any(isinstance(value, (list, dict)) for value in values):
        return False
    return not values or any(value is not None and str(value).strip() for value in values)


def _by_names(columns: list[str]) -> tuple[str, str] | None:
    """The pair of columns that one family of names explains: by whole names, else by words in the names."""
    for spell in (plain_name, None):
        pairs: set[tuple[str, str]] = set()
        for asks, answers in FAMILIES:
            prompts = [c for c in columns if _named(c, asks, spell is None)]
            completions = [c for c in columns if _named(c, answers, spell is None)]
            pairs.update((p, c) for p in prompts for c in completions if p != c)
        if pairs:
            return pairs.pop() if len(pairs) == 1 else None
    return None


def _named(column: str, names: frozenset[str], by_words: bool) -> bool:
    return not names.isdisjoint(words(column)) if by_words else plain_name(column) in names


def _by_values(columns: list[str], samples: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Of two columns the one with long, differing texts asks, and the one with few short values labels it."""
    columns = [column for column in columns if plain_name(column) not in NOTES]
    if len(columns) != 2 or len(samples) < FEW:
        return None
    labels = [column for column in columns if _is_label(column, samples)]
    texts = [column for column in columns if _is_text(column, samples)]
    return (texts[0], labels[0]) if len(labels) == len(texts) == 1 and labels != texts else None


def _is_label(column: str, samples: Sequence[Mapping[str, Any]]) -> bool:
    values = [as_text(sample.get(column, "")) for sample in samples]
    return len(set(values)) * MANY <= len(values) and max(map(len, values)) <= LABEL_CHARACTERS


def _is_text(column: str, samples: Sequence[Mapping[str, Any]]) -> bool:
    values = [value for sample in samples if isinstance(value := sample.get(column), str)]
    spaced = sum(" " in value.strip() or not value.isascii() for value in values)
    return len(values) == len(samples) and 2 * spaced > len(values) and 2 * len(set(values)) > len(values)
