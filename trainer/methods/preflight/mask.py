"""Which tokens carry loss, on a few rows: as data, as text for a terminal, and in words. No torch.

The rows are hostile: whatever could steer a terminal or a reader is written as its escape.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from trainer.methods.rows import IGNORED

PROMPT, ANSWER, END, GAP = "prompt", "answer", "end", "gap"
LEARNED = (ANSWER, END)
ROWS = 3
HALF, MOST_BYTES = "\ufffd", 4
HEAD, TAIL = 40, 80  # tokens that a long row keeps
SEEN = {" ": "␣", "\n": "⏎", "\t": "⇥"}  # how what cannot be seen is written
COLUMNS = (("input_ids", "labels"), ("chosen_ids", "chosen_labels"), ("ids", "labels"))


@dataclass(frozen=True, slots=True)
class Token:
    text: str  # visible, escaped; control tokens by name
    kind: str  # prompt | answer | end (of the turn, learned) | gap (tokens that are not shown)


@dataclass(frozen=True, slots=True)
class Masked:
    """One row: what is shown of it, and how many of all its tokens carry loss."""

    tokens: tuple[Token, ...]
    count: int
    learned: int

    def to_dict(self) -> dict[str, Any]:
        return {"count": self.count, "learned": self.learned, "tokens": [[t.text, t.kind] for t in self.tokens]}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Masked:
        return cls(tuple(Token(*pair) for pair in value["tokens"]), value["count"], value["learned"])


def masks(tokenizer: Any, items: Iterable[dict[str, Any]], ends: Sequence[int], count: int = ROWS) -> list[Masked]:
    """The masks of the first `count` items that hold token ids with labels."""
    made: list[Masked] = []
    for item in items:
        columns = next((pair for pair in COLUMNS if all(isinstance(item.get(name), list) for name in pair)), None)
        if columns is not None:
            made.append(mask(tokenizer, item[columns[0]], item[columns[1]], ends))
        if len(made) == count:
            break
    return made


def mask(tokenizer: Any, ids: Sequence[int], labels: Sequence[int], ends: Sequence[int]) -> Masked:
    learned = [label != IGNORED for label in labels]
    kinds = [END if on and i in ends else ANSWER if on else PROMPT for i, on in zip(ids, learned, strict=True)]
    tokens = [Token(seen(tokenizer, group), kind) for group, kind in _letters(tokenizer, ids, kinds)]
    return Masked(tuple(_shortened(tokens)), len(tokens), sum(learned))


def _shortened(tokens: list[Token]) -> list[Token]:
    """A long row's middle is left out, and said."""
    left = len(tokens) - HEAD - TAIL
    if left <= 1:
        return tokens
    middle = tokens[HEAD:-TAIL]
    carry = sum(token.kind in LEARNED for token in middle)
    words = f"{left:,} more tokens, {carry:,} of them learned"
    return [*tokens[:HEAD], Token(words, GAP), *tokens[-TAIL:]]


def _letters(tokenizer: Any, ids: Sequence[int], kinds: Sequence[str]) -> Iterator[tuple[list[int], str]]:
    """Tokens one by one, but those together that only together make a letter of several bytes."""
    at = 0
    while at < len(ids):
        wide = 1
        if HALF in _text(tokenizer, ids[at : at + 1]):
            ends = (n for n in range(2, MOST_BYTES + 1) if HALF not in _text(tokenizer, ids[at : at + n]))
            wide = next(ends, 1)
            wide = wide if len(set(kinds[at : at + wide])) == 1 else 1
        yield list(ids[at : at + wide]), kinds[at]
        at += wide


def _text(tokenizer: Any, ids: Sequence[int]) -> str:
    return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)


def seen(tokenizer: Any, ids: Sequence[int]) -> str:
    """Tokens as letters that can be seen; half a letter by the tokenizer's own name for it."""
    text = _text(tokenizer, ids)
    if HALF in text or not text:
        text = "".join(map(str, tokenizer.convert_ids_to_tokens(list(ids))))
    return escaped(text)


def escaped(text: str) -> str:
    return "".join(SEEN.get(letter) or _letter(letter) for letter in text)


def _letter(letter: str) -> str:
    if unicodedata.category(letter)[0] in "CZ" or unicodedata.combining(letter):
        return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
    return letter


def marked(row: Masked) -> str:
    """The row as one line that needs no colour: tokens are parted by ·, what is learned stands in «…», and the end of
    a turn is called so."""
    out: list[str] = []
    for part, group in groupby(row.tokens, lambda token: "learned" if token.kind in LEARNED else token.kind):
        texts = [f"END {token.text}" if token.kind == END else token.text for token in group]
        words = "·".join(texts)
        out.append({"learned": f"«{words}»", GAP: f"[… {words} …]"}.get(part, words))
    return " ".join(out)


def in_words(rows: Sequence[Masked]) -> str:
    """For those who cannot see the picture."""
    parts = []
    for number, row in enumerate(rows, 1):
        said = "".join(token.text for token in row.tokens if token.kind == ANSWER).replace("␣", " ").strip()
        ends = sum(token.kind == END for token in row.tokens)
        end = f"the end of the turn is learned {_times(ends)}" if ends else "no end of a turn is learned"
        clipped = said if len(said) <= 120 else f"{said[:120]}…"
        parts.append(f"row {number}: {row.learned} of {row.count} tokens carry loss, “{clipped}”; {end}")
    return f"Loss mask of {len(rows)} {'row' if len(rows) == 1 else 'rows'}. {'. '.join(parts)}."


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
