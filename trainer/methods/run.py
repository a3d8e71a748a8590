"""One training run, stage by stage, from checked rows to an artifact folder; transformers' Trainer does the steps."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.inference.extra import quiet_libraries, train_extra
from trainer.methods import artifact, device, memory, opening, preflight, ranks, resolve, resolve_objective
from trainer.methods.arguments import arguments
from trainer.methods.method import Method, Stopped
from trainer.methods.objectives.objective import Objective
from trainer.methods.spec import RunSpec
from trainer.methods.state import STATE_FILE, RunState
from trainer.methods.steward import BEST, OnCheckpoint, OnNote, OnProgress, ShouldStop, Steward
from trainer.types import TrainResult

__all__ = ["Files", "Run", "Stopped", "train"]


@dataclass(frozen=True, slots=True)
class Files:
    """JSONL files of checked rows, each row in the shape of its kind (see `trainer.data.split.shapes`)."""

    train: Path
    dev: Path | None = None
    replay: Path | None = None  # rows of old tasks, or of another dataset, to mix in
    replay_from: str = "the base's old tasks"  # in the words of a note


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
    prove: bool = True  # try the run for seconds before its first step
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
    on_note: OnNote = lambda code, text: None,
    resume_from: Path | None = None,
    card: dict[str, Any] | None = None,
    prove: bool = True,
) -> TrainResult:
    """Train as `spec` says and leave the artifact in `work_dir/artifact`.

    `on_checkpoint(folder, step, metrics)` is called when a checkpoint folder is whole. `should_stop()` is asked
    after every step: "cancel" and "pause" end in `Stopped` ("pause" after a checkpoint). `on_note(code, text)` tells
    what stays true of the run, such as its precision or overfitting. `resume_from` is a checkpoint folder of the same
    spec and files: the run goes on as if it had never ended. Memory that ran out is answered once, from the last
    checkpoint, with half the batch, twice the accumulation and recomputed activations. `prove=False` leaves out
    `preflight.proof`, for a run whose like was proved a moment ago.

    Where several processes make one run (RANK and WORLD_SIZE), each calls this; only rank 0 calls back, except for
    `should_stop`'s answer, which counts for all.
    """
    with train_extra("Training"):
        import trl  # noqa: F401  (missing is told before anything is loaded)
    quiet_libraries()
    ranks.join()
    work_dir.mkdir(parents=True, exist_ok=True)
    newest = resume_from
    state = RunState.read(resume_from) if resume_from else RunState()

    def keep(folder: Path, step: int, metrics: dict[str, Any]) -> None:
        nonlocal newest
        on_checkpoint(folder, step, metrics)
        newest = folder

    hooks = {"on_progress": on_progress, "on_checkpoint": keep, "should_stop": should_stop, "on_note": on_note}
    while True:
        steward = Steward(spec, work_dir, state, **hooks)
        run = gather(spec, base, files, work_dir, steward)
        run.prove = prove
        try:
            return _one_run(run, newest, card or {})
        except Exception as error:
            if not memory.ran_out(error):
                raise
            if state.spared or ranks.world_size() > 1 or not memory.can_spare(spec, run.save_memory):
                raise memory.refusal(spec, tried_less=state.spared) from error
        _forget(run)
        state = _second_try(steward, newest)


def gather(spec: RunSpec, base: str, files: Files, work_dir: Path, steward: Steward) -> Run:
    """A run of which nothing is loaded yet. Raises BadInput where its batch cannot be shared by the processes."""
    run = Run(spec, base, work_dir, files, resolve(spec.method), resolve_objective(spec.objective), steward)
    _size_batches(run)
    return run


def prepare(run: Run) -> None:
    """Everything before the first step: the base loaded, its rows read and checked, the adapters made."""
    from transformers import set_seed

    run.steward.note("computes_in", device.computes_in(run.spec))
    set_seed(run.spec.seed)
    opening.load(run)
    for code, text in run.method.remarks(run.model, run.spec).items():
        run.steward.note(code, text)
    run.steward.tell("preflight")
    run.objective.prepare(run)
    _tell_of_rows(run)
    run.steward.steps_per_epoch = steps_per_epoch(run)
    run.steward.total_steps = math.ceil(run.spec.epochs * steps_per_epoch(run))
    set_seed(run.spec.seed)  # adapters start from the seed alone, whatever loading drew
    parameters = sum(p.numel() for p in run.model.parameters())
    run.model = run.method.wrap(run.model, run.spec, run.objective.task_type)
    run.metrics["learning_rate"] = run.spec.learning_rate or run.method.learning_rate(parameters) * run.objective.rate
    run.metrics["trainable_parameters"] = sum(p.numel() for p in run.model.parameters() if p.requires_grad)
    run.metrics["parameters"] = parameters
    run.save_memory = run.metrics["gradient_checkpointing"] = memory.must_recompute(run)


def steps_per_epoch(run: Run) -> int:
    batches = math.ceil(math.ceil(len(run.train_set) / run.batch_size) / ranks.world_size())
    return math.ceil(batches / run.accumulation)


def _one_run(run: Run, resume_from: Path | None, card: dict[str, Any]) -> TrainResult:
    started, steward = time.monotonic(), run.steward
    steward.tell("loading")
    prepare(run)
    steward.save_weights = lambda folder: ranks.save(run.model, folder)
    _bring_best(run, resume_from)
    if steward.state.ended and resume_from is not None:  # nothing left but to leave what it had learned
        run.method.restore(run.model, resume_from)
        steps = steward.state.step
    else:
        steps = _step(run, resume_from)
    steward.tell("saving", steps)
    return artifact.leave(run, steps, time.monotonic() - started, card)


def _step(run: Run, resume_from: Path | None) -> int:
    """Train to the end, or from a checkpoint to it. Returns the last step's number."""
    trainer = make_trainer(run)
    if resume_from is None and run.prove:
        preflight.proof(run, trainer)
    # before the first step, but within `train`: a model that was evaluated before is not spread over processes after
    trainer.args.eval_on_start = run.dev_set is not None and resume_from is None
    trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    return int(trainer.state.global_step)


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


def _size_batches(run: Run) -> None:
    spec = run.spec
    share = ranks.share_of(spec.batch_size, ranks.world_size())
    run.batch_size = memory.spared(share) if run.steward.state.spared else share
    run.accumulation = share // run.batch_size * spec.gradient_accumulation


def _second_try(steward: Steward, newest: Path | None) -> RunState:
    """The state to go on with after memory ran out: the last checkpoint's, but no second is forgotten."""
    state = RunState.read(newest) if newest else RunState()
    state.spared, state.seconds, state.notes = True, steward.spent(), dict(steward.state.notes)
    state.notes["out_of_memory"] = memory.told_of_retry(steward.spec, state.step)
    steward.note("out_of_memory", state.notes["out_of_memory"])
    return state


def _tell_of_rows(run: Run) -> None:
    """What became of the rows, where it is not simply all of them."""
    told, note = run.metrics, run.steward.note
    if told.get("replay_rows"):
        told["replay_from"] = run.files.replay_from
        new = told["rows"] - told["replay_rows"]
        note("replay", f"Mixed {told['replay_rows']:,} rows of {run.files.replay_from} into {new:,} new ones.")
    cut, dropped = told.get("truncated_rows", 0), told.get("dropped_rows", 0)
    if cut or dropped:
        note(
            "rows_cut",
            f"Of {told['rows']:,} rows {cut:,} lost their end to the limit of {told.get('max_length', 0):,} tokens, "
            f"and {dropped:,} are left out, as nothing is left to learn from.",
        )


def _bring_best(run: Run, resume_from: Path | None) -> None:
    """The best weights so far travel inside the checkpoint, or are the checkpoint itself."""
    if ranks.is_main():
        best = run.work_dir / BEST
        shutil.rmtree(best, ignore_errors=True)
        if resume_from is not None and run.steward.state.best_val_loss is not None:
            inside = resume_from / BEST
            only_weights = shutil.ignore_patterns("*.pt", "*.pth", "*.bin", "trainer_state.json", STATE_FILE)
            shutil.copytree(inside if inside.is_dir() else resume_from, best, ignore=only_weights)
    ranks.barrier()


def _forget(run: Run) -> None:
    import gc

    import torch

    run.steward.save_weights = lambda _: None
    run.model = run.train_set = run.dev_set = None
    gc.collect()
    torch.cuda.empty_cache()
