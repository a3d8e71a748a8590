"""QLoRA: LoRA over a base held in 4 bits (nf4, double quantization)."""

from __future__ import annotations

from typing import Any

from trainer.methods.lora import Lora
from trainer.methods.method import half_precision, load_causal_lm
from trainer.methods.spec import RunSpec


class QLora(Lora):
    def load(self, base: str) -> Any:
        from transformers import BitsAndBytesConfig

        dtype = half_precision()
        quantization = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
        model = load_causal_lm(base, dtype, quantization_config=quantization)
        for module in model.modules():
            # On CPUs with AVX512-bf16 an eval forward would repack the weights; dequantizing them
            # afterwards gives garbage.
            if hasattr(module, "support_avx512bf16_for_cpu"):
                module.support_avx512bf16_for_cpu = False
        return model

    def wrap(self, model: Any, spec: RunSpec) -> Any:
        from peft import prepare_model_for_kbit_training

        return super().wrap(prepare_model_for_kbit_training(model, use_gradient_checkpointing=False), spec)
