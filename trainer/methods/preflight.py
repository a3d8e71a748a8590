"""What must hold before a training step is worth its electricity. Each check answers a way other runs went
wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainer.errors import BadInput
from trainer.inference import chat
from trainer.methods.rows import IGNORED, Encoded, EncodedRows


def check(tokenizer: Any, encoded: EncodedRows, model: Any = None) -> dict[str, Any]:
    """Raise BadInput with the remedy, or return the figures for the run's card."""
    _something_to_learn(encoded)
    _single_bos(tokenizer, encoded.rows)
    ends = chat.end_of_turn_ids(tokenizer, model)
    taught = _ends_taught(encoded.rows, ends)
    counts = encoded.counts
    return {
        "supervised_fraction": round(counts.supervised_tokens / max(counts.tokens, 1), 4),
        "end_of_turn_tokens": ends,
        "rows_that_teach_the_end": taught,
        "pad_is_eos": tokenizer.pad_token_id == tokenizer.eos_token_id,
    }


def _something_to_learn(encoded: EncodedRows) -> None:
    if encoded.rows:
        return
    raise BadInput(
        f"None of the {encoded.counts.rows} rows has an answer within the length limit to learn from.",
        fix="Raise max_length, shorten the prompts, or give assistant turns a weight of 1.",
        code="nothing_supervised",
        param="max_length",
    )


def _single_bos(tokenizer: Any, rows: Sequence[Encoded]) -> None:
    bos = tokenizer.bos_token_id
    if bos is not None and any(row.ids[:2] == [bos, bos] for row in rows):
        raise BadInput(
            "Rows begin with two beginning-of-sequence tokens, which the model never sees when it is served.",
            fix="Remove the bos token from the contents of the first message or from the chat template.",
            code="double_bos",
        )


def _ends_taught(rows: Sequence[Encoded], ends: Sequence[int]) -> int:
    """How many rows teach the model to stop. None at all means that it would talk on for ever."""
    stops = set(ends)
    taught = sum(1 for row in rows if any(label in stops for label in row.labels if label != IGNORED))
    if taught == 0:
        raise BadInput(
            "No row teaches the end of an answer: the end-of-turn token carries no loss, so a tuned model "
            "would not stop by itself.",
            fix="Put the end-of-turn token inside {% generation %} in the chat template; if rows are cut, "
            "raise max_length.",
            code="end_not_taught",
        )
    return taught


def packing_isolates(model: Any, encoded: EncodedRows) -> bool:
    """Whether this base keeps packed conversations apart: two short rows give the same logits packed and
    alone.

    Bases that ignore `position_ids` would let one conversation read another; they are trained unpacked.
    """
    import torch

    from trainer.methods.packing import Collator

    first, second = (encoded.rows * 2)[:2]
    ids = [first.ids[-64:], second.ids[-64:]]
    packed = Collator(0, packed=True)(
        [{"input_ids": ids[0] + ids[1], "labels": [], "seq_lengths": [len(ids[0]), len(ids[1])]}]
    )
    was_training = model.training
    model.eval()
    with torch.no_grad():
        device = next(model.parameters()).device
        together = model(
            input_ids=packed["input_ids"].to(device),
            position_ids=packed["position_ids"].to(device),
            use_cache=False,
        ).logits[0, len(ids[0]) :]
        alone = model(input_ids=torch.tensor([ids[1]], device=device), use_cache=False).logits[0]
    model.train(was_training)
    gap = (together.float() - alone.float()).abs().max() / alone.float().std().clamp(min=1e-6)
    return bool(gap < (0.02 if alone.dtype == torch.float32 else 0.3))
