"""Datasets on record: what came in, what the check said, what was made of it, how it was split."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trainer.data.log import Findings
from trainer.errors import NotFound
from trainer.store.database import Database
from trainer.store.ids import new_id
from trainer.store.tables import Dataset, now
from trainer.types import CheckReport, Finding, Severity, Verdict

KEPT_IN_REPORT = 1000  # findings in the report itself; the blob beside it holds every one


class Datasets:
    def __init__(self, db: Database) -> None:
        self.db = db

    def add(
        self,
        report: CheckReport,
        *,
        filename: str,
        blob: str,
        report_blob: str,
        owner: str,
        team: str,
        findings_blob: str | None = None,
        parent: Dataset | None = None,
        change: dict[str, Any] | None = None,
        source: str = "",
        license: str | None = None,
        retain_until: float | None = None,
        split: dict[str, Any] | None = None,
        session: Session | None = None,
    ) -> Dataset:
        """A new version, within the caller's transaction where `session` is given. What nobody says of a child,
        its parent says: source, licence and retention."""
        if parent is not None:
            source, license = source or parent.source, license or parent.license
            retain_until = parent.retain_until if retain_until is None else retain_until
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
            split=split,
            owner=owner,
            team=team,
            parent_id=parent.id if parent else None,
            version=parent.version + 1 if parent else 1,
            change=change or {"kind": "upload"},
            source=source[:255],
            license=license,
            format=report.format,
            kind=report.kind,
            retain_until=retain_until,
            findings_sha256=findings_blob,
        )
        with nullcontext(session) if session is not None else self.db.write() as session:
            row.created_at = session.scalar(select(now())) or 0.0
            session.add(row)
        return row

    def get(self, dataset_id: str) -> Dataset:
        with self.db.read() as session:
            row = session.get(Dataset, dataset_id)
        if row is None:
            raise NotFound(
                f"There is no dataset “{dataset_id[:60]}”.",
                fix="Drop the file into the channel (or run: tunesmith data keep FILE) to get an id.",
                code="unknown_dataset",
                param="dataset",
            )
        return row

    def list(self, limit: int | None = 50) -> list[Dataset]:
        """Newest first, without the deleted ones. `limit=None` lists all."""
        with self.db.read() as session:
            query = select(Dataset).where(Dataset.deleted_at.is_(None))
            query = query.order_by(Dataset.created_at.desc(), Dataset.id).limit(limit)
            return [*session.scalars(query)]

    def lineage(self, dataset_id: str) -> Lineage:
        """From the first upload down to this version, root first."""
        rows = [self.get(dataset_id)]
        while rows[-1].parent_id:
            rows.append(self.get(rows[-1].parent_id))
        return rows[::-1]

    def children(self, dataset_id: str) -> Lineage:
        """The versions made of this one, oldest first."""
        with self.db.read() as session:
            query = select(Dataset).where(Dataset.parent_id == dataset_id)
            return [*session.scalars(query.order_by(Dataset.created_at, Dataset.id))]

    def set_split(self, dataset_id: str, split: dict[str, Any]) -> None:
        self._set(dataset_id, None, split=split)

    def set_license(self, dataset_id: str, license: str | None, session: Session | None = None) -> None:
        self._set(dataset_id, session, license=license)

    def set_retention(self, dataset_id: str, until: float | None, session: Session | None = None) -> None:
        """`until` in seconds since the epoch; None keeps it for good."""
        self._set(dataset_id, session, retain_until=until)

    def mark_deleted(self, dataset_id: str, session: Session | None = None) -> None:
        self._set(dataset_id, session, deleted_at=now(), split=None)

    def _set(self, dataset_id: str, session: Session | None, **values: Any) -> None:
        """In the caller's transaction where there is one."""
        with nullcontext(session) if session else self.db.write() as writing:
            writing.execute(update(Dataset).where(Dataset.id == dataset_id).values(**values))


Lineage = list[Dataset]


def report_to_bytes(report: CheckReport) -> bytes:
    """The report with its first findings; all of them are kept in a file beside it."""
    told = replace(report, findings=report.findings[:KEPT_IN_REPORT]).to_dict()
    return json.dumps(told | {"all_findings": len(report.findings)}, ensure_ascii=False, sort_keys=True).encode()


def report_from_bytes(data: bytes, findings: Iterable[Finding] | None = None) -> CheckReport:
    """The report again; `findings` replaces the first ones, where a caller has read them all."""
    raw = json.loads(data)
    raw.pop("all_findings", None)
    first = [Finding(**{**f, "severity": Severity(f["severity"])}) for f in raw.pop("findings")]
    report = CheckReport(**raw, findings=Findings(first if findings is None else findings))
    return replace(report, verdict=Verdict(report.verdict))


def has_more_findings(data: bytes) -> bool:
    """Whether a kept report lists only the first of its findings."""
    raw = json.loads(data)
    return raw.get("all_findings", 0) > len(raw["findings"])
