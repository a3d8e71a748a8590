"""What a Slack thread is about, so that "train it" needs no id."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.store.database import Database, upsert
from trainer.store.tables import ThreadLink


@dataclass(frozen=True, slots=True)
class Topic:
    """The newest dataset, job and model of a thread."""

    dataset_id: str | None = None
    job_id: str | None = None
    model_id: str | None = None


class Threads:
    def __init__(self, db: Database) -> None:
        self.db = db

    def topic(self, origin: dict[str, str]) -> Topic:
        if not origin.get("thread_ts"):
            return Topic()
        with self.db.read() as session:
            row = session.get(ThreadLink, (origin["channel"], origin["thread_ts"]))
        return Topic(row.dataset_id, row.job_id, row.model_id) if row else Topic()

    def known(self, channel: str, thread_ts: str) -> bool:
        """Whether this thread is one that Tunesmith takes part in."""
        with self.db.read() as session:
            return session.get(ThreadLink, (channel, thread_ts)) is not None

    def link(self, origin: dict[str, str], **ids: str) -> None:
        """Remember `dataset_id`, `job_id` or `model_id`; with none, only that the thread is ours."""
        if not origin.get("thread_ts"):
            return
        keys = {"channel": origin["channel"], "thread_ts": origin["thread_ts"]}
        with self.db.write() as session:
            row = session.get(ThreadLink, (keys["channel"], keys["thread_ts"]))
            if row is None or ids:
                upsert(session, ThreadLink, keys, ids or {"dataset_id": None})
