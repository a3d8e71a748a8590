from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers

from trainer.inference.tiny_recipe import RECIPE
from trainer.methods import resolve
from trainer.methods.estimate import count_steps, estimate, shape_of
from trainer.methods.footprint import memory_parts, trained_parameters
from trainer.methods.spec import RunSpec

LLAMA_8B: dict[str, Any] = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}
H100 = {"name": "NVIDIA H100 80GB HBM3", "memory_bytes": 80 * 2**30}
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")


def test_parameters_of_a_known_model_are_exact() -> None:
    shape = shape_of(LLAMA_8B)
    assert shape.parameters == 8_030_261_248
    assert shape.lora_parameters(16, ATTENTION) == 13_631_488


def test_the_tiny_base_is_counted_exactly(pebble: Path) -> None:
    import json

    from safetensors.torch import load_file

    held = sum(t.numel() for t in load_file(pebble / "model.safetensors").values())
    assert shape_of(json.loads((pebble / "config.json").read_text())).parameters == held


def test_steps_are_counted_in_packed_sequences() -> None:
    spec = RunSpec(epochs=2, batch_size=4, gradient_accumulation=2)
    assert count_steps(spec, rows=1000, epoch_tokens=48_640, length=512) == 26  # 100 sequences, 13 steps a pass
    unpacked = spec.model_copy(update={"packing": False})
    assert count_steps(unpacked, rows=1000, epoch_tokens=48_640, length=512) == 250


def test_four_bits_need_less_memory_than_sixteen_and_full_needs_most() -> None:
    needed = {
        method: estimate(
            RunSpec(method=method, max_length=512, batch_size=1),
            rows=100,
            tokens=50_000,
            base_config=LLAMA_8B,
            gpu=H100,
        )
        for method in ("qlora", "lora", "full")
    }
    assert needed["qlora"].memory_bytes < needed["lora"].memory_bytes < needed["full"].memory_bytes
    assert needed["lora"].fits and not needed["full"].fits


def test_replay_and_epochs_multiply_the_tokens_and_hours_cost_money() -> None:
    made = estimate(RunSpec(epochs=3, replay=1.0), rows=10, tokens=1000, base_config=LLAMA_8B, gpu=H100, gpu_hour_usd=3)
    assert made.tokens == 6000
    assert made.cost_usd == pytest.approx(made.seconds / 1200, rel=0.01)
    assert "H100" in made.basis


def test_without_a_config_the_guess_is_admitted() -> None:
    made = estimate(RunSpec(base="some/Thing-3B"), rows=10, tokens=1000, base_config=None, gpu=None)
    assert 2e9 < made.total_params < 4e9
    assert "3B" in made.basis


def test_estimating_imports_no_heavy_library() -> None:
    code = (
        "import sys, trainer.methods.estimate, trainer.methods, trainer.inference.tiny_base, "
        "trainer.inference.engine, trainer.methods.run; "
        "print(sorted({'torch', 'transformers', 'peft', 'trl', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert RECIPE.llama_config()["hidden_size"] == RECIPE.width


FAMILIES: list[tuple[str, dict[str, Any]]] = [
    ("LlamaConfig", {"num_key_value_heads": 2, "intermediate_size": 96, "tie_word_embeddings": False}),
    ("Qwen2Config", {"num_key_value_heads": 2, "intermediate_size": 96, "tie_word_embeddings": True}),
    ("MistralConfig", {"num_key_value_heads": 2, "intermediate_size": 96}),
    ("GPT2Config", {}),
    ("OPTConfig", {"ffn_dim": 96, "word_embed_proj_dim": 64}),
    ("FalconConfig", {"bias": True}),
    ("FalconConfig", {"new_decoder_architecture": True, "num_kv_heads": 2}),
    ("GPTNeoXConfig", {"intermediate_size": 96}),
]
SMALL: dict[str, Any] = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "vocab_size": 500}


@pytest.mark.parametrize(("name", "more"), FAMILIES, ids=[f"{n}-{at}" for at, (n, _) in enumerate(FAMILIES)])
def test_parameters_of_every_family_are_those_of_the_built_model(name: str, more: dict[str, Any]) -> None:
    config = getattr(transformers, name)(**SMALL, **more, max_position_embeddings=128)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    shape = shape_of(config.to_dict())
    assert shape.parameters == pytest.approx(model.num_parameters(), rel=0.01)
    adapted = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", r=8, target_modules="all-linear"))
    told = shape.lora_parameters(8, None)
    assert told == pytest.approx(adapted.get_nb_trainable_parameters()[0], rel=0.03)


def test_an_encoder_has_no_output_layer() -> None:
    config = transformers.DistilBertConfig(dim=64, n_layers=3, n_heads=4, hidden_dim=96, vocab_size=500)
    with torch.device("meta"):
        model = transformers.AutoModelForSequenceClassification.from_config(config)
    shape = shape_of(config.to_dict())
    assert shape.parameters == pytest.approx(model.num_parameters(), rel=0.01)
    spec = RunSpec(objective="classify", method="full")
    assert memory_parts(spec, shape, shape.parameters, 512, on_gpu=False)["logits"] == 0


@pytest.mark.parametrize("method", ["ia3", "prefix", "prompt", "p-tuning"])
def test_small_adapters_are_counted_as_they_are_made(pebble: Path, method: str) -> None:
    spec = RunSpec(method=method, virtual_tokens=5)  # type: ignore[arg-type]
    model = transformers.AutoModelForCausalLM.from_pretrained(pebble)
    told = trained_parameters(spec, shape_of(model.config.to_dict()))
    wrapped = resolve(method).wrap(model, spec)
    assert told == sum(p.numel() for p in wrapped.parameters() if p.requires_grad)


def parts(**changes: Any) -> dict[str, int]:
    spec = RunSpec(**({"max_length": 512, "batch_size": 2} | changes))
    return estimate(spec, rows=10, tokens=1000, base_config=LLAMA_8B, gpu=H100).memory


def test_choices_that_save_memory_are_seen() -> None:
    assert parts(gradient_checkpointing=True)["activations"] < parts()["activations"] / 4
    assert parts(method="full", optimizer="adamw_8bit")["optimizer"] < parts(method="full")["optimizer"] / 3
    assert parts(objective="dpo")["activations"] == 2 * parts()["activations"]
    assert parts(objective="dpo", method="full")["weights"] > parts(method="full")["weights"]
    assert parts(precision="fp32")["weights"] > 1.9 * parts()["weights"]
    assert parts(use_dora=True)["optimizer"] > parts()["optimizer"]
