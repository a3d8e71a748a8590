from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainer.inference.pebble import make_pebble


@pytest.fixture(scope="session")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pebble(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def adapters(pebble: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two adapters with random weights: enough to change every answer, each in its own way."""
    return {name: make_adapter(pebble, tmp_path_factory.mktemp(name), seed) for name, seed in (("one", 1), ("two", 2))}


def make_adapter(base: Path, folder: Path, seed: int) -> str:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    config = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules="all-linear", init_lora_weights=False)
    model: Any = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    model.save_pretrained(folder)
    return str(folder)
