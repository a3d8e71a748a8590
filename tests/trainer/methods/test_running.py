"""What can happen to a run on its way: precision, memory, time, divergence, overfitting, and what is said of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.methods.conftest import ROWS, SPEC, Bench, row
from tests.trainer.methods.little import make_encoder
from tests.trainer.methods.test_run import gap, weights
from trainer.errors import BadInput, TunesmithError
from trainer.methods import memory, preflight, watch
from trainer.methods.state import RunState
from trainer.methods.steward import Steward

NOISE = [row(f"ask {n}", f"{n * 7919 % 1000}") for n in range(24)]
SHORT = SPEC.model_copy(update={"epochs": 1})


@pytest.fixture(autouse=True)
def without_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps that preflight tries take longer than the runs here, and have tests of their own."""
    monkeypatch.setattr(preflight, "proof", lambda *_: None)


def like(spec: Any = SPEC, **changes: Any) -> Any:
    return spec.model_copy(update=changes)


def other(bench: Bench, folder: Path) -> Bench:
    folder.mkdir()
    return Bench(bench.base, folder)


def test_a_run_says_what_it_computes_in_and_what_it_mixed_in(bench: Bench) -> None:
    old = bench.base / "tunesmith" / "replay.jsonl"
    result = bench.train(like(SHORT, replay=0.5), replay=old)
    assert result.metrics["notes"]["computes_in"].startswith("Computes in fp32 on the CPU (")
    assert result.metrics["notes"]["replay"] == "Mixed 12 rows of the base's old tasks into 24 new ones."
    assert bench.notes == list(result.metrics["notes"].items())


@pytest.mark.parametrize(
    ("objective", "rows", "says"),
    [
        ("supervised", [], "no row to train on"),
        ("supervised", [{"prompt": [], "chosen": [], "rejected": []}], "pairs of a better and a worse answer"),
        ("kto", [row("ask", "yes")], "kto learns from"),
        ("classify", [{"text": "a page"}], "plain texts"),
    ],
)
def test_rows_that_cannot_teach_are_refused_before_anything_is_loaded(
    bench: Bench, objective: str, rows: list[dict[str, Any]], says: str
) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        bench.train(like(SHORT, objective=objective), rows=rows, base=str(bench.folder / "nowhere"))
    assert caught.value.fix


def test_a_text_in_which_nothing_is_learned_is_left_out_and_counted(bench: Bench) -> None:
    result = bench.train(SHORT, rows=[{"text": ""}, *({"text": f"page {n}"} for n in range(8))], dev=[])
    assert (result.metrics["rows"], result.metrics["dropped_rows"]) == (9, 1)


def test_a_folder_without_a_tokenizer_is_told_as_that(bench: Bench, tmp_path: Path) -> None:
    """transformers makes up an empty tokenizer for some families, and a run would learn nothing for no reason."""
    encoder = make_encoder(tmp_path / "little")
    for path in encoder.glob("tokenizer*"):
        path.unlink()
    labels = [row("the parcel is late", "late"), row("the parcel is lost", "lost")] * 4
    with pytest.raises(BadInput, match="cannot be loaded") as caught:
        bench.train(like(SHORT, objective="classify"), rows=labels, base=str(encoder))
    assert caught.value.code == "base_unreadable" and "has no tokenizer" in caught.value.fix


def test_fp16_on_a_cpu_is_refused_before_anything_is_loaded(bench: Bench) -> None:
    with pytest.raises(BadInput, match="Leave precision at auto") as caught:
        bench.train(like(SHORT, precision="fp16"))
    assert (caught.value.code, caught.value.param) == ("precision_not_supported", "precision")


@pytest.mark.parametrize("method", ["lora", "full"])
def test_bf16_on_a_cpu_trains_in_bf16(bench: Bench, tmp_path: Path, method: str) -> None:
    half = bench.train(like(SHORT, precision="bf16", method=method))
    whole = other(bench, tmp_path / "fp32").train(like(SHORT, method=method))
    assert half.metrics["precision"] == "bf16"
    assert half.train_loss != whole.train_loss
    assert half.train_loss == pytest.approx(whole.train_loss, rel=0.1)


def test_recomputed_activations_give_the_same_weights_and_are_chosen_where_memory_is_short(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = bench.train(SHORT)
    monkeypatch.setattr(memory, "free_bytes", lambda: 1_000_000)
    short_of_memory = other(bench, tmp_path / "recomputed")
    recomputed = short_of_memory.train(SHORT)
    told = other(bench, tmp_path / "told").train(like(SHORT, gradient_checkpointing=False))
    assert [r.metrics["gradient_checkpointing"] for r in (kept, recomputed, told)] == [False, True, False]
    assert "recompute" in dict(short_of_memory.notes)
    assert gap(weights(kept.artifact_dir), weights(recomputed.artifact_dir)) < 1e-5


class RunsOut:
    """The trainer's loss, which fails once for want of memory after so many training batches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int, error: Exception, *, times: int = 1) -> None:
        from transformers import Trainer

        self.left, self.times, self.error = after, times, error
        self.sizes: list[int] = []
        real = Trainer.training_step

        def step(trainer: Any, model: Any, inputs: Any, *args: Any, **more: Any) -> Any:
            self.sizes.append(len(inputs["input_ids"]))
            self.left -= 1
            if self.left < 0 and self.times:
                self.times -= 1
                raise self.error
            return real(trainer, model, inputs, *args, **more)

        monkeypatch.setattr(Trainer, "training_step", step)


def out_of_memory() -> list[Exception]:
    import torch

    cpu = "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to allocate"
    return [torch.cuda.OutOfMemoryError("CUDA out of memory."), RuntimeError(cpu), MemoryError()]


PLAIN = like(SPEC, packing=False, epochs=1)  # 6 steps of 4 rows


def test_memory_that_runs_out_is_answered_once_from_the_last_checkpoint(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = other(bench, tmp_path / "whole").train(PLAIN)
    seen = RunsOut(monkeypatch, 4, out_of_memory()[0])
    result = bench.train(like(PLAIN, save_every_steps=2))
    assert seen.sizes == [4, 4, 4, 4, 4, *[2] * 4]  # failed in step 5, went on after step 4
    assert (result.metrics["batch_size"], result.metrics["gradient_accumulation"]) == (2, 2)
    assert result.metrics["gradient_checkpointing"] is True
    assert "once more from step 4 with batches of 2 instead of 4" in dict(bench.notes)["out_of_memory"]
    assert result.trained_tokens == whole.trained_tokens
    assert gap(weights(whole.artifact_dir), weights(result.artifact_dir)) < 1e-4


@pytest.mark.parametrize("which", [1, 2])
def test_memory_that_runs_out_twice_is_refused_with_what_to_change(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    RunsOut(monkeypatch, 1, out_of_memory()[which], times=9)
    with pytest.raises(BadInput, match=r"This machine's memory is too small .* batches of 2 too") as caught:
        bench.train(PLAIN, dev=None)
    assert caught.value.code == "out_of_memory"


def test_a_smaller_batch_divides_the_one_asked_for() -> None:
    assert [memory.spared(size) for size in (2, 5, 6, 8, 9, 12)] == [1, 1, 3, 4, 3, 6]


def test_the_time_limit_ends_a_run_with_its_best_weights_and_a_resume_keeps_to_it(bench: Bench, tmp_path: Path) -> None:
    spec = like(SPEC, epochs=50, max_hours=1e-9, evals_per_run=1)
    result = bench.train(spec)
    assert (result.steps, result.metrics["best_step"]) == (1, 1)
    assert result.metrics["notes"]["time_limit"].endswith("at step 1.") and result.val_loss is not None
    again = other(bench, tmp_path / "again")
    resumed = again.train(spec, resume_from=bench.checkpoints[-1][1])
    assert (resumed.steps, resumed.val_loss) == (1, result.val_loss)
    assert gap(weights(result.artifact_dir), weights(resumed.artifact_dir)) == 0.0


def test_seconds_add_up_over_attempts(bench: Bench, tmp_path: Path) -> None:
    from trainer.methods.method import Stopped

    bench.stop_after(2, "pause")
    with pytest.raises(Stopped):
        bench.train()
    before = RunState.read(bench.checkpoints[-1][1]).seconds
    resumed = other(bench, tmp_path / "b").train(resume_from=bench.checkpoints[-1][1])
    assert 0 < before < resumed.metrics["seconds"]
    assert resumed.metrics["seconds"] - before >= resumed.metrics["seconds_this_attempt"] - 0.1  # both are rounded


def test_checkpoints_by_steps_and_by_epoch_with_sparse_logging(bench: Bench, tmp_path: Path) -> None:
    rows = like(SPEC, packing=False, epochs=2, log_every_steps=5, warmup_steps=3)
    bench.train(like(rows, save_every_steps=5))
    assert [step for step, _ in bench.checkpoints] == [5, 10, 12]
    epochs = other(bench, tmp_path / "epochs")
    epochs.train(like(rows, save_every_epoch=True))
    assert [step for step, _ in epochs.checkpoints] == [6, 12]


def test_a_loss_that_is_no_number_is_seen_where_logging_is_sparse(bench: Bench) -> None:
    broken = like(SPEC, learning_rate=1e30, max_grad_norm=1e9, method="full", epochs=90, log_every_steps=10)
    with pytest.raises(TunesmithError) as caught:
        bench.train(broken, dev=None)
    assert caught.value.code == "loss_not_finite"


def test_overfitting_is_said_once(bench: Bench) -> None:
    spec = like(SPEC, method="full", packing=False, epochs=10, evals_per_run=30, learning_rate=0.01)
    result = bench.train(like(spec, early_stopping_patience=6), rows=NOISE)
    assert [code for code, _ in bench.notes].count("overfitting") == 1
    assert f"since step {result.metrics['best_step']}" in result.metrics["notes"]["overfitting"]
    assert result.metrics["notes"]["stopped_early"].endswith("6 validations brought no gain.")


def follow(losses: list[float], *, warmup: int = 0, first_val_loss: float | None = None) -> None:
    state = RunState(first_val_loss=first_val_loss)
    for step, loss in enumerate(losses, 1):
        watch.logged(state, loss, step, warmup)


def test_a_loss_that_rises_far_and_for_long_is_divergence() -> None:
    with pytest.raises(TunesmithError, match=r"rose from 2\.\d\d to .* Lower the learning rate") as caught:
        follow([2.0] * 20 + [9.0] * 60)
    assert caught.value.code == "diverged"
    with pytest.raises(TunesmithError):
        follow([7.0] * 5 + [9.5] * 60, first_val_loss=7.2)  # one nat above the untrained model is far enough


@pytest.mark.parametrize(
    "losses",
    [
        [2.0] * 20 + [9.0] * 15 + [2.0] * 50,  # a spike that it gets over
        [0.2, 3.0, 0.1, 2.5] * 50,  # small batches of odd rows
        [0.01] * 50 + [0.9] * 50,  # small numbers, grown many-fold
    ],
)
def test_noise_is_no_divergence(losses: list[float]) -> None:
    follow(losses)


def test_what_rises_within_the_warm_up_is_waited_for() -> None:
    follow([2.0] * 5 + [9.0] * 60, warmup=70)


def test_a_checkpoint_waits_twenty_times_as_long_as_the_last_one_took(tmp_path: Path) -> None:
    steward = Steward(
        like(SPEC, save_every_s=0.001),
        tmp_path,
        RunState(),
        on_progress=lambda _: None,
        on_checkpoint=lambda *_: None,
        should_stop=lambda: None,
    )
    steward.total_steps = 100
    steward.begin(0)
    steward._saved -= 10
    assert steward.after_step(1).save
    steward._pace.marked -= 1  # saving took a second
    steward.saved(tmp_path, 1)
    steward._saved -= 19
    assert not steward.after_step(2).save
    steward._saved -= 2
    assert steward.after_step(3).save


def test_what_is_left_counts_validations_apart(bench: Bench) -> None:
    bench.train(like(SPEC, epochs=8, evals_per_run=8))
    told = [p for p in bench.told if p.eta_s is not None]
    assert told and told[-1].eta_s == 0.0
    assert all(p.peak_memory_bytes and p.tokens_per_s and p.lr is not None for p in told)


def test_every_token_counts_once_with_replay_accumulation_and_a_resume(bench: Bench, tmp_path: Path) -> None:
    from trainer.methods.method import Stopped

    old = bench.base / "tunesmith" / "replay.jsonl"
    spec = like(SPEC, epochs=2, batch_size=2, gradient_accumulation=3, replay=0.5, packing=False)
    whole = bench.train(spec, replay=old)
    assert whole.trained_tokens == 2 * whole.metrics["tokens"]
    cut = other(bench, tmp_path / "cut")
    cut.stop_after(4, "pause")
    with pytest.raises(Stopped):
        cut.train(spec, replay=old)
    cut.stop = lambda: None
    resumed = cut.train(spec, replay=old, resume_from=cut.checkpoints[-1][1])
    assert resumed.trained_tokens == whole.trained_tokens


def cut_short(base: Path) -> None:
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def without_tokenizer(base: Path) -> None:
    for path in base.glob("tokenizer*"):
        path.unlink()


def of_another_size(base: Path) -> None:
    config = base / "config.json"
    config.write_text(config.read_text().replace('"hidden_size": 32', '"hidden_size": 48'))


@pytest.mark.parametrize("damage", [cut_short, without_tokenizer, of_another_size])
def test_a_base_that_cannot_be_read_is_told_without_paths(bench: Bench, tmp_path: Path, damage: Any) -> None:
    broken = Path(shutil.copytree(bench.base, tmp_path / "broken"))
    damage(broken)
    bench.base = broken
    with pytest.raises(BadInput, match=r"(Copy|copy) the model's folder again, whole") as caught:
        bench.train(SHORT)
    assert caught.value.code == "base_unreadable"
    assert str(tmp_path) not in str(caught.value)


def test_prompts_that_fill_the_limit_are_refused_where_somebody_chose_it(bench: Bench) -> None:
    rows = [*ROWS, row("word " * 80, "yes")]
    with pytest.raises(BadInput, match=r"1 of 25 row has a prompt .* Raise max_length to \d+") as caught:
        bench.train(like(SHORT, max_length=32), rows=rows)
    assert caught.value.code == "max_length_too_short"
    needed = int(str(caught.value).split("Raise max_length to ")[1].split(",")[0])
    result = bench.train(like(SHORT, max_length=needed), rows=rows)
    assert (result.metrics["dropped_rows"], result.metrics["truncated_rows"]) == (0, 0)


def test_few_rows_beyond_the_default_limit_are_left_out_and_said(bench: Bench) -> None:
    rows = [*ROWS, *ROWS, row("word " * 400, "yes")]
    result = bench.train(like(SHORT, max_length=None), rows=rows)
    assert result.metrics["dropped_rows"] == 1
    assert "1 are left out" in result.metrics["notes"]["rows_cut"]
    with pytest.raises(BadInput, match="3 of 27 rows have prompts"):
        bench.train(like(SHORT, max_length=None), rows=[*ROWS, *[row("word " * 400, f"yes {n}") for n in range(3)]])
