"""Datasets on record: what was uploaded, what the check said, how it was split."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update

from trainer.errors import NotFound
from trainer.store.database import Database
from trainer.store.ids import new_id
from trainer.store.tables import Dataset, now
from trainer.types import CheckReport, Finding, Severity, Verdict


class Datasets:
    def __init__(self, db: Database) -> None:
        self.db = db

    def add(self, report: CheckReport, *, filename: str, blob: str, report_blob: str, owner: str, team: str) -> Dataset:
        with self.db.write() as session:
            row = Dataset(
                id=new_id("file-"),
                filename=filename[:255],
                sha256=blob,
                bytes=report.bytes,
                rows=report.rows,
                accepted=report.accepted,
                verdict=report.verdict.value,
                fingerprint=report.fingerprint,
                report_sha256=report_blob,
                split=None,
                owner=owner,
                team=team,
                created_at=session.scalar(select(now())),
            )
            session.add(row)
        return row

    def get(self, dataset_id: str) -> Dataset:
        with self.db.read() as session:
            row = session.get(Dataset, dataset_id)
        if row is None:
            raise NotFound(
                f"There is no dataset “{dataset_id[:60]}”.",
                fix="Drop the JSONL file into the channel (or run: tunesmith train FILE) to get an id.",
                code="unknown_dataset",
                param="dataset",
            )
        return row

    def list(self, limit: int = 50) -> list[Dataset]:
        with self.db.read() as session:
            query = select(Dataset).order_by(Dataset.created_at.desc(), Dataset.id).limit(limit)
            return list(session.scalars(query))

    def set_split(self, dataset_id: str, split: dict[str, Any]) -> None:
        with self.db.write() as session:
            session.execute(update(Dataset).where(Dataset.id == dataset_id).values(split=split))


def report_to_bytes(report: CheckReport) -> bytes:
    return json.dumps(report.to_dict(), ensure_ascii=False, sort_keys=True).encode()


def report_from_bytes(data: bytes) -> CheckReport:
    raw = json.loads(data)
    findings = tuple(Finding(**{**f, "severity": Severity(f["severity"])}) for f in raw.pop("findings"))
    report = CheckReport(**raw, findings=findings)
    return replace(report, verdict=Verdict(report.verdict))
