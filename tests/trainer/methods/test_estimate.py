from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trainer.inference.tiny_recipe import RECIPE
from trainer.methods.estimate import count_steps, estimate, shape_of
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
