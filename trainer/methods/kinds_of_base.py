"""Which objective fits which kind of base: encoders choose among labels, decoders write. config.json tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer.errors import BadInput
from trainer.inference.encoders import is_encoder
from trainer.methods.spec import RunSpec

CLASSIFY = "classify"


def default_objective(config: Mapping[str, Any] | None) -> str | None:
    """`classify` for an encoder; None where the rows should decide."""
    return CLASSIFY if config and is_encoder(config) else None


def check(spec: RunSpec, config: Mapping[str, Any]) -> None:
    """Raises BadInput where a base with this config.json cannot learn by the spec's objective."""
    if config.get("is_encoder_decoder"):
        raise BadInput(
            f"{spec.base} ({config.get('model_type')}) reads with one half and writes with the other; training here is "
            "for bases that write on from what they read, and for encoders.",
            fix="Choose a base of another family, such as Llama, Qwen or Mistral.",
            code="base_kind_unknown",
            param="base",
        )
    encoder = is_encoder(config)
    if encoder and spec.objective != CLASSIFY:
        raise BadInput(
            f"{spec.base} is an encoder ({config.get('model_type')}): it reads text and cannot write answers, so "
            f"objective {spec.objective} does not fit.",
            fix="Use objective classify with rows whose answers are labels, or choose a base that writes.",
            code="base_cannot_write",
            param="objective",
        )
    if not encoder and spec.objective == CLASSIFY:
        raise BadInput(
            f"Objective classify trains encoders (BERT, DistilBERT, RoBERTa and kin); {spec.base} "
            f"({config.get('model_type')}) is none.",
            fix="Leave objective out: this base learns to write the labels as its answers.",
            code="base_is_no_encoder",
            param="objective",
        )
