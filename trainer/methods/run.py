"""One training run, stage by stage, from checked rows to an artifact folder; transformers' Trainer does the steps."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.errors import BadInput, TunesmithError
from trainer.inference.extra import quiet_libraries, train_extra
from trainer.methods import artifact, resolve, resolve_objective
from trainer.methods.arguments import arguments
from trainer.methods.method import Method, Stopped
from trainer.methods.objectives.objective import Objective
from trainer.methods.spec import RunSpec
from trainer.methods.steward import BEST, STATE_FILE, OnCheckpoint, OnProgress, RunState, ShouldStop, Steward
from trainer.types import TrainProgress, TrainResult

__all__ = ["Files", "Run", "Stopped", "train"]


@dataclass(frozen=True, slots=True)
class Files:
    """JSONL files of checked rows, in the canonical shape of their kind (see `trainer.data.canonical`)."""

    train: Path
    dev: Path | None = None
    replay: Path | None = None  # rows of old tasks, or of another dataset, to mix in


@dataclass(slots=True)
class Run:
    """What one run is made of, gathered stage by stage."""

    spec: RunSpec
    base: str
    work_dir: Path
    files: Files
    method: Method
    objective: Objective
    steward: Steward
    tokenizer: Any = None
    model: Any = None
    train_set: Any = None
    dev_set: Any = None
    packed: bool = False
    batch_size: int = 1
    accumulation: int = 1
    save_memory: bool = False  # recompute activations instead of keeping them
    metrics: dict[str, Any] = field(default_factory=dict)


def train(
    spec: RunSpec,
    *,
    base: str,
    files: Files,
    work_dir: Path,
    on_progress: OnProgress,
    on_checkpoint: OnCheckpoint,
    should_stop: ShouldStop,
    resume_from: Path | None = None,
    card: dict[str, Any] | None = None,
) -> TrainResult:
    """Train as `spec` says and leave the artifact in `work_dir/artifact`.

    `on_checkpoint(folder, step, metrics)` is called when a checkpoint folder is whole. `should_stop()` is asked
    after every step: "cancel" and "pause" end in `Stopped` ("pause" after a checkpoint). `resume_from` is a
    checkpoint folder of the same spec and files: the run goes on as if it had never ended. Out of accelerator
    memory is answered once, with half the batch, twice the accumulation and recomputed activations.
    """
    with train_extra("Training"):
        import torch
        import trl  # noqa: F401  (missing is told before anything is loaded)
    quiet_libraries()
    work_dir.mkdir(parents=True, exist_ok=True)
    hooks = {"on_progress": on_progress, "on_checkpoint": on_checkpoint, "should_stop": should_stop}
    for retry in (False, True):
        state = RunState.read(resume_from) if resume_from else RunState()
        steward = Steward(spec, work_dir, state, **hooks)
        run = Run(spec, base, work_dir, files, resolve(spec.method), resolve_objective(spec.objective), steward)
        _size_batches(run, retry)
        try:
            return _one_run(run, resume_from, card or {})
        except torch.cuda.OutOfMemoryError as error:
            if retry or spec.batch_size == 1:
                raise _out_of_memory(spec) from error
            on_progress(TrainProgress("loading", note="Out of GPU memory: trying again with half the batch."))
        _forget(run)
    raise AssertionError("unreachable")


def prepare(run: Run) -> None:
    """Everything before the first step: the base loaded, its rows read and checked, the adapters made."""
    from transformers import set_seed

    set_seed(run.spec.seed)
    run.objective.load(run)
    run.steward.tell("preflight")
    run.objective.prepare(run)
    run.steward.total_steps = math.ceil(run.spec.epochs * steps_per_epoch(run))
    set_seed(run.spec.seed)  # adapters start from the seed alone, whatever loading drew
    parameters = sum(p.numel() for p in run.model.parameters())
    run.model = run.method.wrap(run.model, run.spec, run.objective.task_type)
    run.metrics["learning_rate"] = run.spec.learning_rate or run.method.learning_rate(parameters)
    run.metrics["trainable_parameters"] = sum(p.numel() for p in run.model.parameters() if p.requires_grad)
    run.metrics["parameters"] = parameters


def steps_per_epoch(run: Run) -> int:
    return math.ceil(math.ceil(len(run.train_set) / run.batch_size) / run.accumulation)


def _one_run(run: Run, resume_from: Path | None, card: dict[str, Any]) -> TrainResult:
    started = time.monotonic()
    run.steward.tell("loading")
    prepare(run)
    run.steward.save_weights = run.model.save_pretrained
    _bring_best(run, resume_from)
    trainer = make_trainer(run)
    if run.dev_set is not None and resume_from is None:
        trainer.evaluate()
    trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    run.steward.tell("saving", trainer.state.global_step)
    return artifact.leave(run, int(trainer.state.global_step), time.monotonic() - started, card)


def make_trainer(run: Run) -> Any:
    """The objective's trainer with our rules hooked in."""
    from transformers import PrinterCallback

    from trainer.methods.hooks import callback

    trainer = run.objective.trainer(run, arguments(run))
    trainer.add_callback(callback(run.steward))
    trainer.remove_callback(PrinterCallback)
    trainer.run_state = run.steward.state
    _adapters_in_full_precision(run)
    return trainer


def _adapters_in_full_precision(run: Run) -> None:
    """TRL turns the adapters of a 4-bit base into bf16, in which small updates round to nothing."""
    import torch

    for parameter in run.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)


def _size_batches(run: Run, retry: bool) -> None:
    spec = run.spec
    run.save_memory = retry or bool(spec.gradient_checkpointing)
    run.batch_size = max(1, spec.batch_size // 2) if retry else spec.batch_size
    run.accumulation = math.ceil(spec.batch_size / run.batch_size) * spec.gradient_accumulation


def _bring_best(run: Run, resume_from: Path | None) -> None:
    """The best weights so far travel inside the checkpoint, or are the checkpoint itself."""
    best = run.work_dir / BEST
    shutil.rmtree(best, ignore_errors=True)
    if resume_from is None or run.steward.state.best_val_loss is None:
        return
    inside = resume_from / BEST
    only_weights = shutil.ignore_patterns("*.pt", "*.pth", "*.bin", "trainer_state.json", STATE_FILE)
    shutil.copytree(inside if inside.is_dir() else resume_from, best, ignore=only_weights)


def _forget(run: Run) -> None:
    import gc

    import torch

    run.model = run.train_set = run.dev_set = None
    gc.collect()
    torch.cuda.empty_cache()


def _out_of_memory(spec: RunSpec) -> TunesmithError:
    tried = "with half the batch too" if spec.batch_size > 1 else "at batch size 1"
    return BadInput(
        f"The GPU's memory is too small for this run ({tried}).",
        fix="Lower max_length or batch_size, or use method qlora, which holds the base in 4 bits.",
        code="out_of_memory",
        param="batch_size",
    )
