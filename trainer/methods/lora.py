"""LoRA: small matrices beside every linear layer learn; the base stays as it is. rsLoRA scales them by the root of
their rank, DoRA learns their length apart from their direction."""

from __future__ import annotations

from typing import Any

from trainer.inference.encoders import head_of
from trainer.methods import targets
from trainer.methods.adapter import Adapter
from trainer.methods.spec import RunSpec


class Lora(Adapter):
    def config(self, model: Any, spec: RunSpec, task_type: str) -> Any:
        from peft import LoraConfig

        head = head_of(model) if task_type == "SEQ_CLS" else []  # learns whole
        return LoraConfig(
            task_type=task_type,
            r=spec.lora_r,
            lora_alpha=spec.lora_alpha,
            lora_dropout=spec.lora_dropout,
            bias=spec.lora_bias,
            use_rslora=spec.use_rslora,
            use_dora=spec.use_dora,
            fan_in_fan_out=targets.transposed(model),
            target_modules=list(spec.target_modules) if spec.target_modules else "all-linear",
            modules_to_save=head or None,
            exclude_modules=rf"(.*\.)?({'|'.join(head)})(\..*)?" if head else None,
        )

    def remarks(self, model: Any, spec: RunSpec) -> dict[str, str]:
        narrow = targets.narrowest(model, spec)
        if spec.lora_r <= narrow:
            return {}
        told = f"Rank {spec.lora_r} is more than the smallest adapted layer of this base has use for ({narrow})."
        return {"rank_above_width": told}
