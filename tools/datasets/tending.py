"""Look after datasets: where one came from, whose it is, how long it stays, what it holds; delete it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tools.context import TRAINER, Context
from tools.datasets.keeping import pick_dataset, report_of, stats_of
from trainer.data.report.readme import DatasetCard
from trainer.errors import BadInput, Conflict, Forbidden
from trainer.registry.audit import append
from trainer.store.lessons import drop_of
from trainer.store.tables import Dataset, Job
from trainer.types import ENDED

DAY_S = 24 * 3600.0
LICENSE_CHARS = 100


def lineage(context: Context, dataset_id: str | None) -> list[Dataset]:
    """Every version from the first upload to this one."""
    wanted = dataset_id or pick_dataset(context, None).id
    return context.services.datasets.lineage(wanted)


def set_license(context: Context, dataset_id: str | None, license: str) -> Dataset:
    """Say under which licence the data may be used; recorded with who said so."""
    dataset = _own(context, dataset_id, "set its licence")
    said = " ".join(license.split())[:LICENSE_CHARS]
    if not said:
        raise BadInput("A licence needs a name.", fix="For example: cc-by-4.0, mit or proprietary.", param="license")
    with context.services.db.write() as session:
        context.services.datasets.set_license(dataset.id, said, session)
        _log(context, session, "dataset.license", dataset, {"license": said, "before": dataset.license})
    return context.services.datasets.get(dataset.id)


def set_retention(context: Context, dataset_id: str | None, days: float | None) -> Dataset:
    """Keep it for `days` from now, None for good. Deleting it when they are over is a command of its own."""
    dataset = _own(context, dataset_id, "say how long it is kept")
    if days is not None and not 0 < days < 100_000:
        raise BadInput(
            "A retention is more than none and less than 100,000 days.", fix="For example: --days 90.", param="days"
        )
    until = None if days is None else context.services.db.clock() + days * DAY_S
    with context.services.db.write() as session:
        context.services.datasets.set_retention(dataset.id, until, session)
        _log(context, session, "dataset.retain", dataset, {"until": until, "before": dataset.retain_until})
    return context.services.datasets.get(dataset.id)


def expired(context: Context) -> list[Dataset]:
    """Datasets whose time is over and whose bytes are still here."""
    clock = context.services.db.clock()
    rows = context.services.datasets.list(limit=None)
    return [row for row in rows if row.retain_until is not None and row.retain_until < clock]


def delete(context: Context, dataset_id: str) -> Dataset:
    """Remove a version's bytes, report and split, what its children keep of its rows, as far as no other version shares
    them, the answers of its evaluations, and the lessons that it holds.

    The row stays: lineage and audit must be told. Raises Conflict while a job uses the data."""
    dataset = _own(context, dataset_id, "delete it")
    services = context.services
    with services.db.write() as session:
        using = session.scalars(
            select(Job.id).where(Job.dataset_id == dataset.id, Job.status.not_in([s.value for s in ENDED]))
        ).first()
        if using:
            raise Conflict(
                f"{dataset.id} is used by {using}.",
                fix=f"Wait for its end, or: tunesmith cancel {using}",
                code="dataset_in_use",
            )
        services.datasets.mark_deleted(dataset.id, session)
        drop_of(session, dataset.id)
        _log(context, session, "dataset.delete", dataset, {"sha256": dataset.sha256, "rows": dataset.rows})
    gone = {*_blobs(dataset), *(sha for child in services.datasets.children(dataset.id) for sha in _beside(child))}
    rows = services.datasets.list(limit=None)
    still_needed = {sha for row in rows for sha in _blobs(row, beside=row.parent_id != dataset.id)}
    gone |= set(services.models.answer_blobs(dataset.id))  # they hold its test rows
    for sha in gone - still_needed:
        services.blobs.delete(sha)
    return services.datasets.get(dataset.id)


def _blobs(row: Dataset, *, beside: bool = True) -> Iterator[str]:
    """Every blob that belongs to a version."""
    yield row.sha256
    yield row.report_sha256
    if row.findings_sha256:
        yield row.findings_sha256
    yield from (row.split or {}).get("blobs", {}).values()
    yield from _beside(row) if beside else ()


def _beside(row: Dataset) -> Iterator[str]:
    """Files with rows of the *parent*, before they were changed or set aside: they go when the parent goes."""
    yield from (row.change[name] for name in ("quarantine", "changes") if name in row.change)


def audit(context: Context, dataset_id: str | None) -> dict[str, Any]:
    """What kinds of sensitive content it holds, where and how many; who brought it, and how long it stays. Times are
    seconds since the epoch."""
    from trainer.data.privacy.audit import audit as told

    dataset = pick_dataset(context, dataset_id)
    times = {"uploaded_at": int(dataset.created_at), "retain_until": dataset.retain_until and int(dataset.retain_until)}
    who = {"dataset": dataset.id, "owner": dataset.owner, "source": dataset.source}
    return told(stats_of(context, dataset), **_brought(dataset)) | who | times


def audit_text(context: Context, dataset_id: str | None) -> str:
    """The audit in sentences, verdict first."""
    from trainer.data.privacy.audit import audit_text as told

    dataset = pick_dataset(context, dataset_id)
    return told(stats_of(context, dataset), **_brought(dataset))


def _brought(dataset: Dataset) -> dict[str, Any]:
    return {
        "uploaded_by": dataset.owner,
        "uploaded_at": day(dataset.created_at),
        "retain_until": day(dataset.retain_until) if dataset.retain_until else None,
        "dataset_id": dataset.id,
    }


def card_of(context: Context, dataset: Dataset) -> DatasetCard:
    """Everything that a version's card tells."""
    chain = lineage(context, dataset.id)
    return DatasetCard(
        name=dataset.filename,
        report=report_of(context, dataset),
        dataset_id=dataset.id,
        version=dataset.version,
        created_at=dataset.created_at,
        source=dataset.source,
        license=dataset.license,
        retain_until=dataset.retain_until,
        split=dataset.split,
        lineage=tuple(_step(row) for row in chain),
    )


def _step(row: Dataset) -> dict[str, Any]:
    return {
        "id": row.id,
        "version": row.version,
        "rows": row.accepted,
        "at": row.created_at,
        "change": {key: value for key, value in row.change.items() if key not in ("quarantine", "changes")},
    }


def _own(context: Context, dataset_id: str | None, to: str) -> Dataset:
    """The dataset, for its owner or somebody who may train."""
    dataset = pick_dataset(context, dataset_id)
    if dataset.owner != context.caller.user and TRAINER not in context.caller.roles:
        raise Forbidden(f"Only its owner or a trainer may {to}.", fix="Ask them.", code="missing_role")
    return dataset


def _log(context: Context, session: Session, action: str, dataset: Dataset, data: dict[str, Any]) -> None:
    append(session, actor=context.caller.user, action=action, subject=dataset.id, data=data)


def day(epoch: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(epoch))
