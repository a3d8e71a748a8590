"""What people ask for becomes a RunSpec, or a sentence that says what would."""

from __future__ import annotations

from typing import Any

import pytest

from tools.specs import from_assignments, make_spec
from trainer.errors import BadInput, TunesmithError


def test_what_is_said_beside_a_preset_wins() -> None:
    spec = make_spec({"preset": "guide-trainer", "epochs": 1, "method": None, "settings": {"lora_r": 4}})
    assert (spec.method, spec.epochs, spec.lora_r, spec.warmup_steps) == ("qlora", 1, 4, 100)


def test_what_a_preset_means_for_another_method_is_left_out() -> None:
    spec = make_spec({"preset": "careful", "method": "full", "objective": "dpo"})
    assert (spec.method, spec.lora_dropout, spec.replay, spec.epochs) == ("full", 0.0, 0.0, 5)
    said = make_spec({"preset": "careful", "method": "full", "settings": {"lora_dropout": 0.3}})
    assert said.lora_dropout == 0.3  # what was asked for is refused by name, not dropped


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("dora", {"method": "lora", "use_dora": True}),
        ("rsLoRA", {"method": "lora", "use_rslora": True}),
        ("prefix-tuning", {"method": "prefix"}),
        ("p_tuning", {"method": "p-tuning"}),
        ("dpo", {"method": "lora", "objective": "dpo"}),
    ],
)
def test_words_for_methods(word: str, values: dict[str, Any]) -> None:
    spec = make_spec({"method": word})
    assert {key: getattr(spec, key) for key in values} == values


def test_settings_are_read_as_a_spec_reads_them() -> None:
    words = ["beta=0.3", "target_modules=q_proj, v_proj", "save-every-epoch=true", "temperature=0", "max_length=none"]
    spec = make_spec({"settings": from_assignments(words)})
    assert (spec.beta, spec.target_modules, spec.save_every_epoch) == (0.3, ("q_proj", "v_proj"), True)
    assert (spec.generation.temperature, spec.max_length) == (0.0, None)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"lora_r": 0}, "rank 0 does not fit: it should be greater than or equal to 1"),
        ({"learning_rate": 10.0}, "learning rate 10 does not fit: it should be less than 1"),
        ({"method": "ppo"}, "method ppo does not fit"),
        ({"settings": {"lora_rank": 8}}, "no setting called 'lora_rank'"),
        ({"settings": {"generation.temperature": "9"}}, "generation.temperature 9 does not fit"),
        ({"preset": "magic"}, "There is no preset 'magic'"),
    ],
)
def test_a_wrong_value_is_named_with_what_fits(overrides: dict[str, Any], says: str) -> None:
    with pytest.raises(Exception, match=says.replace("(", r"\(")):
        make_spec(overrides)


@pytest.mark.parametrize(
    "overrides",
    [
        {"settings": ["lora_r"]},
        {"settings": "lora_r=8"},
        {"settings": {"lora_r": {"a": 1}}},
        {"settings": {"seed": 2**400}},
        {"settings": {"suffix": "x" * 1_000_000}},
        {"settings": {"x" * 1_000_000: 1}},
        {"settings": {"generation": [1]}},
        {"settings": {"target_modules": []}},
        {"settings": {"target_modules": ["x" * 1_000_000]}},
        {"settings": {"target_modules": "x," * 100_000}},
        {"settings": {"max_grad_norm": float("inf")}},
        {"settings": {"base_location": "/etc"}},
        {"preset": ["quick"]},
        {"preset": 7},
        {"method": {"lora": True}},
    ],
)
def test_nonsense_from_a_language_model_is_refused_in_a_short_sentence(overrides: dict[str, Any]) -> None:
    with pytest.raises(TunesmithError) as refused:
        make_spec(overrides)
    assert refused.value.code in ("bad_spec", "unknown_preset") and len(str(refused.value)) < 800


def test_a_setting_of_nothing_was_not_said() -> None:
    spec = make_spec({"settings": {"packing": None, "lora_r": None, "generation": {"top_p": 0.5}, "temperature": 0.3}})
    assert (spec.packing, spec.lora_r, spec.generation.top_p, spec.generation.temperature) == (True, 16, 0.5, 0.3)
    assert make_spec({"preset": "guide-trainer", "settings": {"max_length": None}}).max_length is None


def test_an_assignment_without_a_value_is_refused() -> None:
    with pytest.raises(BadInput, match="Write --set name=value"):
        from_assignments(["beta"])
