"""Single rows out of what a trainer holds: packed sequences are taken apart, eight different short ones are chosen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, islice, pairwise
from typing import Any

from trainer.methods.rows import IGNORED

LOOKED_AT = 256  # rows among which the short ones are sought
Item = dict[str, Any]


def singles(rows: Any) -> Iterator[Item]:
    """The items of a trainer's dataset, one conversation each."""
    for at in range(len(rows)):
        yield from apart(rows[at])


def apart(item: Item) -> Iterator[Item]:
    """A packed sequence as the conversations that it is made of; any other item as it is."""
    lengths = item.get("seq_lengths")
    if not lengths or len(lengths) < 2:
        yield item
        return
    whole = len(item["input_ids"])
    for start, stop in pairwise(accumulate(lengths, initial=0)):
        cut = {k: v[start:stop] for k, v in item.items() if k != "seq_lengths" and _runs_along(v, whole)}
        yield {**item, **cut, "seq_lengths": [stop - start]}


def _runs_along(value: Any, length: int) -> bool:
    return isinstance(value, list) and len(value) == length


def choose(rows: Any, count: int) -> list[Item]:
    """Up to `count` different rows, the shortest of the first few hundred, in their own order. Where there are fewer,
    they are repeated."""
    known: dict[str, Item] = {}
    for item in islice(singles(rows), LOOKED_AT):
        if _teaches(item):
            known.setdefault(repr(item), item)
    order = {key: place for place, key in enumerate(known)}
    shortest = sorted(known, key=lambda key: (size(known[key]), order[key]))[:count]
    chosen = [known[key] for key in sorted(shortest, key=order.__getitem__)]
    return [chosen[at % len(chosen)] for at in range(count)] if chosen else []


def _teaches(item: Item) -> bool:
    labels = item.get("labels")
    return not isinstance(labels, list) or any(label != IGNORED for label in labels)


def size(item: Item) -> int:
    """Tokens (or letters, of texts) that an item holds."""
    return sum(len(value) for value in item.values() if isinstance(value, list | str))
