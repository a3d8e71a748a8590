"""LoRA: small matrices beside every linear layer learn; the base stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainer.methods.method import frozen_dtype, full_rate, load_model
from trainer.methods.spec import RunSpec


class Lora:
    is_adapter = True

    def learning_rate(self, parameters: int) -> float:
        return 10 * full_rate(parameters)

    def load(self, base: str, spec: RunSpec, **options: Any) -> Any:
        return load_model(base, frozen_dtype(spec), **options)

    def wrap(self, model: Any, spec: RunSpec, task_type: str = "CAUSAL_LM") -> Any:
        from peft import LoraConfig, get_peft_model

        config = LoraConfig(
            task_type=task_type,
            r=spec.lora_r,
            lora_alpha=spec.lora_alpha,
            lora_dropout=spec.lora_dropout,
            bias=spec.lora_bias,
            use_rslora=spec.use_rslora,
            use_dora=spec.use_dora,
            target_modules=list(spec.target_modules) if spec.target_modules else "all-linear",
        )
        return get_peft_model(model, config)

    def restore(self, model: Any, folder: Path) -> None:
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        set_peft_model_state_dict(model, load_file(folder / "adapter_model.safetensors"))
