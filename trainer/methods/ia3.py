"""IA3: one factor per channel of keys, values and the feed-forward's inner layer learns (Liu et al. 2022)."""

from __future__ import annotations

from typing import Any

from trainer.methods import targets
from trainer.methods.adapter import Adapter
from trainer.methods.method import full_rate
from trainer.methods.spec import RunSpec


class IA3(Adapter):
    def learning_rate(self, parameters: int) -> float:
        """3e-3, the paper's, for billions of parameters; more for smaller bases (0.1 for the tiny one, measured)."""
        return max(3e-3, 200 * full_rate(parameters))

    def config(self, model: Any, spec: RunSpec, task_type: str) -> Any:
        from peft import IA3Config

        scaled, feedforward = targets.attention_and_feedforward(model, spec)
        return IA3Config(
            task_type=task_type,
            target_modules=scaled + feedforward,
            feedforward_modules=feedforward,
            fan_in_fan_out=targets.transposed(model),
        )
