"""Encoders (BERT, DistilBERT, RoBERTa and kin): which bases they are, and what they read of a conversation. They cannot
write; they choose among labels. No torch here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Model types that read and do not write; others are told by the masked-word head that they were saved with.
MODEL_TYPES = frozenset(
    [
        "albert",
        "bert",
        "big_bird",
        "camembert",
        "canine",
        "convbert",
        "deberta",
        "deberta-v2",
        "distilbert",
        "electra",
        "ernie",
        "eurobert",
        "funnel",
        "longformer",
        "megatron-bert",
        "mobilebert",
        "modernbert",
        "mpnet",
        "nomic_bert",
        "rembert",
        "roberta",
        "roberta-prelayernorm",
        "roformer",
        "squeezebert",
        "xlm-roberta",
        "xlm-roberta-xl",
    ]
)
# Positions of these begin after the padding token's id, so their longest text is shorter than the table says.
OFFSET_TYPES = frozenset(
    ["camembert", "longformer", "mpnet", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl"]
)
HEAD = "ForSequenceClassification"
WRITES = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
POOLER = "pooler"  # inside the encoder, yet missing in folders saved with a masked-word head
LONGEST_DEFAULT = 512
READ = ("system", "developer", "user")


def is_encoder(config: Mapping[str, Any]) -> bool:
    """Whether a base with this config.json reads but does not write."""
    if config.get("is_decoder") or config.get("is_encoder_decoder"):
        return False
    architectures = config.get("architectures") or []
    if any(str(name).endswith(WRITES) for name in architectures):
        return False
    if config.get("model_type") in MODEL_TYPES:
        return True
    return any("ForMaskedLM" in str(name) for name in architectures)


def has_head(config: Mapping[str, Any]) -> bool:
    """Whether the weights beside this config.json choose among labels already."""
    return any(str(name).endswith(HEAD) for name in config.get("architectures") or [])


def config_of(base: str) -> dict[str, Any] | None:
    """The config.json of a folder; None where there is none that can be read, as of a hub name."""
    try:
        config = json.loads((Path(base) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return config if isinstance(config, dict) else None


def labels_of(config: Mapping[str, Any]) -> list[str]:
    """The labels' texts by their number."""
    told = config.get("id2label") or {}
    return [str(told[key]) for key in sorted(told, key=int)]


def text_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """What an encoder reads of a conversation, in training and when it is served: the system text, then what the user
    said; earlier answers are not read."""
    return "\n\n".join(text for m in messages if m["role"] in READ and (text := _content(m)))


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content.strip()
    return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping)).strip()


def answer_of(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """The label of an example: its final answer. None where there is none to learn from (weight 0, tool calls)."""
    last = messages[-1] if messages else {}
    if last.get("role") != "assistant" or last.get("tool_calls") or last.get("weight", 1) == 0:
        return None
    return _content(last) or None


def longest(tokenizer: Any, config: Any) -> int:
    """Tokens that the encoder reads at most, its own marks included; `config` is transformers'."""
    positions = getattr(config, "max_position_embeddings", None)
    if positions and config.model_type in OFFSET_TYPES:
        positions -= (config.pad_token_id or 0) + 1
    told = [int(n) for n in (tokenizer.model_max_length, positions) if n and 0 < n < 10**9]
    return min(told, default=LONGEST_DEFAULT)


def reach(tokenizer: Any) -> int:
    """Tokens that a saved tokenizer says are read at most."""
    told = int(tokenizer.model_max_length)
    return told if told < 10**9 else LONGEST_DEFAULT


def head_of(model: Any) -> list[str]:
    """Names of the parts that a fresh classifier begins without knowledge of: everything beside the encoder itself, and
    its pooler. They learn whole and are saved whole, whatever the method."""
    encoder = getattr(model, model.base_model_prefix, None)
    beside = [
        name for name, part in model.named_children() if part is not encoder and any(True for _ in part.parameters())
    ]
    inside = [POOLER] if getattr(encoder, POOLER, None) is not None else []
    return beside + inside


def load_tokenizer(folder: str) -> Any:
    """The encoder's tokenizer, with a padding token; it needs no chat template."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=Path(folder).is_dir(), padding_side="right", trust_remote_code=False
    )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return tokenizer
