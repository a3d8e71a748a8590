"""Merging says what base and adapter said, or leaves nothing behind; the lint knows what vLLM refuses."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.trainer.methods.conftest import SPEC, Bench
from trainer.errors import BadInput, TunesmithError
from trainer.inference import model
from trainer.methods.export.gguf import SCRIPT, to_gguf
from trainer.methods.export.lint import lint
from trainer.methods.export.merge import merge
from trainer.types import ChatMessage, GenerateRequest

LEARN = {"epochs": 20, "learning_rate": 0.01, "evals_per_run": 1, "batch_size": 2}


def trained(bench: Bench, **values: Any) -> Path:
    return Path(bench.train(SPEC.model_copy(update=LEARN | values)).artifact_dir)


@pytest.mark.parametrize("values", [{}, {"use_dora": True}, {"method": "qlora"}], ids=["lora", "dora", "qlora"])
def test_a_merged_model_answers_as_base_and_adapter_do(bench: Bench, tmp_path: Path, values: dict[str, Any]) -> None:
    adapter = trained(bench, **values)
    made = merge(str(bench.base), adapter, tmp_path / "merged")
    assert (made.dtype, made.difference < 0.01, made.effect > 1) == ("float32", True, True)
    ask = GenerateRequest((ChatMessage("user", "ask 3"),), max_tokens=24)
    assert model.load(str(made.folder)).generate([ask])[0].text == "yes please"
    assert json.loads((made.folder / "card.json").read_text())["spec"]["suffix"] == SPEC.suffix


def test_a_merge_that_says_something_else_leaves_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import PreTrainedModel

    adapter, save = trained(bench, epochs=1), PreTrainedModel.save_pretrained

    def spoil(self: Any, folder: Path, **options: Any) -> None:
        save(self, folder, **options)
        weights = load_file(folder / "model.safetensors")
        name = next(key for key in weights if "q_proj" in key)
        weights[name] = weights[name] + 0.5 * torch.randn_like(weights[name])
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    monkeypatch.setattr(PreTrainedModel, "save_pretrained", spoil)
    with pytest.raises(TunesmithError) as caught:
        merge(str(bench.base), adapter, tmp_path / "merged")
    assert caught.value.code == "merge_differs" and list(tmp_path.glob("merged*")) == []


def test_only_the_very_base_in_full_precision_is_merged_into(bench: Bench, tmp_path: Path) -> None:
    adapter, other = trained(bench, epochs=1), tmp_path / "other"
    shutil.copytree(bench.base, other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"rope_theta": 5e5}))
    with pytest.raises(BadInput, match="not the one that the adapter was trained from"):
        merge(str(other), adapter, tmp_path / "merged")
    (other / "config.json").write_text(json.dumps(config | {"quantization_config": {"load_in_4bit": True}}))
    with pytest.raises(BadInput, match="fewer bits"):
        merge(str(other), adapter, tmp_path / "merged")


def write_config(folder: Path, **values: Any) -> Path:
    folder.mkdir(exist_ok=True)
    config = {"peft_type": "LORA", "r": 16, "bias": "none", "target_modules": ["q_proj"]} | values
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("values", "level", "says"),
    [
        ({}, "fine", "takes this adapter"),
        ({"use_rslora": True}, "fine", "takes this adapter"),
        ({"r": 24}, "flag", "--max-lora-rank 32"),
        ({"rank_pattern": {"q_proj": 128}}, "flag", "--max-lora-rank 128"),
        ({"r": 1024}, "refused", "limit of 512"),
        ({"use_dora": True}, "refused", "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "refused", "lm_head"),
        ({"bias": "all"}, "refused", "biases"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "flag", "embed_tokens"),
        ({"peft_type": "IA3"}, "refused", "IA3"),
    ],
)
def test_what_vllm_would_say(tmp_path: Path, values: dict[str, Any], level: str, says: str) -> None:
    worst = lint(write_config(tmp_path / "adapter", **values))[0]
    assert worst.level == level and says in f"{worst.what} {worst.fix}"


def test_full_weights_and_broken_papers_are_not_linted(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="full weights"):
        lint(tmp_path)
    (tmp_path / "adapter_config.json").write_text("[")
    with pytest.raises(BadInput, match="cannot be read"):
        lint(tmp_path)


def converter(folder: Path, body: str) -> str:
    folder.mkdir()
    script = folder / SCRIPT
    script.write_text(f"import sys\n{body}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(folder)


def test_gguf_is_written_by_the_named_converter(tmp_path: Path) -> None:
    good = converter(tmp_path / "good", "open(sys.argv[sys.argv.index('--outfile') + 1], 'w').write(sys.argv[1])")
    made = to_gguf(tmp_path / "merged", tmp_path / "out.gguf", llama_cpp=good)
    assert made.read_text() == str(tmp_path / "merged")
    bad = converter(tmp_path / "bad", "sys.exit('no such architecture')")
    with pytest.raises(TunesmithError, match="no such architecture"):
        to_gguf(tmp_path / "merged", tmp_path / "other.gguf", llama_cpp=bad)
    with pytest.raises(BadInput, match="TUNESMITH_LLAMA_CPP"):
        to_gguf(tmp_path / "merged", tmp_path / "other.gguf", llama_cpp="")
    assert not (tmp_path / "other.gguf").exists()
