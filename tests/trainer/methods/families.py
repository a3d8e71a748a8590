"""Tiny bases of many families, with random weights: what they can is nothing, how they are built is real."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 256}
GROUPED = SMALL | {"intermediate_size": 64, "num_key_value_heads": 2}
# family → (config class, its own words for the sizes)
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", GROUPED),
    "qwen2": ("Qwen2Config", GROUPED),
    "qwen3": ("Qwen3Config", GROUPED | {"head_dim": 16}),  # heads × head_dim is not the hidden size
    "mistral": ("MistralConfig", GROUPED | {"sliding_window": 64}),
    "gemma2": ("Gemma2Config", GROUPED | {"head_dim": 8}),
    "phi": ("PhiConfig", GROUPED),
    "falcon": ("FalconConfig", SMALL),
    "gpt_neox": ("GPTNeoXConfig", SMALL | {"intermediate_size": 64}),
    "opt": ("OPTConfig", SMALL | {"ffn_dim": 64, "word_embed_proj_dim": 32}),
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}),
}
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


@cache
def _tokenizer() -> Any:
    """Bytes, and the marks of a conversation."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bare = Tokenizer(models.BPE(vocab={token: at for at, token in enumerate(SPECIAL + letters)}, merges=[]))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    bare.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bare,
        pad_token=SPECIAL[0],
        eos_token=SPECIAL[1],
        extra_special_tokens=SPECIAL[2:],
        model_max_length=256,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make(family: str, folder: Path) -> Path:
    """A folder such as `save_pretrained` leaves."""
    import torch
    import transformers

    tokenizer = _tokenizer()
    name, sizes = FAMILIES[family]
    config = getattr(importlib.import_module("transformers"), name)(
        **sizes,
        vocab_size=len(tokenizer) + 7,  # no size of another layer
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    torch.manual_seed(7)
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():  # far enough from nothing that every layer matters
            if parameter.ndim > 1:
                parameter.normal_(0, 0.15)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
