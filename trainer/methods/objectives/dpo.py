"""Direct preference optimization (Rafailov et al., 2023): the better answer gains on the worse one, measured against
what the base thinks of both. `beta` holds the model to the base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trainer.methods.objectives.preference import Preference, against_base, learned, padded, sides_of

if TYPE_CHECKING:
    from trainer.methods.run import Run


class Dpo(Preference):
    rate = 0.1  # 1e-5 for a LoRA at 8 billion parameters, 1e-6 for all weights: what published recipes use

    def trainer(self, run: Run, arguments: dict[str, Any]) -> Any:
        from trl.trainer.dpo_config import DPOConfig
        from trl.trainer.dpo_trainer import DPOTrainer

        # the rows are cut by us already, and counted
        config = DPOConfig(**arguments, **learned(run), max_length=None)
        return against_base(DPOTrainer, run, config, Collator(run.tokenizer.pad_token_id))


class Collator:
    """All better answers of the batch, then all worse ones, right-padded; `real_tokens` counts what is not padding."""

    def __init__(self, pad_token: int) -> None:
        self.pad_token = pad_token

    def __call__(self, batch: Sequence[dict[str, Any]]) -> dict[str, Any]:
        rows = list(sides_of(batch))
        return padded(rows, self.pad_token) | {"real_tokens": sum(len(ids) for ids, _ in rows)}
