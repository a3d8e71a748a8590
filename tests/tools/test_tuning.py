"""A model's way from a file to a folder, and a sweep, as somebody types them at a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tools.test_cli import Terminal, chat
from tests.trainer.inference.pebble import make_pebble

SMALL = ("--set", "max_length=64", "--set", "lora_r=4", "--set", "save_every_s=3600", "--set", "evals_per_run=1")


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_pebble(tmp_path_factory.mktemp("base")))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "asks.jsonl"
    path.write_text("".join(chat(f"ask {number}", "yes please") + "\n" for number in range(40)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(terminal: Terminal, base: str, rows: Path) -> dict[str, Any]:
    return terminal.quick("train", str(rows), "--base", base, "--epochs", "2", "--method", "dora", *SMALL)


def test_a_model_is_linted_and_merged(terminal: Terminal, trained: dict[str, Any], tmp_path: Path) -> None:
    model = trained["fine_tuned_model"]
    told = terminal.quick("model", "lint", model, code=1)
    assert told["vllm"] is False and "DoRA" in told["notes"][0]["what"]
    made = terminal.quick("model", "export", model, "--as", "merged", "--out", str(tmp_path / "merged"))
    assert "logits differ from base + adapter by" in made["words"]
    assert {"model.safetensors", "tokenizer.json", "card.json"} <= {p.name for p in (tmp_path / "merged").iterdir()}
    again = terminal.quick("model", "export", model, "--out", str(tmp_path / "merged"), code=2)
    assert "exists already" in again["error"]["message"]
    no_tool = terminal.run("model", "export", model, "--as", "gguf", "--out", str(tmp_path / "x.gguf"))
    assert no_tool.returncode == 2 and "TUNESMITH_LLAMA_CPP" in no_tool.stderr


def test_a_sweep_tells_the_best_of_its_trials(terminal: Terminal, base: str, rows: Path) -> None:
    words = ("--base", base, "--epochs", "1", "--trials", "3", "--over", "learning_rate=1e-6,0.02", *SMALL)
    told = terminal.quick("sweep", str(rows), *words)["result"]
    assert told["best"] == {"learning_rate": 0.02} and len(told["trials"]) == 3
    losses = {trial["values"]["learning_rate"]: trial["val_loss"] for trial in told["trials"]}
    assert told["val_loss"] == min(losses.values()) and losses[0.02] < losses.get(1e-6, 99.0)
    assert told["spec"]["learning_rate"] == 0.02


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ("beta=0.1,0.2", "'beta' cannot be swept"),
        ("lora_r=0,8", "lora_r 0: input should be greater than or equal to 1"),
        ("learning_rate=1..0.1", "a lower and a higher end"),
        ("lora_r=8", "takes 2 to 20 choices"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_it_starts(
    terminal: Terminal, base: str, rows: Path, over: str, says: str
) -> None:
    assert says in terminal.quick("sweep", str(rows), "--base", base, "--over", over, code=2)["error"]["message"]


def test_advice_on_values_can_be_trained_with(terminal: Terminal, base: str, rows: Path) -> None:
    told = terminal.quick("suggest", str(rows), "--base", base)
    advised = {one["name"]: one for one in told["advised"]}
    assert {"learning_rate", "epochs", "lora_r", "batch_size"} <= advised.keys()
    assert all(one["why"] for one in told["advised"]) and told["spec"]["epochs"] == advised["epochs"]["value"]
    named = terminal.quick("suggest", str(rows), "--base", base, "--set", "epochs=2")
    assert named["spec"]["epochs"] == 2 and "epochs" not in {one["name"] for one in named["advised"]}


def test_presets_are_listed(terminal: Terminal) -> None:
    assert {"quick", "careful", "guide-trainer"} <= {p["name"] for p in terminal.quick("presets")["presets"]}
    assert json.dumps(terminal.quick("presets"))
