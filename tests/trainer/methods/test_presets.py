"""Every configuration that the guides name can be said, and is a preset."""

from __future__ import annotations

import pytest

from trainer.errors import NotFound
from trainer.methods import METHODS, OBJECTIVES
from trainer.methods.presets import load_preset, presets
from trainer.methods.spec import MethodName, ObjectiveName


@pytest.mark.parametrize("name", presets())
def test_a_preset_is_a_run_spec_that_says_something_else_than_the_defaults(name: str) -> None:
    preset = load_preset(name)
    dumped = preset.run_spec().model_dump()
    said = {key: tuple(value) if isinstance(value, list) else value for key, value in preset.spec.items()}
    assert said and all(dumped[key] == value or isinstance(value, dict) for key, value in said.items())
    assert preset.about.endswith(".")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("guide-lora", {"lora_r": 8, "lora_alpha": 32, "lora_dropout": 0.1, "batch_size": 4, "epochs": 3}),
        ("guide-lora", {"save_every_epoch": True, "method": "lora"}),
        ("guide-lora-qv", {"lora_r": 16, "lora_alpha": 32, "target_modules": ("q_proj", "v_proj")}),
        ("guide-lora-attention", {"lora_dropout": 0.05, "lora_bias": "none", "lora_r": 16, "lora_alpha": 32}),
        ("guide-qlora", {"quantization": "nf4", "double_quantization": True, "precision": "bf16"}),
        ("guide-hosted", {"provider": "openai", "base": "gpt-4o-mini-2024-07-18", "epochs": 3}),
        ("guide-trainer", {"lora_r": 8, "lora_alpha": 16, "lora_dropout": 0.05, "warmup_steps": 100}),
        ("guide-trainer", {"learning_rate": 2e-4, "max_length": 512, "gradient_accumulation": 4, "precision": "fp16"}),
        ("guide-trainer", {"log_every_steps": 10, "save_every_steps": 100, "checkpoints_kept": 2}),
        ("guide-trainer", {"template": "instruction", "method": "qlora"}),
    ],
)
def test_what_the_guides_set(name: str, values: dict[str, object]) -> None:
    spec = load_preset(name).run_spec()
    assert {key: getattr(spec, key) for key in values} == values


def test_the_guides_way_of_sampling_is_kept_with_the_model() -> None:
    told = load_preset("guide-trainer").run_spec().generation
    assert (told.max_new_tokens, told.temperature) == (256, 0.7)


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(NotFound, match="quick, careful"):
        load_preset("magic")


def test_what_a_spec_can_say_is_what_the_tables_hold() -> None:
    assert set(METHODS) == set(MethodName.__args__)  # type: ignore[attr-defined]
    assert set(OBJECTIVES) == set(ObjectiveName.__args__)  # type: ignore[attr-defined]
