"""Models that came out of jobs, and what evaluations said of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from trainer.errors import NotFound
from trainer.store.database import Database
from trainer.store.ids import new_id
from trainer.store.tables import Evaluation, Job, Model, now


def add_model(session: Session, job: Job, *, model_id: str, **columns: Any) -> Model:
    """Register what a training job made, within the transaction that ends the job."""
    at = session.scalar(select(now()))
    row = Model(id=model_id, job_id=job.id, dataset_id=job.dataset_id, owner=job.owner, created_at=at, **columns)
    session.add(row)
    return row


def add_evaluation(session: Session, job: Job, *, verdict: str, report: dict[str, Any]) -> Evaluation:
    row = Evaluation(
        id=new_id("eval-"),
        job_id=job.id,
        model_id=job.model_id,
        dataset_id=job.dataset_id,
        verdict=verdict,
        report=report,
        created_at=session.scalar(select(now())),
    )
    session.add(row)
    return row


class Models:
    def __init__(self, db: Database) -> None:
        self.db = db

    def find(self, model_id: str) -> Model | None:
        with self.db.read() as session:
            return session.get(Model, model_id)

    def get(self, model_id: str) -> Model:
        model = self.find(model_id)
        if model is None:
            raise NotFound(
                f"There is no model “{model_id[:80]}”.",
                fix="Run `tunesmith models`, or ask for “models”, to see those there are.",
                code="unknown_model",
                param="model",
            )
        return model

    def list(self, limit: int = 50) -> list[Model]:
        with self.db.read() as session:
            return list(session.scalars(select(Model).order_by(Model.created_at.desc(), Model.id).limit(limit)))

    def evaluations(self, model_id: str) -> list[Evaluation]:
        """Newest first."""
        query = select(Evaluation).where(Evaluation.model_id == model_id)
        with self.db.read() as session:
            return list(session.scalars(query.order_by(Evaluation.created_at.desc())))

    def answer_blobs(self, dataset_id: str) -> list[str]:
        """The blobs with every answer of this dataset's evaluations."""
        sha256 = Evaluation.report["rows_sha256"].as_string()
        with self.db.read() as session:
            return [sha for sha in session.scalars(select(sha256).where(Evaluation.dataset_id == dataset_id)) if sha]

    def evaluation(self, evaluation_id: str) -> Evaluation:
        with self.db.read() as session:
            row = session.get(Evaluation, evaluation_id)
        if row is None:
            fix = "Name its model instead: that gives its newest evaluation."
            raise NotFound(f"There is no evaluation “{evaluation_id[:60]}”.", fix=fix, code="unknown_evaluation")
        return row
