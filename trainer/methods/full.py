"""Full fine-tuning: every weight learns, in fp32 with bf16 arithmetic where the device has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainer.methods.method import full_rate, load_model
from trainer.methods.spec import RunSpec


class Full:
    is_adapter = False
    packs = True
    recomputes = True

    def reserved(self, spec: RunSpec) -> int:
        return 0

    def remarks(self, model: Any, spec: RunSpec) -> dict[str, str]:
        return {}

    def learning_rate(self, parameters: int) -> float:
        return full_rate(parameters)

    def load(self, base: str, spec: RunSpec, **options: Any) -> Any:
        import torch

        return load_model(base, torch.float32, **options)

    def wrap(self, model: Any, spec: RunSpec, task_type: str = "CAUSAL_LM") -> Any:
        model.requires_grad_(True)
        return model

    def restore(self, model: Any, folder: Path) -> None:
        from safetensors.torch import load_model

        shards = sorted(folder.glob("model*.safetensors"))
        for shard in shards:
            load_model(model, shard, strict=False)
