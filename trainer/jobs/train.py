"""The training job: lays out its files, runs the method, commits checkpoints, registers the model.

Where a launcher starts several processes for one job, each comes through here, and rank 0 alone writes.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

from trainer.bases import TINY, Base
from trainer.errors import BadInput, NotFound, TunesmithError
from trainer.jobs import disk, replay
from trainer.jobs.child import JobRun
from trainer.methods import ranks
from trainer.methods.spec import BESIDE, RunSpec
from trainer.providers import LOCAL, resolve_provider
from trainer.registry.models import add_model
from trainer.store import ids
from trainer.store.blobs import Blobs
from trainer.store.tables import Checkpoint
from trainer.types import JobStatus, TrainProgress, TrainResult


def run(run: JobRun) -> None:
    """Entry of the child process for jobs of kind `train`."""
    if resolve_provider(run.job.spec.get("provider", LOCAL)).hosted:
        from trainer.jobs import hosted

        hosted.run(run)
        return
    spec, base = read_spec(run)
    if ranks.is_main():
        ready_base(run, base)
    with disk.watched(run.folder):
        files, resume = ranks.agree((lay_out(run), latest_checkpoint(run)) if ranks.is_main() else ({}, None))
        result = _train(run, spec, base, files, resume)
        if ranks.is_main():
            register(run, spec, base, result)


def read_spec(run: JobRun) -> tuple[RunSpec, Base]:
    raw = run.job.spec
    spec = RunSpec(**{key: value for key, value in raw.items() if key not in BESIDE})
    return spec, Base(spec.base, raw["base_location"])


def ready_base(run: JobRun, base: Base) -> None:
    """Build the tiny base where it is the one; a folder that has vanished is named."""
    if base.name == TINY:
        from trainer.inference.tiny_base import ensure_tiny_base

        ensure_tiny_base(run.services.settings, progress=lambda p: tell(run, p))
    elif base.location.startswith("/") and base.folder is None:
        raise BadInput(
            f"The folder of base model {base.name} is gone.",
            fix="Put it back, or ask for the run again with another base.",
            code="base_vanished",
        )


def lay_out(run: JobRun, parts: tuple[str, ...] = ("train", "dev")) -> dict[str, Path]:
    """Copy parts of the dataset out of the blob store: name → file. Whoever judges asks for "test"; whoever learns
    never has it on disk."""
    split = run.services.datasets.get(run.job.dataset_id).split
    if not split:
        raise BadInput("The dataset is not split.", fix="Ask for the run again.", code="not_split")
    blobs = split["blobs"]
    return {name: run.services.blobs.get_file(blobs[name], run.folder / f"{name}.jsonl") for name in parts}


def latest_checkpoint(run: JobRun) -> Path | None:
    """Lay out the newest checkpoint that is whole; a damaged one is said and the one before it is used."""
    for checkpoint in run.services.jobs.checkpoints(run.job.id):
        try:
            folder = checkpoint_blobs(run).get_folder(checkpoint.manifest, run.folder / f"from-{checkpoint.step}")
        except (NotFound, TunesmithError) as error:
            text = f"Checkpoint {checkpoint.id} (step {checkpoint.step}) cannot be used: {error.what}"
            note(run, "checkpoint_damaged", text)
            continue
        note(run, "resumed", f"Resumed from step {checkpoint.step}.")
        return folder
    return None


def _train(run: JobRun, spec: RunSpec, base: Base, files: dict[str, Path], resume: Path | None) -> TrainResult:
    from trainer.methods.run import Files, train

    dataset = run.services.datasets.get(run.job.dataset_id)
    card = {
        "job_id": run.job.id,
        "dataset": {"id": dataset.id, "sha256": dataset.sha256, "fingerprint": dataset.fingerprint},
        "base_name": base.name,
    }
    return train(
        spec,
        base=base.location,
        files=Files(files["train"], files["dev"], *replayed(run, spec, base)),
        work_dir=run.folder / "run",
        on_progress=lambda progress: tell(run, progress),
        on_note=lambda code, text: note(run, code, text),
        on_checkpoint=lambda folder, step, metrics: keep_checkpoint(run, spec, folder, step, metrics),
        should_stop=run.should_stop,
        resume_from=resume,
        card=card,
    )


def replayed(run: JobRun, spec: RunSpec, base: Base) -> tuple[Path | None, str]:
    """The rows to mix in, and whose they are."""
    if spec.replay_dataset is None or not spec.replay:
        return (base.carried("replay.jsonl") if spec.replay else None), "the base's old tasks"
    return replay.lay_out(run, spec.replay_dataset)


def tell(run: JobRun, progress: TrainProgress) -> None:
    run.event("progress", progress.to_dict())


def note(run: JobRun, code: str, text: str) -> None:
    run.event("note", {"text": text, "code": code})


def keep_checkpoint(run: JobRun, spec: RunSpec, folder: Path, step: int, metrics: dict[str, Any]) -> None:
    """Store the files, then commit the manifest: only that makes the checkpoint exist. Then drop old ones."""
    manifest = checkpoint_blobs(run).put_folder(folder)
    run.lease.checkpoint(step, manifest, metrics)
    drop_checkpoints(run, run.services.jobs.checkpoints(run.job.id)[spec.checkpoints_kept :])


def drop_checkpoints(run: JobRun, old: list[Checkpoint]) -> None:
    """Forget old checkpoints, then the blobs that no remaining one shares."""
    if not old:
        return
    gone = {c.id for c in old}
    with run.lease.fenced() as session:
        for checkpoint in old:
            session.delete(session.merge(checkpoint))
    kept = {sha for c in run.services.jobs.checkpoints(run.job.id) if c.id not in gone for sha in shas(c.manifest)}
    for sha in {sha for c in old for sha in shas(c.manifest)} - kept:
        checkpoint_blobs(run).delete(sha)


def checkpoint_blobs(run: JobRun) -> Blobs:
    """A job's checkpoints have a store of their own, so that dropping one never takes another's files."""
    return run.services.blobs.within(f"checkpoints/{run.job.id}")


def shas(manifest: dict[str, Any]) -> set[str]:
    return {entry["sha256"] for entry in manifest["files"].values()}


def register(run: JobRun, spec: RunSpec, base: Base, result: TrainResult) -> None:
    """Store the artifact, then end the job and register its model in one transaction."""
    folder = Path(result.artifact_dir)
    manifest = run.services.blobs.put_folder(folder)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    model_id = ids.model_id(base.name, run.job.team, spec.suffix)
    outcome = {
        "model_id": model_id,
        "steps": result.steps,
        "train_loss": result.train_loss,
        "val_loss": result.val_loss,
        "stopped_early": result.stopped_early,
        "notes": result.metrics.get("notes", {}),
        "seconds": round(time.time() - (run.job.started_at or time.time()), 1),
        "metrics": {k: v for k, v in result.metrics.items() if isinstance(v, str | int | float | bool)},
        "curve": result.metrics.get("curve", []),
    }
    with run.lease.fenced() as session:
        add_model(
            session,
            run.job,
            model_id=model_id,
            base=base.name,
            base_location=base.location,
            method=spec.method,
            is_adapter=result.is_adapter,
            manifest=manifest,
            card=card,
        )
        run.lease.finish(
            session,
            JobStatus.SUCCEEDED,
            result=outcome,
            model_id=model_id,
            trained_tokens=result.trained_tokens,
        )
    shutil.rmtree(folder, ignore_errors=True)
