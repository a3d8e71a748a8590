"""Tokens of a file: every row's where they are few, else a sample's, scaled by bytes, with the error said.

The estimate is a ratio: tokens of the sampled rows over their bytes, times the bytes of all rows. Its error is
two standard errors of that ratio (95 %).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import sqrt
from typing import Any

from trainer.data.findings import Problem
from trainer.data.formats import Format
from trainer.data.quality.sample import Picked
from trainer.data.stats import percentile
from trainer.data.tokens import RULE_ERROR, Counter

LEAST_ERROR = 0.001  # a sample is never said to be surer
NAMED = 5  # lines of over-long rows that are named


class TokenFigures:
    """Of picked rows, for a file of `rows` rows and `size` bytes of JSON."""

    def __init__(self, format: Format, counter: Counter, picked: list[Picked], *, rows: int, size: int) -> None:
        self.counter, self.picked, self.rows, self.size = counter, picked, rows, size
        self.whole = rows <= len(picked)
        self.long: list[tuple[int, int]] = []  # (line, bytes) of rows that may be over-long
        self.tokens = _counted(format, counter, picked)
        sampled = sum(row.size for row in picked)
        self.ratio = sum(self.tokens) / sampled
        self.total = sum(self.tokens) if self.whole else round(self.ratio * size)

    def stats(self) -> dict[str, Any]:
        ordered = sorted(self.tokens)
        error = self._error()
        figures = {
            "total": self.total,
            "per_row": {"p50": percentile(ordered, 0.5), "p95": percentile(ordered, 0.95), "max": ordered[-1]},
            "how": self._how(error),
            "error": error,
            "base": self.counter.base or None,
            "exact": self.counter.exact and self.whole,
        }
        return {"tokens": figures} | ({"over_long": over} if (over := self._over()) else {})

    def problems(self) -> Iterator[Problem]:
        over = self._over()
        if not over or not over["share"]:
            return
        limit = over["limit"]
        about = "" if self.whole and self.counter.exact else "about "
        message = f"{about}{over['share']:.1%} of the rows are longer than {limit} tokens: a run would cut "
        message += f"{over['cut']:.1%} of all tokens."
        if over["lines"]:
            message += f" First lines: {', '.join(map(str, over['lines']))}."
        yield Problem("over_long_rows", message[0].upper() + message[1:])

    def _how(self, error: float) -> str:
        rows = f"all {self.rows} rows" if self.whole else f"a sample of {len(self.tokens)} rows, scaled by bytes"
        measured = f"; error ± {error:.1%}" if error and self.counter.exact else ""  # a rule of thumb says its own
        return f"{rows}; {self.counter.how}{measured}"

    def _error(self) -> float:
        """A share of the total; 0 when every row was counted by the base's own tokenizer."""
        if not self.counter.exact:
            return RULE_ERROR
        if self.whole:
            return 0.0
        n = len(self.tokens)
        square = sum((t - self.ratio * row.size) ** 2 for t, row in zip(self.tokens, self.picked, strict=True)) / (
            n - 1
        )
        mean = sum(self.tokens) / n
        return round(max(LEAST_ERROR, 2 * sqrt(square / n * (1 - n / self.rows)) / mean), 4) if mean else 0.0

    def _over(self) -> dict[str, Any] | None:
        limit = self.counter.limit
        if not limit:
            return None
        over = [t - limit for t in self.tokens if t > limit]
        share = len(over) / len(self.tokens)
        return {
            "limit": limit,
            "share": round(share, 4),
            "cut": round(sum(over) / max(1, sum(self.tokens)), 4),
            "lines": self._lines(limit),
            "how": "rows counted" if self.whole else f"a sample of {len(self.tokens)} rows; lines by their size",
        }

    def _lines(self, limit: int) -> list[int]:
        counted = {row.number: tokens for row, tokens in zip(self.picked, self.tokens, strict=True)}
        found = {number for number, size in self.long if counted.get(number, size * self.ratio) > limit}
        found |= {number for number, tokens in counted.items() if tokens > limit}
        return sorted(found)[:NAMED]


def _counted(format: Format, counter: Counter, picked: list[Picked]) -> list[int]:
    """Tokens of each row."""
    chats = [_chat(format, row) for row in picked]
    written = [counter.written(chat) if chat else None for chat in chats]
    texts = [_text(row, chat) if text is None else text for row, chat, text in zip(picked, chats, written, strict=True)]
    around = [counter.around(row.messages) if text is None else 0 for row, text in zip(picked, written, strict=True)]
    counts = counter.count(texts)
    return [round(n * _cut(row) + more) for n, row, more in zip(counts, picked, around, strict=True)]


def _chat(format: Format, row: Picked) -> dict[str, Any] | None:
    if row.row is None or format.kind != "chat":
        return None
    chat = format.chat(row.row)
    return chat if chat and isinstance(chat.get("messages"), list) else None


def _text(row: Picked, chat: dict[str, Any] | None) -> str:
    """Prompt and answer, and what the model is told about tools and calls beside them."""
    beside = [] if chat is None else [chat.get("tools"), *(m.get("tool_calls") for m in chat["messages"])]
    return "\n".join([row.prompt, row.answer, *(json.dumps(part, ensure_ascii=False) for part in beside if part)])


def _cut(row: Picked) -> float:
    """By how much a text was shortened before it was counted; 1 for not at all."""
    kept = len(row.prompt) + len(row.answer)
    return row.chars / kept if kept else 1.0
