"""The sweep's job: trial after trial on the train part, judged on the dev part. Test rows are never laid out. An event
makes a trial exist, so that an interrupted sweep repeats the trial it was in, and no other."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.bases import Base
from trainer.errors import BadInput, LostLease, TunesmithError
from trainer.jobs.child import JobRun
from trainer.jobs.train import lay_out, ready_base, replayed, tell
from trainer.methods.spec import RunSpec
from trainer.methods.sweep import SweepSpec, Trial, best_of, search
from trainer.types import JobStatus, TrainProgress, TrainResult

TRIAL = "trial"  # type of the events that make trials exist
STOPS = ("loss_not_finite", "diverged", "out_of_memory")  # of a trial, and not of the sweep
NEVER_S = 1e9


def run(run: JobRun) -> None:
    """Entry of the child process for jobs of kind `sweep`."""
    raw = dict(run.job.spec)
    location = raw.pop("base_location")
    sweep = SweepSpec(**raw)
    base = Base(sweep.run.base, location)
    ready_base(run, base)
    _can_be_judged(run)
    parts = lay_out(run)
    done = earlier(run)
    if done:
        run.event("note", {"text": f"Resumed after {len(done)} of {sweep.trials} trials.", "code": "resumed"})

    proved: set[str] = set()  # methods

    def attempt(number: int, spec: RunSpec) -> Trial:
        made = _trial(run, sweep, base, parts, number, spec, prove=spec.method not in proved)
        proved.update([spec.method] if made.val_loss is not None else [])
        return made

    for trial in search(sweep, done, attempt):
        run.event(TRIAL, trial.model_dump(mode="json"))
        done.append(trial)
    _finish(run, sweep, done)


def _can_be_judged(run: JobRun) -> None:
    split = run.services.datasets.get(run.job.dataset_id).split
    if not split or not split["counts"]["dev"]:
        raise BadInput(
            "The dataset has no validation rows to judge trials by.",
            fix="Drop it again with more rows, or split it with a larger dev part.",
            code="no_dev_rows",
        )


def earlier(run: JobRun) -> list[Trial]:
    """Trials of earlier attempts, in order."""
    found: list[Trial] = []
    seen = 0
    while events := run.services.jobs.events(run.job.id, after=seen):
        seen = events[-1].seq
        found += [Trial(**event.data) for event in events if event.type == TRIAL]
    return found


def _trial(
    run: JobRun, sweep: SweepSpec, base: Base, parts: dict[str, Path], number: int, spec: RunSpec, *, prove: bool
) -> Trial:
    from trainer.methods.run import Files, train

    folder, began = run.folder / f"trial-{number}", time.monotonic()
    values = {axis.name: getattr(spec, axis.name) for axis in sweep.axes}
    said = f"trial {number} of {sweep.trials}: {words(values)}"
    try:
        result = train(
            spec.model_copy(update={"save_every_s": NEVER_S, "save_every_steps": None, "save_every_epoch": False}),
            base=base.location,
            files=Files(parts["train"], parts["dev"], *replayed(run, spec, base)),
            work_dir=folder,
            on_progress=lambda progress: tell(run, _of_the_whole(progress, number, sweep.trials, said)),
            on_checkpoint=lambda *_: None,
            should_stop=run.should_stop,
            prove=prove,
        )
    except LostLease:
        raise
    except TunesmithError as error:
        if not _of_the_trial_alone(error, sweep):
            raise
        return Trial(values=values, val_loss=None, note=error.what, seconds=time.monotonic() - began)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Trial(
        values=values,
        val_loss=result.val_loss,
        note="no validation row could be read" if result.val_loss is None else _ended(result),
        steps=result.steps,
        trained_tokens=result.trained_tokens,
        seconds=round(time.monotonic() - began, 1),
    )


def _of_the_trial_alone(error: TunesmithError, sweep: SweepSpec) -> bool:
    """Whether another trial may fare better: other values, or another method where methods are compared."""
    compared = any(axis.name == "method" for axis in sweep.axes)
    return error.code in STOPS or (compared and error.code.startswith("preflight_"))


def _ended(result: TrainResult) -> str:
    return "stopped early" if result.stopped_early else ""


def words(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )


def _of_the_whole(progress: TrainProgress, number: int, trials: int, said: str) -> TrainProgress:
    """A trial's progress as a share of all, in thousandths; what is left counts the trials to come as this one."""
    share = progress.step / progress.total_steps if progress.total_steps else 0.0
    whole = round(1000 * (number - 1 + share) / trials)
    left = progress.eta_s
    if left is not None and share > 0:
        left += (trials - number) * left / max(1 - share, 1e-3) if share < 1 else 0.0
    note = f"{said}; {progress.note}" if progress.note else said
    return replace(progress, step=whole, total_steps=1000, eta_s=left, note=note)


def _finish(run: JobRun, sweep: SweepSpec, trials: list[Trial]) -> None:
    best = best_of(trials)
    result = {
        "best": best.values,
        "val_loss": best.val_loss,
        "trials": [trial.model_dump(mode="json") for trial in trials],
        "axes": [str(axis) for axis in sweep.axes],
        "spec": sweep.spec(best.values).model_dump(mode="json"),
        "seconds": round(time.time() - (run.job.started_at or time.time()), 1),
    }
    tokens = sum(trial.trained_tokens for trial in trials)
    with run.lease.fenced() as session:
        run.lease.finish(session, JobStatus.SUCCEEDED, result=result, trained_tokens=tokens)
