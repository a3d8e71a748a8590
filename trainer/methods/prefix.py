"""Prefix tuning: keys and values before the first token learn, in every layer (Li and Liang 2021)."""

from __future__ import annotations

from typing import Any

from trainer.methods.spec import RunSpec
from trainer.methods.virtual import VirtualTokens


class Prefix(VirtualTokens):
    recomputes = False  # a cache that is given cannot be recomputed

    def learning_rate(self, parameters: int) -> float:
        return 3e-2

    def config(self, model: Any, spec: RunSpec, task_type: str) -> Any:
        return _config(_remembered(model, spec), spec, task_type)

    def wrap(self, model: Any, spec: RunSpec, task_type: str = "CAUSAL_LM") -> Any:
        """The prefix begins as what the base itself remembers of tokens drawn from its vocabulary: noise in its place
        would hurt every answer until it is unlearned."""
        from peft import get_peft_model
        from peft.tuners.cartridge.utils import initialize_kv_prefix_from_past_key_values

        remembered = _remembered(model, spec)
        wrapped = get_peft_model(model, _config(remembered, spec, task_type))
        initialize_kv_prefix_from_past_key_values(wrapped, past_key_values=remembered)
        return wrapped


def _remembered(model: Any, spec: RunSpec) -> Any:
    """The base's cache over `virtual_tokens` words of its vocabulary."""
    import torch

    words = model.get_input_embeddings().num_embeddings
    drawn = torch.randint(0, words, (1, spec.virtual_tokens)).to(model.device)
    with torch.no_grad():
        return model(input_ids=drawn, use_cache=True).past_key_values


def _config(remembered: Any, spec: RunSpec, task_type: str) -> Any:
    """Heads and widths as the base's own cache has them: configs of some families tell other figures."""
    from peft import PrefixTuningConfig

    heads, _, width = remembered.layers[0].keys.shape[1:]
    return PrefixTuningConfig(
        task_type=task_type,
        num_virtual_tokens=spec.virtual_tokens,
        num_layers=len(remembered.layers),
        num_attention_heads=heads,
        token_dim=heads * width,
    )
