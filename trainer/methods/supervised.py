"""Supervised fine-tuning: one run of TRL's SFTTrainer, from checked rows to an artifact folder."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.errors import BadInput, TunesmithError
from trainer.inference.chat import load_tokenizer
from trainer.inference.extra import quiet_libraries, train_extra
from trainer.methods import card as cards
from trainer.methods import packing, preflight, resolve
from trainer.methods.method import Method, Stopped
from trainer.methods.rows import EncodedRows, encode, read_rows, with_replay
from trainer.methods.spec import RunSpec
from trainer.methods.steward import BEST, STATE_FILE, OnCheckpoint, OnProgress, RunState, ShouldStop, Steward
from trainer.types import TrainProgress, TrainResult

__all__ = ["Stopped", "train"]

LONGEST_DEFAULT = 2048


@dataclass(slots=True)
class Run:
    """What one run is made of, gathered stage by stage."""

    spec: RunSpec
    base: str
    work_dir: Path
    method: Method
    steward: Steward
    tokenizer: Any = None
    model: Any = None
    train_set: Any = None
    dev_set: Any = None
    packed: bool = False
    batch_size: int = 1
    accumulation: int = 1
    save_memory: bool = False
    metrics: dict[str, Any] = field(default_factory=dict)


def train(
    spec: RunSpec,
    *,
    base: str,
    train_file: Path,
    dev_file: Path | None,
    replay_file: Path | None,
    work_dir: Path,
    on_progress: OnProgress,
    on_checkpoint: OnCheckpoint,
    should_stop: ShouldStop,
    resume_from: Path | None = None,
    card: dict[str, Any] | None = None,
) -> TrainResult:
    """Train as `spec` says and leave the artifact in `work_dir/artifact`.

    Rows are OpenAI chat, already checked. `on_checkpoint(folder, step, metrics)` is called when a
    checkpoint folder is whole. `should_stop()` is asked after every step: "cancel" and "pause" end in
    `Stopped` ("pause" after a checkpoint). `resume_from` is a checkpoint folder of the same spec and files:
    the run goes on as if it had never ended. Out of accelerator memory is answered once, with half the
    batch, twice the accumulation and recomputed activations.
    """
    with train_extra("Training"):
        import torch
        import trl  # noqa: F401  (missing is told before anything is loaded)
    quiet_libraries()
    work_dir.mkdir(parents=True, exist_ok=True)
    hooks = {"on_progress": on_progress, "on_checkpoint": on_checkpoint, "should_stop": should_stop}
    for retry in (False, True):
        state = RunState.read(resume_from) if resume_from else RunState()
        run = Run(spec, base, work_dir, resolve(spec.method), Steward(spec, work_dir, state, **hooks))
        _size_batches(run, retry)
        try:
            return _one_run(run, train_file, dev_file, replay_file, resume_from, card or {})
        except torch.cuda.OutOfMemoryError as error:
            if retry or spec.batch_size == 1:
                raise _out_of_memory(spec) from error
            on_progress(TrainProgress("loading", note="Out of GPU memory: trying again with half the batch."))
        _forget(run)
    raise AssertionError("unreachable")


def _one_run(
    run: Run,
    train_file: Path,
    dev_file: Path | None,
    replay_file: Path | None,
    resume_from: Path | None,
    card: dict[str, Any],
) -> TrainResult:
    from transformers import set_seed

    started = time.monotonic()
    run.steward.tell("loading")
    set_seed(run.spec.seed)
    run.tokenizer = load_tokenizer(run.base)
    run.model = run.method.load(run.base)
    run.steward.tell("preflight")
    _prepare_rows(run, train_file, dev_file, replay_file)
    set_seed(run.spec.seed)  # adapters start from the seed alone, whatever loading drew
    parameters = sum(p.numel() for p in run.model.parameters())
    run.model = run.method.wrap(run.model, run.spec)
    run.metrics["learning_rate"] = run.spec.learning_rate or run.method.learning_rate(parameters)
    run.metrics["trainable_parameters"] = sum(p.numel() for p in run.model.parameters() if p.requires_grad)
    run.steward.save_weights = run.model.save_pretrained
    _bring_best(run, resume_from)
    trainer = _trainer(run)
    if run.dev_set is not None and resume_from is None:
        trainer.evaluate()
    trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    run.steward.tell("saving", trainer.state.global_step)
    return _artifact(run, trainer, time.monotonic() - started, card)


def _size_batches(run: Run, retry: bool) -> None:
    spec = run.spec
    run.save_memory = retry
    run.batch_size = max(1, spec.batch_size // 2) if retry else spec.batch_size
    run.accumulation = math.ceil(spec.batch_size / run.batch_size) * spec.gradient_accumulation


def _prepare_rows(run: Run, train_file: Path, dev_file: Path | None, replay_file: Path | None) -> None:
    spec = run.spec
    limit = spec.max_length or longest(run.tokenizer, run.model)
    rows, replayed = with_replay(read_rows(train_file), replay_file, spec.replay, spec.seed)
    encoded = encode(run.tokenizer, rows, limit)
    run.metrics |= {**encoded.counts.to_dict(), "replay_rows": replayed, "max_length": limit}
    run.metrics |= preflight.check(run.tokenizer, encoded, run.model)
    run.packed = spec.packing and preflight.packing_isolates(run.model, encoded)
    run.metrics["packing"] = run.packed
    run.train_set = packing.dataset(encoded.rows, limit, pack=run.packed)
    run.metrics["sequences"] = len(run.train_set)
    dev = encode(run.tokenizer, read_rows(dev_file), limit) if dev_file else EncodedRows()
    run.metrics["dev_rows"] = len(dev.rows)
    run.metrics["dev_dropped_rows"] = dev.counts.dropped_rows
    if dev.rows:
        run.dev_set = packing.dataset(dev.rows, limit, pack=run.packed)
    per_epoch = math.ceil(math.ceil(len(run.train_set) / run.batch_size) / run.accumulation)
    run.steward.total_steps = math.ceil(spec.epochs * per_epoch)


def longest(tokenizer: Any, model: Any) -> int:
    """The base's own context, 2048 tokens at most."""
    told = [tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None)]
    return min(LONGEST_DEFAULT, *(int(n) for n in told if n and n > 0))


def _bring_best(run: Run, resume_from: Path | None) -> None:
    """The best weights so far travel inside the checkpoint, or are the checkpoint itself."""
    best = run.work_dir / BEST
    shutil.rmtree(best, ignore_errors=True)
    if resume_from is None or run.steward.state.best_val_loss is None:
        return
    inside = resume_from / BEST
    only_weights = shutil.ignore_patterns("*.pt", "*.pth", "*.bin", "trainer_state.json", STATE_FILE)
    shutil.copytree(inside if inside.is_dir() else resume_from, best, ignore=only_weights)


def _trainer(run: Run) -> Any:
    import torch
    from transformers import PrinterCallback
    from trl.trainer.sft_config import SFTConfig

    from trainer.methods.hooks import callback, trainer_class

    spec, cuda = run.spec, torch.cuda.is_available()
    config = SFTConfig(
        output_dir=str(run.work_dir),
        num_train_epochs=spec.epochs,
        per_device_train_batch_size=run.batch_size,
        per_device_eval_batch_size=run.batch_size,
        gradient_accumulation_steps=run.accumulation,
        learning_rate=run.metrics["learning_rate"],
        lr_scheduler_type=spec.scheduler if spec.scheduler != "constant" else "constant_with_warmup",
        warmup_steps=round(spec.warmup_ratio * run.steward.total_steps),
        max_grad_norm=spec.max_grad_norm,
        weight_decay=spec.weight_decay,
        seed=spec.seed,
        data_seed=spec.seed,
        use_cpu=not cuda,
        bf16=cuda and torch.cuda.is_bf16_supported(),
        fp16=False,
        gradient_checkpointing=run.save_memory,
        eval_strategy="steps" if run.dev_set is not None else "no",
        eval_steps=max(1, round(run.steward.total_steps / spec.evals_per_run)),
        save_strategy="no",  # the steward asks for checkpoints by the clock
        save_total_limit=spec.checkpoints_kept,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=cuda,
        max_length=run.metrics["max_length"],
        packing=False,  # packed by us already, so that batches keep their rows (see packing.Collator)
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    trainer = trainer_class()(
        model=run.model,
        args=config,
        train_dataset=run.train_set,
        eval_dataset=run.dev_set,
        processing_class=run.tokenizer,
        data_collator=packing.Collator(run.tokenizer.pad_token_id, packed=run.packed),
        callbacks=[callback(run.steward)],
    )
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


def _artifact(run: Run, trainer: Any, seconds: float, card: dict[str, Any]) -> TrainResult:
    state, spec = run.steward.state, run.spec
    steps = int(trainer.state.global_step)
    best = run.work_dir / BEST
    if best.is_dir() and state.best_step != steps:
        run.method.restore(run.model, best)
    val_loss = state.best_val_loss
    run.metrics |= {
        "steps": steps,
        "best_step": state.best_step or steps,
        "trained_tokens": state.trained_tokens,
        "train_loss": state.last_loss,
        "first_val_loss": state.first_val_loss,
        "best_val_loss": val_loss,
        "curve": state.curve,
        "stopped_early": state.stopped_early,
        "batch_size": run.batch_size,
        "gradient_accumulation": run.accumulation,
        "seconds_this_attempt": round(seconds, 1),
    }
    folder = run.work_dir / "artifact"
    draft = run.work_dir / "artifact.draft"
    shutil.rmtree(draft, ignore_errors=True)
    run.model.save_pretrained(draft)
    run.tokenizer.save_pretrained(draft)
    cards.write(draft, spec, base=run.base, metrics=run.metrics, extra=card)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return TrainResult(
        artifact_dir=str(folder),
        is_adapter=run.method.is_adapter,
        steps=steps,
        trained_tokens=state.trained_tokens,
        train_loss=state.last_loss,
        val_loss=val_loss,
        stopped_early=state.stopped_early,
        metrics=run.metrics,
    )


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
