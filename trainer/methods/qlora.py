"""QLoRA: LoRA over a base held in 4 bits (nf4 or fp4, double quantization)."""

from __future__ import annotations

from typing import Any

from trainer.methods import ranks, targets
from trainer.methods.lora import Lora
from trainer.methods.method import frozen_dtype, load_model
from trainer.methods.spec import RunSpec


class QLora(Lora):
    def load(self, base: str, spec: RunSpec, **options: Any) -> Any:
        from transformers import BitsAndBytesConfig

        if spec.target_modules:
            targets.check(base, spec)
        dtype = frozen_dtype(spec)
        quantization = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=spec.quantization,
            bnb_4bit_use_double_quant=spec.double_quantization,
            bnb_4bit_compute_dtype=dtype,
            bnb_4bit_quant_storage=ranks.storage_dtype(dtype),
        )
        model = load_model(base, dtype, quantization_config=quantization, **options)
        for module in model.modules():
            # On CPUs with AVX512-bf16 an eval forward would repack the weights; dequantizing them
            # afterwards gives garbage.
            if hasattr(module, "support_avx512bf16_for_cpu"):
                module.support_avx512bf16_for_cpu = False
        return model

    def wrap(self, model: Any, spec: RunSpec, task_type: str = "CAUSAL_LM") -> Any:
        from peft import prepare_model_for_kbit_training

        ready = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
        return super().wrap(ready, spec, task_type)
