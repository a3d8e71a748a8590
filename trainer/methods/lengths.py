"""Rows whose prompt alone fills the length limit have nothing left to learn: said, or refused, never silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainer.errors import BadInput
from trainer.methods.rows import Row, encode_row

MOST_LOST = 0.05  # of the rows may lose their whole answer where nobody chose the limit


def check(tokenizer: Any, rows: Sequence[Row], limit: int, *, chosen: bool) -> int:
    """How many rows lose their whole answer to the limit; BadInput where these are too many, or any at all when
    somebody chose the limit. Rows that teach nothing at any length do not count."""
    lost = [(prompt, whole) for prompt, whole in (_lengths(tokenizer, row) for row in rows) if prompt >= limit]
    if not lost or not (chosen or len(lost) > MOST_LOST * len(rows)):
        return len(lost)
    longest, needed = max(prompt for prompt, _ in lost), max(whole for _, whole in lost)
    does = "row has a prompt that alone fills" if len(lost) == 1 else "rows have prompts that alone fill"
    raise BadInput(
        f"{len(lost):,} of {len(rows):,} {does} the limit of {limit:,} tokens (the longest prompt has {longest:,}), "
        "so their answers would not be learned.",
        fix=f"Raise max_length to {needed:,}, which holds them whole, or shorten or leave out these rows.",
        code="max_length_too_short",
        param="max_length",
    )


def _lengths(tokenizer: Any, row: Row) -> tuple[int, int]:
    """Tokens before the first that is learned, and of the whole row; (-1, …) where none is learned, or all are."""
    if "text" in row:
        return -1, 0
    one = encode_row(tokenizer, row)
    first = next((at for at, label in enumerate(one.labels) if label >= 0), -1)
    return first, len(one.ids)
