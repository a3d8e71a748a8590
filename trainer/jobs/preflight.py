"""The preflight job: everything a training run does before its first step, then its findings. It makes no model.

A preflight goes with a request that people are deciding about. Once they have decided it is called off, and leaves
within a second or two, whatever it is doing: nothing of it is worth a checkpoint.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.bases import Base, resolve_base
from trainer.errors import LostLease, TunesmithError
from trainer.jobs.child import EX_TEMPFAIL, JobRun
from trainer.jobs.train import lay_out, ready_base, replayed, tell
from trainer.methods.estimate import Estimate, estimate
from trainer.methods.hardware import base_config, gpu_of_this_machine
from trainer.methods.preflight import fit, mask, picture
from trainer.methods.preflight.rehearsal import Rehearsal, rehearse
from trainer.methods.preflight.verdict import Check
from trainer.methods.spec import RunSpec
from trainer.types import JobStatus, TrainProgress

ASK_EVERY_S = 1.0


def run(run: JobRun) -> None:
    """Entry of the child process for jobs of kind `preflight`."""
    over = _leaves_when_asked(run)
    try:
        spec, base, tokens = read_spec(run)
        ready_base(run, base)
        files = lay_out(run)
        memory, made = check_memory(run, spec, base, tokens)
        found = _rehearsed(run, spec, base, files)
        found.checks.insert(0, after_a_step(memory, found.measured))
    finally:
        over.set()
    result = report(run, found, made)
    with run.lease.fenced() as session:
        run.lease.finish(session, JobStatus.SUCCEEDED, result=result)
    shutil.rmtree(run.folder, ignore_errors=True)


def read_spec(run: JobRun) -> tuple[RunSpec, Base, int]:
    """What is to be trained, on what, and how many tokens an epoch's new rows have."""
    raw = dict(run.job.spec)
    location, tokens = raw.pop("base_location"), raw.pop("tokens")
    spec = RunSpec(**raw)
    return spec, Base(spec.base, location), tokens


def check_memory(run: JobRun, spec: RunSpec, base: Base, tokens: int) -> tuple[Check, Estimate]:
    """The estimate against the device at hand, with what to change where it does not fit."""
    settings, gpu = run.services.settings, gpu_of_this_machine()
    rows = (run.services.datasets.get(run.job.dataset_id).split or {})["counts"]["train"]

    def again(wanted: RunSpec) -> Estimate:
        known = base if wanted.base == spec.base else resolve_base(wanted.base, settings)
        return estimate(
            wanted,
            rows=rows,
            tokens=tokens,
            base_config=base_config(known),
            gpu=gpu,
            gpu_hour_usd=settings.gpu_hour_usd,
        )

    return fit.judged(spec, again(spec), gpu, again=again, settings=settings)


def after_a_step(memory: Check, measured: dict[str, Any]) -> Check:
    """An estimate is no proof: where a real step ran, a refusal by the estimate alone is left open."""
    if memory.ok is not False or not measured:
        return memory
    words = f"{memory.words} A real step ran all the same, so it may fit. {memory.fix}"
    return Check("memory", None, words)


def _rehearsed(run: JobRun, spec: RunSpec, base: Base, files: dict[str, Path]) -> Rehearsal:
    from trainer.methods.run import Files

    return rehearse(
        spec,
        base=base.location,
        files=Files(files["train"], files["dev"], *replayed(run, spec, base)),
        work_dir=run.folder / "run",
        tell=lambda stage: tell(run, TrainProgress(stage)),
    )


def report(run: JobRun, found: Rehearsal, made: Estimate) -> dict[str, Any]:
    """The job's result; the picture of the mask goes to the blob store."""
    measured = dict(found.measured)
    if measured:
        better = fit.revised(
            replace(made, steps=measured["steps"]),
            seconds_per_step=measured["seconds_per_step"],
            on_gpu=gpu_of_this_machine() is not None,
            gpu_hour_usd=run.services.settings.gpu_hour_usd,
        )
        measured |= {"seconds": better.seconds, "cost_usd": better.cost_usd}
    shown: dict[str, Any] = {"rows": [row.to_dict() for row in found.masks]}
    if found.masks:
        shown |= {"sha256": run.services.blobs.put_bytes(picture.draw(found.masks)), "alt": mask.in_words(found.masks)}
    return {
        "ok": found.ok,
        "checks": [check.to_dict() for check in found.checks],
        "measured": measured,
        "estimated": {"seconds": made.seconds, "cost_usd": made.cost_usd, "memory_bytes": made.memory_bytes},
        "mask": shown,
        "seconds": round(time.time() - (run.job.started_at or time.time()), 1),
    }


def _leaves_when_asked(run: JobRun) -> threading.Event:
    """Watch from a thread, as imports and loading ask nobody. Set the event to end the watch."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(ASK_EVERY_S):
            try:
                asked = run.should_stop()
                if asked == "cancel":
                    with run.lease.fenced() as session:
                        run.lease.finish(session, JobStatus.CANCELLED)
            except LostLease:
                asked = "lost"
            except TunesmithError:  # the database is away for a moment
                continue
            if asked and not over.is_set():
                shutil.rmtree(run.folder, ignore_errors=True)
                code = EX_TEMPFAIL if asked == "pause" else 0
                run.control.write_code(code)
                os._exit(code)

    threading.Thread(target=watch, name="preflight-watch", daemon=True).start()
    return over
