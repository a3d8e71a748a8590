from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.trainer.methods.conftest import ROWS, SPEC, Bench, row
from trainer.errors import BadInput, TunesmithError
from trainer.methods.method import Stopped


def weights(folder: str | Path) -> dict[str, Any]:
    return load_file(Path(folder) / "adapter_model.safetensors")


def gap(one: dict[str, Any], other: dict[str, Any]) -> float:
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def test_a_run_learns_and_leaves_its_papers(bench: Bench) -> None:
    result = bench.train(card={"dataset": {"sha256": "abc"}, "seed": "not yours"})
    card = json.loads((Path(result.artifact_dir) / "card.json").read_text())
    assert result.val_loss is not None and result.val_loss < result.metrics["first_val_loss"] - 0.5
    assert card["dataset"] == {"sha256": "abc"} and card["seed"] == SPEC.seed
    assert len(card["base"]["fingerprint"]) == 64 and "torch" in card["libraries"]
    assert (Path(result.artifact_dir) / "README.md").read_text().startswith("# pebble · lora")
    assert result.trained_tokens == SPEC.epochs * result.metrics["tokens"]


def test_progress_names_every_stage(bench: Bench) -> None:
    result = bench.train()
    stages = [p.stage for p in bench.told]
    assert list(dict.fromkeys(stages)) == ["loading", "preflight", "validating", "training", "saving"]
    assert bench.told[-1].trained_tokens == result.trained_tokens
    assert bench.told[-1].total_steps == result.steps
    assert len([s for s in stages if s == "training"]) <= result.steps


def test_resuming_gives_the_very_same_weights(bench: Bench, tmp_path: Path) -> None:
    whole = bench.train()
    cut = Bench(bench.base, tmp_path / "cut")
    cut.folder.mkdir()
    cut.stop_after(3, "pause")
    with pytest.raises(Stopped) as stopped:
        cut.train()
    assert stopped.value.reason == "pause" and [step for step, _ in cut.checkpoints] == [3]
    cut.stop = lambda: None
    resumed = cut.train(resume_from=cut.checkpoints[0][1], work_dir=tmp_path / "another-machine")
    assert gap(weights(whole.artifact_dir), weights(resumed.artifact_dir)) == 0.0
    assert (resumed.trained_tokens, resumed.val_loss) == (whole.trained_tokens, whole.val_loss)


def test_cancel_stops_at_once(bench: Bench) -> None:
    bench.stop_after(2, "cancel")
    with pytest.raises(Stopped) as stopped:
        bench.train()
    assert (stopped.value.reason, stopped.value.step) == ("cancel", 2)
    assert bench.checkpoints == []


def test_the_best_weights_are_kept_and_patience_ends_the_run(bench: Bench, tmp_path: Path) -> None:
    spec = SPEC.model_copy(
        update={"epochs": 20, "evals_per_run": 20, "early_stopping_patience": 2}
        | {"learning_rate": 0.05, "scheduler": "constant"}
    )
    noise = [row(f"ask {n}", f"{n * 7919 % 1000}") for n in range(24)]
    result = bench.train(spec, rows=noise)
    curve = result.metrics["curve"][1:]
    best = min(curve, key=lambda point: point["val_loss"])
    assert result.stopped_early and result.steps < 20 * result.metrics["sequences"]
    assert result.metrics["best_step"] == best["step"] < result.steps
    assert result.val_loss == pytest.approx(best["val_loss"], abs=1e-5)


def test_the_best_weights_survive_a_resume(bench: Bench, tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"epochs": 6, "evals_per_run": 6, "learning_rate": 0.05, "scheduler": "constant"})
    noise = [row(f"ask {n}", f"{n * 7919 % 1000}") for n in range(24)]
    whole = bench.train(spec, rows=noise)
    cut = Bench(bench.base, tmp_path / "cut")
    cut.folder.mkdir()
    cut.stop_after(whole.steps - 1, "pause")
    with pytest.raises(Stopped):
        cut.train(spec, rows=noise)
    cut.stop = lambda: None
    resumed = cut.train(spec, rows=noise, resume_from=cut.checkpoints[-1][1], work_dir=tmp_path / "other")
    assert gap(weights(whole.artifact_dir), weights(resumed.artifact_dir)) == 0.0
    assert resumed.metrics["best_step"] == whole.metrics["best_step"]


def test_one_batch_of_four_equals_four_of_one(bench: Bench, tmp_path: Path) -> None:
    wide = bench.train(SPEC.model_copy(update={"epochs": 1}))
    other = Bench(bench.base, tmp_path / "other")
    other.folder.mkdir()
    spec = SPEC.model_copy(update={"epochs": 1, "batch_size": 1, "gradient_accumulation": 4})
    narrow = other.train(spec)
    assert narrow.steps == wide.steps
    assert gap(weights(wide.artifact_dir), weights(narrow.artifact_dir)) < 1e-4


def test_packed_and_unpacked_runs_see_the_same_tokens(bench: Bench) -> None:
    result = bench.train(SPEC.model_copy(update={"packing": False, "epochs": 1}))
    assert result.metrics["packing"] is False
    assert result.trained_tokens == result.metrics["tokens"]
    assert result.metrics["sequences"] == len(ROWS)


def test_replayed_rows_are_counted(bench: Bench) -> None:
    old = bench.base / "tunesmith" / "replay.jsonl"
    result = bench.train(SPEC.model_copy(update={"replay": 0.5, "epochs": 1}), replay=old)
    assert (result.metrics["replay_rows"], result.metrics["rows"]) == (12, 36)


def test_a_run_without_validation_rows_ends_with_its_last_weights(bench: Bench) -> None:
    result = bench.train(SPEC.model_copy(update={"epochs": 1}), dev=None)
    assert result.val_loss is None and result.metrics["best_step"] == result.steps


def test_a_loss_that_is_no_number_ends_the_run_with_advice(bench: Bench) -> None:
    spec = SPEC.model_copy(update={"learning_rate": 0.99, "max_grad_norm": 1e9, "method": "full", "epochs": 90})
    broken = spec.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(TunesmithError, match="Lower the learning rate") as caught:
        bench.train(broken, dev=None)
    assert caught.value.code == "loss_not_finite"


def test_rows_too_long_to_learn_from_are_refused_before_training(bench: Bench) -> None:
    with pytest.raises(BadInput) as caught:
        bench.train(SPEC.model_copy(update={"max_length": 8}), rows=[row("word " * 50, "yes")])
    assert caught.value.code == "max_length_too_short"
