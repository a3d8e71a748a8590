"""A base's shape by its config.json alone, which each family of models writes in its own way. No torch."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from trainer.errors import BadInput
from trainer.methods.shape import LONGEST_DEFAULT, Shape

GUESS_PARAMETERS = 7e9
Config = dict[str, Any]


def shape_of(config: Config) -> Shape:
    """A config.json → Shape, or BadInput. Missing keys get transformers' defaults; an unknown family counts as a
    Llama."""
    text = config.get("text_config") or config
    try:
        family = str(text.get("model_type") or "llama")
        tied = text.get("tie_word_embeddings", config.get("tie_word_embeddings"))
        return FAMILIES.get(family, _llama)(text, tied)
    except (TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise BadInput(
            f"The base's config.json has a size that is not a number ({error}).",
            fix="Copy the model's folder again, whole.",
            code="base_unreadable",
            param="base",
        ) from None


def guessed_shape(base: str) -> tuple[Shape, str]:
    """A shape of about the size that the name tells (“…-8B…”), with the sentence that admits it."""
    told = re.search(r"(\d+(?:\.\d+)?)\s*([bBmM])(?![a-zA-Z])", base)
    size = float(told[1]) * (1e9 if told and told[2] in "bB" else 1e6) if told else GUESS_PARAMETERS
    hidden = max(64, round((size / (12 * 32)) ** 0.5 / 64) * 64)
    layers = max(1, round(size / (12 * hidden**2)))
    how = f"its name says {told[0]}" if told else "its name gives no size, so 7B was assumed"
    config = {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": max(1, hidden // 64),
        "intermediate_size": round(8 / 3 * hidden),
        "vocab_size": 64_000 if size > 3e8 else 2_000,
    }
    return shape_of(config), f"The base's config cannot be read here; {how}."


def _number(config: Config, default: int, *names: str) -> int:
    return next((int(config[name]) for name in names if config.get(name)), default)


def _llama(config: Config, tied: Any) -> Shape:
    """Llama, Mistral, Qwen, Gemma, SmolLM and all that differ little from them."""
    family = str(config.get("model_type") or "llama")
    hidden, heads = _number(config, 4096, "hidden_size"), _number(config, 32, "num_attention_heads")
    groups = _number(config, heads, "num_key_value_heads")
    size = _number(config, hidden // heads, "head_dim")
    inner, layers = _number(config, 4 * hidden, "intermediate_size"), _number(config, 32, "num_hidden_layers")
    attended, kept = heads * size, groups * size
    qkv_bias = family == "qwen2" or bool(config.get("attention_bias"))
    biases = (attended + 2 * kept) if qkv_bias else 0
    biases += hidden if config.get("attention_bias") else 0
    biases += (2 * inner + hidden) if config.get("mlp_bias") else 0
    norms = (4 if family in ("gemma2", "gemma3_text") else 2) * hidden
    norms += 2 * size if family in ("qwen3", "gemma3_text") else 0
    return Shape(
        layers=layers,
        hidden=hidden,
        vocab=_number(config, 32_000, "vocab_size"),
        context=_number(config, LONGEST_DEFAULT, "max_position_embeddings"),
        tied=family.startswith("gemma") if tied is None else bool(tied),
        linears={
            "q_proj": (hidden, attended),
            "k_proj": (hidden, kept),
            "v_proj": (hidden, kept),
            "o_proj": (attended, hidden),
            "gate_proj": (hidden, inner),
            "up_proj": (hidden, inner),
            "down_proj": (inner, hidden),
        },
        beside=norms + biases,
        outside=hidden,
        attended=attended,
        kept=kept,
        inner=inner,
        back=frozenset({"down_proj"}),
    )


def _gpt2(config: Config, tied: Any) -> Shape:
    hidden, layers = _number(config, 768, "n_embd"), _number(config, 12, "n_layer")
    inner, context = _number(config, 4 * hidden, "n_inner"), _number(config, 1024, "n_positions")
    linears = {
        "attn.c_attn": (hidden, 3 * hidden),
        "attn.c_proj": (hidden, hidden),
        "mlp.c_fc": (hidden, inner),
        "mlp.c_proj": (inner, hidden),
    }
    return _with_layer_norms(
        linears, layers, hidden, inner, _number(config, 50_257, "vocab_size"), context, tied, positions=context
    )


def _opt(config: Config, tied: Any) -> Shape:
    hidden, inner = _number(config, 768, "hidden_size"), _number(config, 3072, "ffn_dim")
    context = _number(config, 2048, "max_position_embeddings")
    embedded = _number(config, hidden, "word_embed_proj_dim")
    linears = dict.fromkeys(("k_proj", "v_proj", "q_proj", "out_proj"), (hidden, hidden))
    linears |= {"fc1": (hidden, inner), "fc2": (inner, hidden)}
    return _with_layer_norms(
        linears,
        _number(config, 12, "num_hidden_layers"),
        hidden,
        inner,
        _number(config, 50_272, "vocab_size"),
        context,
        tied,
        positions=context + 2,
        embedded=embedded,
        ends=0 if config.get("do_layer_norm_before") is False else 2 * hidden,
        more=2 * hidden * embedded if embedded != hidden else 0,
    )


def _falcon(config: Config, tied: Any) -> Shape:
    hidden, heads = _number(config, 4544, "hidden_size"), _number(config, 71, "num_attention_heads", "n_head")
    size, inner = hidden // heads, _number(config, 4 * hidden, "ffn_hidden_size")
    new = bool(config.get("new_decoder_architecture"))
    groups = _number(config, heads, "num_kv_heads") if new else (1 if config.get("multi_query", True) else heads)
    linears = {
        "query_key_value": (hidden, (heads + 2 * groups) * size),
        "dense": (hidden, hidden),
        "dense_h_to_4h": (hidden, inner),
        "dense_4h_to_h": (inner, hidden),
    }
    two = (new and config.get("num_ln_in_parallel_attn") != 1) or config.get("parallel_attn") is False
    return _with_layer_norms(
        linears,
        _number(config, 32, "num_hidden_layers", "n_layer"),
        hidden,
        inner,
        _number(config, 65_024, "vocab_size"),
        _number(config, 2048, "max_position_embeddings"),
        tied,
        biased=bool(config.get("bias")),
        norms=2 if two else 1,
        kept=groups * size,
    )


def _gpt_neox(config: Config, tied: Any) -> Shape:
    hidden, inner = _number(config, 6144, "hidden_size"), _number(config, 24_576, "intermediate_size")
    linears = {
        "query_key_value": (hidden, 3 * hidden),
        "dense": (hidden, hidden),
        "dense_h_to_4h": (hidden, inner),
        "dense_4h_to_h": (inner, hidden),
    }
    layers, vocab = _number(config, 44, "num_hidden_layers"), _number(config, 50_432, "vocab_size")
    context = _number(config, 2048, "max_position_embeddings")
    return _with_layer_norms(linears, layers, hidden, inner, vocab, context, bool(tied))


def _distilbert(config: Config, tied: Any) -> Shape:
    hidden, inner = _number(config, 768, "dim"), _number(config, 3072, "hidden_dim")
    context = _number(config, 512, "max_position_embeddings")
    linears = {f"attention.{name}": (hidden, hidden) for name in ("q_lin", "k_lin", "v_lin", "out_lin")}
    linears |= {"ffn.lin1": (hidden, inner), "ffn.lin2": (inner, hidden)}
    layers, vocab = _number(config, 6, "n_layers"), _number(config, 30_522, "vocab_size")
    classifier = hidden * hidden + hidden + 2 * hidden + 2
    return _with_layer_norms(
        linears, layers, hidden, inner, vocab, context, tied, positions=context, more=classifier, encoder=True
    )


def _bert(config: Config, tied: Any) -> Shape:
    """BERT, RoBERTa and XLM-R with a classifier on top."""
    hidden, inner = _number(config, 768, "hidden_size"), _number(config, 3072, "intermediate_size")
    context, kinds = _number(config, 512, "max_position_embeddings"), _number(config, 2, "type_vocab_size")
    linears = {f"attention.self.{name}": (hidden, hidden) for name in ("query", "key", "value")}
    linears |= {"attention.output.dense": (hidden, hidden)}
    linears |= {"intermediate.dense": (hidden, inner), "output.dense": (inner, hidden)}
    layers, vocab = _number(config, 12, "num_hidden_layers"), _number(config, 30_522, "vocab_size")
    more = kinds * hidden + hidden * hidden + hidden + 2 * hidden + 2
    return _with_layer_norms(
        linears, layers, hidden, inner, vocab, context, tied, positions=context, more=more, encoder=True
    )


def _with_layer_norms(
    linears: dict[str, tuple[int, int]],
    layers: int,
    hidden: int,
    inner: int,
    vocab: int,
    context: int,
    tied: Any,
    *,
    biased: bool = True,
    norms: int = 2,
    positions: int = 0,
    embedded: int = 0,
    ends: int | None = None,
    more: int = 0,
    kept: int = 0,
    encoder: bool = False,
) -> Shape:
    biases = sum(outputs for _, outputs in linears.values()) if biased else 0
    return Shape(
        layers=layers,
        hidden=hidden,
        vocab=vocab,
        context=context,
        tied=True if tied is None else bool(tied),
        linears=linears,
        beside=biases + norms * 2 * hidden,
        outside=positions * hidden + (2 * hidden if ends is None else ends) + more,
        embedded=embedded,
        attended=hidden,
        kept=kept or hidden,
        inner=inner,
        encoder=encoder,
        back=frozenset(name for name, (inputs, outputs) in linears.items() if (inputs, outputs) == (inner, hidden)),
    )


FAMILIES: dict[str, Callable[[Config, Any], Shape]] = {
    "gpt2": _gpt2,
    "opt": _opt,
    "falcon": _falcon,
    "gpt_neox": _gpt_neox,
    "distilbert": _distilbert,
    "bert": _bert,
    "roberta": _bert,
    "xlm-roberta": _bert,
}
