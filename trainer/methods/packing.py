"""Batches: several conversations in one sequence (best fit decreasing), kept apart by their positions
alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainer.methods.rows import IGNORED, Encoded


def dataset(rows: Sequence[Encoded], max_length: int, *, pack: bool) -> Any:
    """A `datasets.Dataset` of input_ids, labels and seq_lengths (one length where nothing is packed)."""
    from datasets import Dataset, disable_progress_bars
    from trl.data_utils import pack_dataset

    disable_progress_bars()
    plain = Dataset.from_dict({"input_ids": [r.ids for r in rows], "labels": [r.labels for r in rows]})
    if pack:
        return pack_dataset(plain, max_length, "bfd").with_format(None)
    return plain.add_column("seq_lengths", [[len(r.ids)] for r in rows])  # type: ignore[call-arg]


class Collator:
    """Right-padded batches. Packed: `position_ids` restart with every conversation and no attention mask is
    given, from which transformers builds the block mask (an all-ones mask would undo it). `real_tokens`
    counts what is not padding."""

    def __init__(self, pad_token: int, *, packed: bool) -> None:
        self.pad_token = pad_token
        self.packed = packed

    def __call__(self, batch: list[dict[str, Any]]) -> dict[str, Any]:
        import torch

        width = max(len(row["input_ids"]) for row in batch)
        out = {
            "input_ids": torch.tensor([self._fill(r["input_ids"], width, self.pad_token) for r in batch]),
            "labels": torch.tensor([self._fill(r["labels"], width, IGNORED) for r in batch]),
            "real_tokens": sum(len(r["input_ids"]) for r in batch),
        }
        if self.packed:
            out["position_ids"] = torch.tensor([_positions(r["seq_lengths"], width) for r in batch])
        else:
            out["attention_mask"] = torch.tensor([self._fill([1] * len(r["input_ids"]), width, 0) for r in batch])
        return out

    @staticmethod
    def _fill(values: list[int], width: int, filler: int) -> list[int]:
        return values + [filler] * (width - len(values))


def _positions(lengths: Sequence[int], width: int) -> list[int]:
    """0, 1, 2 … for each conversation, and for the padding as if it were one more."""
    return [at for length in [*lengths, width - sum(lengths)] for at in range(length)]
