"""The languages of a sample of rows, and answers in another language than their prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from trainer.data.findings import Problem
from trainer.data.language import UNKNOWN, language, script
from trainer.data.quality.sample import Picked

SECOND = 0.05  # share from which a second language is told
LEAST = 3  # rows from which it is told
COMPARED = 300  # rows whose prompt and answer are compared
PAIR_LETTERS, PAIR_SURE = 40, 0.8  # both sides need as many letters, and as sure a guess
LISTED = 10


class Languages:
    """Of picked rows; `whole` when they are all that there are."""

    def __init__(self, picked: list[Picked], whole: bool) -> None:
        self.whole = whole
        self.rows = len(picked)
        self.counts = Counter(language(_text(row)) for row in picked)
        self.scripts = Counter(filter(None, (script(_text(row)) for row in picked)))
        pairs = [pair for row in picked[:COMPARED] if (pair := _pair(row))]
        self.pairs = len(pairs)
        self.differ = Counter(pair for pair in pairs if pair[0] != pair[1])

    def stats(self) -> dict[str, Any]:
        how = f"all {self.rows} rows" if self.whole else f"a sample of {self.rows} rows"
        shares = _shares(self.counts, self.rows)
        told: dict[str, Any] = {"languages": {**shares, "how": how}, "scripts": _shares(self.scripts, self.rows)}
        if self.pairs:
            told["answer_language_differs"] = {
                "share": round(self.differ.total() / self.pairs, 4),
                "how": f"{self.pairs} rows where both languages are clear",
            }
        return told

    def problems(self) -> Iterator[Problem]:
        known = [(code, count) for code, count in _ordered(self.counts) if code != UNKNOWN]
        more = [(code, n) for code, n in known[1:] if n > SECOND * self.rows and n >= LEAST]
        if more:
            told = ", ".join(f"{code} {count / self.rows:.0%}" for code, count in [known[0], *more][:5])
            yield Problem("language_mix", f"The rows are in more than one language: {told}.")
        differ = self.differ.total()
        if differ > SECOND * self.pairs and differ >= LEAST:
            (prompt, answer), _ = _ordered(self.differ)[0]
            message = f"{differ / self.pairs:.0%} of the answers are in another language than their prompts, "
            yield Problem("answer_language_differs", message + f"mostly {answer} after {prompt}.")


def _text(row: Picked) -> str:
    """What tells a row's language: the prompt's end and the answer, since prompts begin with instructions."""
    return row.prompt[-250:] + "\n" + row.answer[:500]


def _pair(row: Picked) -> tuple[str, str] | None:
    sides = [
        language(text, letters=PAIR_LETTERS, sure=PAIR_SURE)
        for text in (row.prompt[-500:], row.answer)
        if len(text) > 13
    ]
    return (sides[0], sides[1]) if len(sides) == 2 and UNKNOWN not in sides else None


def _ordered(counts: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _shares(counts: Counter[str], rows: int) -> dict[str, float]:
    return {name: round(count / rows, 4) for name, count in _ordered(counts)[:LISTED]}
