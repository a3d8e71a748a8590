"""Prompt tuning: the embeddings of virtual tokens before the first real one learn (Lester et al. 2021)."""

from __future__ import annotations

from typing import Any

from trainer.methods.spec import RunSpec
from trainer.methods.virtual import VirtualTokens


class Prompt(VirtualTokens):
    def learning_rate(self, parameters: int) -> float:
        return 3e-2

    def config(self, model: Any, spec: RunSpec, task_type: str) -> Any:
        from peft import PromptTuningConfig, PromptTuningInit

        return PromptTuningConfig(
            task_type=task_type,
            num_virtual_tokens=spec.virtual_tokens,
            prompt_tuning_init=PromptTuningInit.SAMPLE_VOCAB,  # words of the base; noise lies far off its embeddings
        )
