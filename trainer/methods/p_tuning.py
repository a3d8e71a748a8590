"""P-tuning: virtual tokens learn through a small network that writes their embeddings (Liu et al. 2021)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from trainer.methods.shape import P_TUNING_WIDTH
from trainer.methods.spec import RunSpec
from trainer.methods.virtual import VirtualTokens

ENCODER = "prompt_encoder.safetensors"


class PTuning(VirtualTokens):
    def learning_rate(self, parameters: int) -> float:
        return 3e-3

    def config(self, model: Any, spec: RunSpec, task_type: str) -> Any:
        from peft import PromptEncoderConfig

        return PromptEncoderConfig(
            task_type=task_type, num_virtual_tokens=spec.virtual_tokens, encoder_hidden_size=P_TUNING_WIDTH
        )

    def wrap(self, model: Any, spec: RunSpec, task_type: str = "CAUSAL_LM") -> Any:
        return _model_class()(model, self.config(model, spec, task_type))

    def restore(self, model: Any, folder: Path) -> None:
        _load_encoder(model, folder)


def _load_encoder(model: Any, folder: str | Path) -> None:
    from safetensors.torch import load_model

    load_model(model.prompt_encoder[model.active_adapters[0]], Path(folder) / ENCODER)


@cache
def _model_class() -> Any:
    """PEFT saves the embeddings that the network writes, which is all that serving needs, and not the network, without
    which training cannot go on. Made at use: its parent is heavy to import."""
    from peft import PeftModelForCausalLM
    from safetensors.torch import save_model

    class EncodedPrompts(PeftModelForCausalLM):
        def save_pretrained(self, save_directory: str | Path, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
            super().save_pretrained(str(save_directory), *args, **kwargs)
            save_model(self.prompt_encoder[self.active_adapters[0]], str(Path(save_directory) / ENCODER))

        def load_adapter(self, model_id: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
            told = super().load_adapter(model_id, *args, **kwargs)
            _load_encoder(self, model_id)
            return told

    return EncodedPrompts
