"""What goes together in a run: base, objective, method and options. No torch here, so that every door asks before
anything is queued; the run asks again before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer.errors import BadInput
from trainer.methods import METHODS, OBJECTIVES, kinds_of_base, known
from trainer.methods.spec import RunSpec

LORA = ("lora", "qlora")
VIRTUAL = ("prefix", "prompt", "p-tuning")
PREFERENCE = ("dpo", "orpo", "kto")
_INSIDE = (*LORA, "full", "ia3")  # methods that change the model, and put nothing before its rows
LEARNED_BY: dict[str, tuple[str, ...]] = {
    "supervised": tuple(METHODS),
    "dpo": tuple(METHODS),
    "orpo": _INSIDE,  # TRL's trainer takes virtual tokens for part of the answer
    "kto": _INSIDE,  # virtual tokens hardly move its loss: tried, and refused by preflight
    "classify": ("lora", "full"),
}
METHODS_OF_OPTION: dict[str, tuple[str, ...]] = {
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
OBJECTIVES_OF_OPTION: dict[str, tuple[str, ...]] = {
    "beta": PREFERENCE,
    "replay": ("supervised",),  # old rows of one answer each
    "replay_dataset": ("supervised",),
    "template": ("supervised", *PREFERENCE),
}
CONTEXT = ("max_position_embeddings", "n_positions")  # what config.json calls it
SHORTEST = RunSpec(max_length=8).max_length or 8


def check(spec: RunSpec, config: Mapping[str, Any] | None = None) -> None:
    """Raises BadInput for what cannot go together. `config` is the base's own (config.json); without it nothing is
    asked of the base."""
    known(METHODS, spec.method, "method")
    known(OBJECTIVES, spec.objective, "objective")
    if config is not None:
        kinds_of_base.check(spec, config)
    _method(spec)
    _options(spec)
    _combinations(spec)
    if config is not None and spec.objective != "classify":  # an encoder's texts are cut at its reach, and counted
        _context(spec, config)


def check_asked(spec: RunSpec) -> None:
    """Raises BadInput for an option that somebody set and that the method would not look at. Doors ask this; a run that
    was approved goes without it."""
    for name in _set(spec):
        methods = METHODS_OF_OPTION.get(name)
        if methods and spec.method not in methods:
            raise _unused(name, "method", spec.method, methods)


def meaningless(method: str, objective: str | None = None) -> frozenset[str]:
    """Names of the options that this method, or this objective, would not look at."""
    unused = {name for name, methods in METHODS_OF_OPTION.items() if method not in methods}
    if objective is not None:
        unused |= {name for name, objectives in OBJECTIVES_OF_OPTION.items() if objective not in objectives}
    return frozenset(unused)


def _method(spec: RunSpec) -> None:
    methods = LEARNED_BY[spec.objective]
    if spec.method not in methods:
        raise BadInput(
            f"Method {spec.method} cannot learn by {spec.objective}.",
            fix=f"Use {_listed(methods, 'or')}.",
            code="method_does_not_fit",
            param="method",
        )


def _options(spec: RunSpec) -> None:
    for name in _set(spec):
        objectives = OBJECTIVES_OF_OPTION.get(name)
        if objectives and spec.objective not in objectives:
            raise _unused(name, "objective", spec.objective, objectives)


def _set(spec: RunSpec) -> list[str]:
    return [name for name, field in RunSpec.model_fields.items() if getattr(spec, name) != field.default]


def _unused(name: str, noun: str, given: str, users: tuple[str, ...]) -> BadInput:
    return BadInput(
        f"Option {name} means nothing to {noun} {given}; it belongs to {_listed(users, 'and')}.",
        fix=f"Leave {name} out, or use {noun} {users[0]}.",
        code="option_does_not_fit",
        param=name,
    )


def _combinations(spec: RunSpec) -> None:
    if spec.method == "prefix" and spec.gradient_checkpointing:
        raise BadInput(
            "Method prefix cannot recompute activations (gradient_checkpointing): its keys and values are given.",
            fix="Leave gradient_checkpointing out, or use method prompt.",
            code="option_does_not_fit",
            param="gradient_checkpointing",
        )
    if "lm_head" in (spec.target_modules or ()):
        # TRL reads the output layer's own weights, past an adapter on it
        raise BadInput(
            "An adapter on the output layer (lm_head) would not be trained.",
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
    if spec.replay_dataset is not None and not spec.replay:
        raise BadInput(
            "A dataset to replay is named, but not how much of it.",
            fix="Set replay to a share: 0.2 mixes in one row of it for every five new ones.",
            code="no_replay_share",
            param="replay",
        )


def _context(spec: RunSpec, config: Mapping[str, Any]) -> None:
    """Rows, and virtual tokens where there are some, share the base's context."""
    text = config.get("text_config") or config
    context = next((text[name] for name in CONTEXT if isinstance(text.get(name), int)), 0)
    before = spec.virtual_tokens if spec.method in VIRTUAL else 0
    if context <= 0 or (spec.max_length or SHORTEST) + before <= context:
        return
    room = context - before
    parts = [f"max_length {spec.max_length}"] if spec.max_length else []
    parts += [f"{before} virtual tokens"] if before else []
    raise BadInput(
        f"{_listed(tuple(parts), 'and')} {'does' if parts == [f'max_length {spec.max_length}'] else 'do'} not fit the "
        f"base's context of {context} tokens.",
        fix=f"Set max_length to {room} or less." if room >= SHORTEST else "Use fewer virtual_tokens.",
        code="context_too_small",
        param="max_length" if room >= SHORTEST else "virtual_tokens",
    )


def _listed(names: tuple[str, ...], last: str) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"
