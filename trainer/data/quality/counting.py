"""Tokens of a file for one base, and nothing else: what a plan of a training run needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trainer.data.analyze import Batch
from trainer.data.check import reading
from trainer.data.quality.sample import Sample
from trainer.data.quality.token_figures import TokenFigures
from trainer.data.tokens import load_counter
from trainer.errors import BadInput
from trainer.settings import Settings


@dataclass(frozen=True, slots=True)
class TokenCount:
    """`total` of one epoch; `error` is a share of it, 0 when every row was counted by the base's own tokenizer.
    `p95` and `longest` are tokens of a row, of those that were counted."""

    total: int
    rows: int
    error: float
    how: str
    p95: int = 0
    longest: int = 0

    def __str__(self) -> str:
        about = "" if self.error == 0 else "about "
        return f"{about}{self.total:,} tokens an epoch ({self.how})"


def count_tokens(
    path: Path,
    base: str | None,
    settings: Settings,
    *,
    format: str | None = None,
    mapping: dict[str, str] | None = None,
) -> TokenCount:
    """Counted as the check counts: all of a small file, a sample of a large one scaled by bytes."""
    counter = load_counter(base, settings)
    sample = Sample()
    rows = size = 0
    with reading(path, settings=settings, format=format, mapping=mapping) as (known, parts):
        for part in parts:
            if not part.rows:
                continue
            batch = Batch.of(known, part)
            rows, size = rows + len(batch.rows), size + len(batch.raw)
            sample.offer(batch)
        if not rows:
            raise BadInput(f"{path.name} has no usable row.", fix="Check it: tunesmith data check FILE.")
        told = TokenFigures(known, counter, sample.rows(), rows=rows, size=size).stats()["tokens"]
    per_row = told["per_row"]
    return TokenCount(told["total"], rows, told["error"], told["how"], per_row["p95"], per_row["max"])
