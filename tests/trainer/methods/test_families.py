"""Bases of any family are trained and served alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.trainer.methods.conftest import SPEC, Bench, row
from tests.trainer.methods.families import FAMILIES, make
from trainer.inference import model
from trainer.methods import targets
from trainer.types import ChatMessage, GenerateRequest, TrainResult

IGNORE_POSITIONS = {"falcon", "opt"}  # these let one packed conversation read another
ROWS = [row(f"ask {number}", "yes" + "s" * (number % 3)) for number in range(12)]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("families")
    return {family: make(family, folder / family) for family in FAMILIES}


def train(base: Path, folder: Path, **changes: Any) -> TrainResult:
    folder.mkdir(exist_ok=True)
    spec = SPEC.model_copy(update={"epochs": 1, "evals_per_run": 1, "learning_rate": 0.01, "batch_size": 8, **changes})
    return Bench(base, folder).train(spec, rows=ROWS)


@pytest.mark.parametrize("family", FAMILIES)
def test_lora_trains_packed_or_not_and_is_served(bases: dict[str, Path], tmp_path: Path, family: str) -> None:
    result = train(bases[family], tmp_path / "packed", epochs=3)
    assert result.val_loss is not None and result.val_loss < result.metrics["first_val_loss"]
    assert result.metrics["packing"] is (family not in IGNORE_POSITIONS)
    apart = train(bases[family], tmp_path / "apart", packing=False)
    assert result.metrics["first_val_loss"] == pytest.approx(apart.metrics["first_val_loss"], rel=1e-5)
    assert result.metrics["trainable_parameters"] == lora_parameters(bases[family], SPEC.lora_r)
    served_exactly(bases[family], result.artifact_dir)


@pytest.mark.parametrize("family", ["qwen3", "falcon", "opt", "gpt2"])
@pytest.mark.parametrize("method", ["ia3", "prefix", "prompt"])
def test_other_methods_suit_them_too(bases: dict[str, Path], tmp_path: Path, family: str, method: str) -> None:
    result = train(bases[family], tmp_path, method=method, epochs=2, learning_rate=0.03)
    assert result.val_loss is not None and result.val_loss < result.metrics["first_val_loss"]
    served_exactly(bases[family], result.artifact_dir)


def served_exactly(base: Path, artifact: str) -> None:
    """Answers in a batch of prompts of unequal length, beside the base's own, are what PEFT's plain forward gives."""
    generator = model.load(str(base), adapters={"it": artifact})
    asked = [
        GenerateRequest((ChatMessage("user", "ask " + "7" * n),), ("it", None)[n % 2], max_tokens=5) for n in range(4)
    ]
    rows = [generator.row(request) for request in asked]
    generator.run(rows)
    plain = AutoModelForCausalLM.from_pretrained(base)
    assert [r.tokens for r in rows[1::2]] == [greedy(plain, r.prompt, generator.ends) for r in rows[1::2]]
    from peft import PeftModel

    tuned = PeftModel.from_pretrained(plain, artifact)
    assert [r.tokens for r in rows[::2]] == [greedy(tuned, r.prompt, generator.ends) for r in rows[::2]]


def greedy(tuned: Any, prompt: list[int], ends: list[int]) -> list[int]:
    """Five tokens, each from a forward over everything so far: no cache, no padding."""
    said: list[int] = []
    while len(said) < 5 and not (said and said[-1] in ends):
        ids = torch.tensor([prompt + said])
        with torch.no_grad():
            out = tuned.eval()(input_ids=ids, attention_mask=torch.ones_like(ids))
        said.append(int(out.logits[0, -1].argmax()))
    return said


def lora_parameters(base: Path, rank: int) -> int:
    """rank × (inputs + outputs) of every linear layer but the output layer."""
    return sum(rank * sum(shape) for shape in targets.layers(AutoModelForCausalLM.from_pretrained(base)).values())


@pytest.mark.parametrize(
    ("family", "scaled", "feedforward"),
    [
        ("llama", ["self_attn.k_proj", "self_attn.v_proj"], ["mlp.down_proj"]),
        ("falcon", ["self_attention.query_key_value"], ["mlp.dense_4h_to_h"]),
        ("opt", ["self_attn.k_proj", "self_attn.v_proj"], ["fc2"]),
        ("gpt2", ["attn.c_attn"], ["mlp.c_proj"]),
    ],
)
def test_ia3_finds_keys_values_and_the_way_back(
    bases: dict[str, Path], family: str, scaled: list[str], feedforward: list[str]
) -> None:
    assert targets.attention_and_feedforward(targets.skeleton(str(bases[family])), SPEC) == (scaled, feedforward)
