"""What judges said, kept by the digest of all that they were asked: nobody is paid twice for one judgement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from trainer.store.database import Database, insert_once
from trainer.store.tables import Judgement, now


class Judgements:
    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, key: str) -> Judgement | None:
        with self._db.read() as session:
            return session.get(Judgement, key)

    def keep(self, key: str, said: dict[str, Any], cost_usd: float) -> None:
        """The first one stays, whoever else asked the same at the same time."""
        with self._db.write() as session:
            at = session.scalar(select(now()))
            insert_once(session, Judgement, key=key, said=said, cost_usd=cost_usd, at=at)
