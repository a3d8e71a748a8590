"""Odds ratio preference optimization (Hong et al., 2024): learns the better answer as supervised training would, and
pushes its odds above the worse one's. No base answers beside it. `beta` weighs the push."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trainer.methods.objectives.preference import Preference, learned, padded, trainer_of
from trainer.methods.rows import IGNORED

if TYPE_CHECKING:
    from trainer.methods.run import Run


class Orpo(Preference):
    rate = 0.5  # half of supervised training's: most of its loss is the same

    def trainer(self, run: Run, arguments: dict[str, Any]) -> Any:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the module may change: the version is pinned
            from trl.experimental.orpo import ORPOConfig, ORPOTrainer

        class OrpoTrainer(ORPOTrainer):
            def tokenize_row(self, feature: Any, model: Any = None) -> dict[str, Any]:
                return {}  # token ids already

        config = ORPOConfig(**arguments, **learned(run), max_length=run.metrics["max_length"])
        made = trainer_of(OrpoTrainer, run, config, Collator(run.tokenizer.pad_token_id))
        made.use_dpo_data_collator = True  # ours has its shape; else each validation batch would warn
        return made


class Collator:
    """Both sides of the batch, each right-padded: {chosen,rejected}_{input_ids,attention_mask,labels}."""

    def __init__(self, pad_token: int) -> None:
        self.pad_token = pad_token

    def __call__(self, batch: Sequence[dict[str, Any]]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name in ("chosen", "rejected"):
            side = padded([(row[f"{name}_ids"], row[f"{name}_labels"]) for row in batch], self.pad_token)
            out[f"{name}_input_ids"], out[f"{name}_attention_mask"] = side["input_ids"], side["attention_mask"]
            out[f"{name}_labels"] = side["input_ids"].masked_fill(side["completion_mask"] == 0, IGNORED)
        return out | {"real_tokens": int(sum(out[f"{n}_attention_mask"].sum() for n in ("chosen", "rejected")))}
