"""Checkpoints of jobs that ended long ago make room. While a job can still go on, they are never touched."""

from __future__ import annotations

from contextlib import suppress

import structlog
from sqlalchemy import delete, select

from trainer.services import Services
from trainer.store.tables import Checkpoint, Job, now
from trainer.types import ENDED

log = structlog.get_logger()
DAY_S = 24 * 3600.0


def sweep(services: Services) -> int:
    """Delete the checkpoints of jobs that ended more than `settings.checkpoint_days` ago; how many jobs it were.

    Files first, rows after: what is interrupted in between is found again the next time.
    """
    swept = 0
    for job_id in _outdated(services, services.settings.checkpoint_days * DAY_S):
        try:
            _delete_files(services, job_id)
        except OSError as error:
            log.warning("checkpoints_stay", job=job_id, reason=type(error).__name__)
            continue
        with services.db.write() as session:
            session.execute(delete(Checkpoint).where(Checkpoint.job_id == job_id))
        log.info("checkpoints_swept", job=job_id)
        swept += 1
    return swept


def _outdated(services: Services, seconds: float) -> list[str]:
    ended = Job.status.in_([status.value for status in ENDED])
    query = select(Job.id).join(Checkpoint, Checkpoint.job_id == Job.id).where(ended, Job.finished_at < now() - seconds)
    with services.db.read() as session:
        return list(session.scalars(query.distinct()))


def _delete_files(services: Services, job_id: str) -> None:
    store = services.blobs.within(f"checkpoints/{job_id}")
    with suppress(FileNotFoundError):
        store.fs.rm(store.root, recursive=True)
