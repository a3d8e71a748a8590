"""What learning from preferences cannot be combined with: asked by every door before anything is loaded."""

from __future__ import annotations

from trainer.errors import BadInput
from trainer.methods.spec import RunSpec

OBJECTIVES = ("dpo", "orpo", "kto")
WITH_REFERENCE = ("dpo", "kto")  # the base answers beside the model
_METHODS = ("lora", "qlora", "full", "ia3")
METHODS = {
    "dpo": (*_METHODS, "prefix", "prompt", "p-tuning"),
    "orpo": _METHODS,  # TRL's trainer takes virtual tokens for part of the answer
    "kto": _METHODS,  # virtual tokens hardly move its loss: tried, and refused by preflight
}


def check(spec: RunSpec) -> None:
    """Raises BadInput for what cannot be combined with learning from preferences; passes other objectives."""
    if spec.objective not in OBJECTIVES:
        return
    methods = METHODS[spec.objective]
    if spec.method not in methods:
        raise BadInput(
            f"Method {spec.method} cannot learn by {spec.objective}.",
            fix=f"Use {', '.join(methods[:-1])} or {methods[-1]}.",
            code="method_does_not_fit",
            param="method",
        )
    if spec.replay > 0:
        raise BadInput(
            f"Replay mixes in old rows of one answer each, and {spec.objective} learns from better and worse ones.",
            fix="Set replay to 0.",
            code="replay_does_not_fit",
            param="replay",
        )
    if spec.objective in WITH_REFERENCE and "lm_head" in (spec.target_modules or ()):
        # TRL reads the output layer's own weights, past an adapter on it
        raise BadInput(
            f"{spec.objective} cannot train an adapter on the output layer (lm_head).",
            fix="Leave lm_head out of target_modules.",
            code="head_adapted",
            param="target_modules",
        )
    if spec.objective == "kto" and spec.batch_size < 2:
        raise BadInput(
            "KTO compares the answers of a batch, so one row at a time teaches it nothing.",
            fix="Set batch_size to 2 or more; if memory is short, lower max_length or use method qlora.",
            code="batch_too_small",
            param="batch_size",
        )
