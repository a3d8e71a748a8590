"""A run up to its first step, and no further: all checks, what a real step takes, and the mask of three rows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.errors import TunesmithError
from trainer.inference import chat
from trainer.methods.preflight import mask, proving, sample, trial
from trainer.methods.preflight.verdict import Check, of_error

if TYPE_CHECKING:
    from trainer.methods.run import Files, Run
    from trainer.methods.spec import RunSpec

TIMED_S = 20.0  # for the measured steps
STEPS = 3  # measured ones; the first of a process is slower and is not counted


@dataclass(slots=True)
class Rehearsal:
    """`measured` is {"seconds_per_step", "steps", "tokens_per_s", "peak_memory_bytes"}, or {} where nothing was."""

    checks: list[Check] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)
    masks: list[mask.Masked] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)  # of the run's metrics, what people want to know

    @property
    def ok(self) -> bool:
        return all(check.ok is not False for check in self.checks)


def rehearse(
    spec: RunSpec, *, base: str, files: Files, work_dir: Path, tell: Callable[[str], None] = lambda stage: None
) -> Rehearsal:
    """Everything that `trainer.methods.run.train` does before its first step. What a person can mend is a failed
    check; anything else is raised."""
    from trainer.inference.extra import quiet_libraries, train_extra
    from trainer.methods.run import make_trainer, prepare

    with train_extra("A preflight"):
        import trl  # noqa: F401
    quiet_libraries()
    work_dir.mkdir(parents=True, exist_ok=True)
    found = Rehearsal()
    run = set_up(spec, base, files, work_dir, tell)
    tell("loading")
    try:
        prepare(run)
    except TunesmithError as error:
        found.checks = [of_error(error.code, str(error))]
        found.masks = _masks_alone(run)
        return found
    trainer = make_trainer(run)
    found.masks = _masks(run, trainer)
    tell("preflight")
    found.checks = [Check(**one) for one in run.metrics.get("preflight", [])] + proving.attempt(run, trainer)
    tell("measuring")
    found.measured = measure(run, trainer)
    found.told = {name: value for name, value in run.metrics.items() if isinstance(value, str | int | float | bool)}
    return found


def set_up(spec: RunSpec, base: str, files: Files, work_dir: Path, tell: Callable[[str], None]) -> Run:
    from trainer.methods.run import gather
    from trainer.methods.state import RunState
    from trainer.methods.steward import Steward

    steward = Steward(
        spec,
        work_dir,
        RunState(),
        on_progress=lambda progress: tell(progress.stage),
        on_checkpoint=lambda *_: None,
        should_stop=lambda: None,
    )
    return gather(spec, base, files, work_dir, steward)


def measure(run: Run, trainer: Any) -> dict[str, Any]:
    """What a step of the run's own batch takes: some are made, timed and put back. {} where it does not fit."""
    import torch

    from trainer.methods.steward import peak_memory

    rows = [trainer.train_dataset[at] for at in range(min(run.batch_size, len(trainer.train_dataset)))]
    if not rows or trainer.args.world_size > 1:
        return {}
    times: list[float] = []
    began = time.monotonic()
    with trial.put_back(trainer, run.steward.state):
        if run.save_memory:
            trainer.model.gradient_checkpointing_enable()
        try:
            while len(times) <= STEPS and time.monotonic() - began < TIMED_S:
                trainer.model.zero_grad(set_to_none=True)
                clock = time.monotonic()
                trial.backward(trainer, [rows])
                if torch.cuda.is_available():
                    torch.cuda.synchronize()
                times.append(time.monotonic() - clock)
            peak = peak_memory()
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            return {}
    seconds = min(times[1:] or times) * run.accumulation
    tokens = sum(len(row.get("input_ids") or ()) for row in rows) * run.accumulation
    return {
        "seconds_per_step": round(seconds, 4),
        "steps": run.steward.total_steps,
        "tokens_per_s": round(tokens / seconds, 1) if tokens else None,
        "peak_memory_bytes": peak,
        "sequences": len(trainer.train_dataset),
        "epochs": math.ceil(run.spec.epochs),
    }


def _masks(run: Run, trainer: Any) -> list[mask.Masked]:
    if run.tokenizer is None:
        return []
    ends = chat.end_of_turn_ids(run.tokenizer, run.model) if run.tokenizer.chat_template else []
    return mask.masks(run.tokenizer, sample.singles(trainer.train_dataset), ends)


def _masks_alone(run: Run) -> list[mask.Masked]:
    """Of rows that were refused: as far as they can be encoded at all, so that people see what is wrong."""
    from trainer.methods.rows import encode_row, read_rows

    try:
        ends = chat.end_of_turn_ids(run.tokenizer, run.model)
        rows = [encode_row(run.tokenizer, row) for row in read_rows(run.files.train)[: mask.ROWS]]
        return [mask.mask(run.tokenizer, row.ids, row.labels, ends) for row in rows]
    except Exception:  # the reason is told already; a picture is a help, not a verdict
        return []
