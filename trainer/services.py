"""Settings → Services: where concrete classes are chosen, once. Everyone else receives them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from trainer.jobs.ledger import Jobs
from trainer.jobs.processes import Heartbeats
from trainer.jobs.queue import Wakeups, connect
from trainer.registry.aliases import Aliases
from trainer.registry.approvals import Approvals
from trainer.registry.audit import AuditLog
from trainer.registry.keys import ApiKeys
from trainer.registry.models import Models
from trainer.settings import Settings, load_settings
from trainer.store.answers import Answers
from trainer.store.blobs import Blobs
from trainer.store.database import Database
from trainer.store.datasets import Datasets
from trainer.store.lessons import Lessons
from trainer.store.polls import Polls
from trainer.store.suites import Suites
from trainer.store.threads import Threads


@dataclass(frozen=True)
class Services:
    settings: Settings
    db: Database
    blobs: Blobs
    datasets: Datasets
    suites: Suites
    threads: Threads
    lessons: Lessons
    jobs: Jobs
    wakeups: Wakeups
    models: Models
    aliases: Aliases
    approvals: Approvals
    audit: AuditLog
    keys: ApiKeys
    heartbeats: Heartbeats
    answers: Answers
    polls: Polls


@contextmanager
def build_services(settings: Settings | None = None, *, migrate: bool = False) -> Iterator[Services]:
    """Open everything lazily (no connection is made here, except to migrate) and close it at the end."""
    settings = settings or load_settings()
    db = Database(settings.database)
    redis = connect(settings.redis)
    try:
        if migrate:
            db.migrate()
        audit = AuditLog(db)
        yield Services(
            settings=settings,
            db=db,
            blobs=Blobs(settings.blobs),
            datasets=Datasets(db),
            suites=Suites(db, Blobs(settings.blobs)),
            threads=Threads(db),
            lessons=Lessons(db),
            jobs=Jobs(db, max_attempts=settings.max_attempts),
            wakeups=Wakeups(redis),
            models=Models(db),
            aliases=Aliases(db),
            approvals=Approvals(db, hours=settings.approval_hours),
            audit=audit,
            keys=ApiKeys(db),
            heartbeats=Heartbeats(db),
            answers=Answers(db),
            polls=Polls(db),
        )
    finally:
        redis.close()
        db.dispose()
