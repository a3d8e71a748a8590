"""Whether conversations that share a packed sequence see each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trainer.methods.preflight.verdict import Check
from trainer.methods.rows import EncodedRows

if TYPE_CHECKING:
    from trainer.methods.run import Run

Collate = Callable[[list[dict[str, Any]]], dict[str, Any]]
LONGEST = 64  # tokens of each of the two conversations


def packing_isolates(model: Any, encoded: EncodedRows) -> bool:
    """Whether this base keeps packed conversations apart: two short rows give the same logits packed and
    alone.

    Bases that ignore `position_ids` would let one conversation read another; they are trained unpacked.
    """
    from trainer.methods.packing import Collator

    first, second = (encoded.rows * 2)[:2]
    return _apart(model, Collator(0, packed=True), first.ids[-LONGEST:], second.ids[-LONGEST:])


def isolated(run: Run, trainer: Any, samples: list[dict[str, Any]]) -> Check:
    """The same of the model as it is trained, with the trainer's own collator."""
    if not run.packed:
        return Check("packing", True, "Nothing is packed: each row is a sequence of its own.")
    first, second = (samples * 2)[:2]
    ids = [list(one["input_ids"][-LONGEST:]) for one in (first, second)]
    if _apart(trainer.model, trainer.data_collator, *ids):
        return Check("packing", True, "Two rows in one sequence give the logits that each gives alone.")
    return Check(
        "packing",
        False,
        "Rows that share a packed sequence read each other: the second one's logits change with the first.",
        fix="Train with packing off.",
        param="packing",
    )


def _apart(model: Any, collate: Collate, first: list[int], second: list[int]) -> bool:
    import torch

    labels = [-100] * (len(first) + len(second))
    packed = collate([{"input_ids": first + second, "labels": labels, "seq_lengths": [len(first), len(second)]}])
    alone = collate([{"input_ids": second, "labels": labels[: len(second)], "seq_lengths": [len(second)]}])
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            together, by_itself = (_logits(model, batch)[-len(second) :] for batch in (packed, alone))
    finally:
        model.train(was_training)
    gap = (together.float() - by_itself.float()).abs().max() / by_itself.float().std().clamp(min=1e-6)
    return bool(gap < (0.02 if by_itself.dtype == torch.float32 else 0.3))


def _logits(model: Any, batch: dict[str, Any]) -> Any:
    import torch

    device = next(model.parameters()).device
    given = {k: v.to(device) for k, v in batch.items() if isinstance(v, torch.Tensor) and k != "labels"}
    return model(**given, use_cache=False).logits[0]
