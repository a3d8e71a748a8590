"""What --json prints of each record: stable names, times in whole epoch seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from trainer.evals.votes import People
from trainer.methods.spec import BESIDE
from trainer.registry.approvals import signers
from trainer.store.tables import Alias, AliasRevision, Approval, Evaluation, Job, Model

OBJECT = {
    "train": "fine_tuning.job",
    "eval": "tunesmith.evaluation_job",
    "augment": "tunesmith.augmentation_job",
    "preflight": "tunesmith.preflight_job",
    "sweep": "tunesmith.sweep_job",
}


def job(job: Job) -> dict[str, Any]:
    """A job in OpenAI's words, and ours."""
    return {
        "id": job.id,
        "object": OBJECT[job.kind],
        "status": job.status,
        "model": job.spec.get("base"),
        "fine_tuned_model": job.model_id,
        "training_file": job.dataset_id,
        "trained_tokens": job.trained_tokens or None,
        "created_at": int(job.created_at),
        "finished_at": int(job.finished_at) if job.finished_at else None,
        "hyperparameters": {k: v for k, v in job.spec.items() if k not in ("base", *BESIDE)},
        "gate": job.spec.get("registered"),
        "attempts": job.attempts,
        "error": job.error,
        "result": job.result,
    }


def evaluation(row: Evaluation) -> dict[str, Any]:
    return {
        "evaluation_id": row.id,
        "model_id": row.model_id,
        "verdict": row.verdict,
        "report": row.report,
    }


def votes(found: People | None) -> dict[str, Any] | None:
    """What people said of an evaluation; None where nobody was asked."""
    return msgspec.to_builtins(found) if found else None


def model(model: Model, evaluations: list[Any]) -> dict[str, Any]:
    newest = evaluations[0] if evaluations else None
    return {
        "id": model.id,
        "base": model.base,
        "method": model.method,
        "job": model.job_id,
        "dataset": model.dataset_id,
        "created_at": int(model.created_at),
        "verdict": newest.verdict if newest else None,
        "evaluation": newest.id if newest else None,
    }


def alias(alias: Alias) -> dict[str, Any]:
    return {"name": alias.name, "model": alias.model_id, "revision": alias.revision, "by": alias.updated_by}


def revision(row: AliasRevision) -> dict[str, Any]:
    return {"revision": row.revision, "model": row.model_id, "approval": row.approval_id}


def override(row: Approval) -> dict[str, Any]:
    return {
        "request": row.id,
        "verdict": row.subject["verdict"],
        "reason": row.subject["reason"],
        "signed_by": signers(row),
    }


def request(row: Approval) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "status": row.status,
        "requested_by": row.requested_by,
        "decided_by": row.decided_by,
        "signed_by": signers(row),
        "expires_at": int(row.expires_at),
        "subject": row.subject,
    }
