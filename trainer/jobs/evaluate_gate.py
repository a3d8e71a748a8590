"""Under which gate a model is evaluated: the one that was registered before it was trained, if any was."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, or_, select

from trainer.errors import BadInput, Conflict
from trainer.evals.gate import GateSpec
from trainer.evals.gate.spec import digest_of
from trainer.services import Services
from trainer.store.tables import Dataset, Evaluation, Job, Model


def of(services: Services, model: Model) -> tuple[GateSpec, dict[str, Any]]:
    """The gate, and when and by whom it was registered; where none was, the usual one and {}, which the report says."""
    trained = services.jobs.get(model.job_id)
    raw = trained.spec.get("gate")
    if not raw:
        return GateSpec(), {}
    try:
        gate = GateSpec.model_validate(raw)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadInput(
            f"The gate that {model.id} was trained under cannot be read (at {where or 'its top'}).",
            fix="It was written by another version of Tunesmith: evaluate with that one, or train again.",
            code="gate_unreadable",
        ) from None
    registered = dict(trained.spec.get("registered") or {})
    if digest_of(raw) != registered.get("digest"):
        raise Conflict(
            f"The gate of {model.id} is not the one that was registered before training.",
            fix="Train again: a gate is chosen before, never after.",
            code="gate_altered",
        )
    return gate, registered


def looks(services: Services, job: Job) -> int:
    """How many candidates were judged on the sealed test part, this one included: each makes luck a little likelier."""
    sealed = Dataset.split["blobs"]["test"].as_string()
    with services.db.read() as session:
        mine = session.scalar(select(sealed).where(Dataset.id == job.dataset_id))
        same = Evaluation.dataset_id.in_(select(Dataset.id).where(sealed == mine))
        others = select(func.count(Evaluation.model_id.distinct())).where(Evaluation.model_id != job.model_id)
        return 1 + (session.scalar(others.where(or_(Evaluation.dataset_id == job.dataset_id, same))) or 0)
