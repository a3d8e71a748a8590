"""Which objective fits which kind of base: encoders choose among labels, all others write. config.json tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer.errors import BadInput
from trainer.inference.encoders import is_encoder
from trainer.methods.spec import RunSpec

CLASSIFY = "classify"
CLASSIFYING_METHODS = ("lora", "full")


def default_objective(config: Mapping[str, Any] | None) -> str | None:
    """`classify` for an encoder; None where the rows should decide."""
    return CLASSIFY if config and is_encoder(config) else None


def check(spec: RunSpec, config: Mapping[str, Any] | None) -> None:
    """Raises BadInput where the base cannot learn by this objective, or an encoder by this method. A base whose config
    is not here (None) is passed: it is asked again when it is loaded."""
    if config is None:
        return
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
    if encoder and spec.method not in CLASSIFYING_METHODS:
        raise BadInput(
            f"Method {spec.method} is not offered for encoders such as {spec.base}.",
            fix="Use method lora, or full: an encoder is small enough to train whole.",
            code="method_does_not_fit",
            param="method",
        )
