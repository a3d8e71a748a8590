"""Which options belong to which method: a value that its method would not look at is refused with words. No torch here,
so that every door can ask before anything is loaded."""

from __future__ import annotations

from trainer.errors import BadInput
from trainer.methods.spec import RunSpec

LORA = ("lora", "qlora")
VIRTUAL = ("prefix", "prompt", "p-tuning")
USED_BY: dict[str, tuple[str, ...]] = {
    "lora_r": LORA,
    "lora_alpha": LORA,
    "lora_dropout": LORA,
    "lora_bias": LORA,
    "use_rslora": LORA,
    "use_dora": LORA,
    "target_modules": (*LORA, "ia3"),
    "quantization": ("qlora",),
    "double_quantization": ("qlora",),
    "virtual_tokens": VIRTUAL,
}
ANSWERING = ("supervised", "dpo", "kto")  # objectives whose trainers know of virtual tokens


def check_spec(spec: RunSpec) -> None:
    """Raise BadInput for an option that is set, yet means nothing to the method, and for what cannot go together."""
    from trainer.methods import METHODS, OBJECTIVES, known

    known(METHODS, spec.method, "method")
    known(OBJECTIVES, spec.objective, "objective")
    for name, methods in USED_BY.items():
        if spec.method not in methods and getattr(spec, name) != RunSpec.model_fields[name].default:
            raise _unused(spec, name, methods)
    if spec.method in VIRTUAL and spec.objective not in ANSWERING:
        raise BadInput(
            f"Method {spec.method} cannot be used with objective {spec.objective}: its virtual tokens would be taken "
            "for part of what is judged.",
            fix="Use method lora.",
            code="method_does_not_fit",
            param="method",
        )
    if spec.method == "prefix" and spec.gradient_checkpointing:
        raise BadInput(
            "Method prefix cannot recompute activations (gradient_checkpointing): its keys and values are given.",
            fix="Leave gradient_checkpointing out, or use method prompt.",
            code="option_does_not_fit",
            param="gradient_checkpointing",
        )


def _unused(spec: RunSpec, name: str, methods: tuple[str, ...]) -> BadInput:
    return BadInput(
        f"Option {name} means nothing to method {spec.method}; it belongs to {_listed(methods)}.",
        fix=f"Leave {name} out, or use method {methods[0]}.",
        code="option_does_not_fit",
        param=name,
    )


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
