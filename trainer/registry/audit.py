"""The audit log: append-only rows, each hash covering its content and the row before it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from trainer.store.database import Database
from trainer.store.tables import Audit, now

GENESIS = "0" * 64
AUDIT_LOCK = 0x7E5318


def append(session: Session, *, actor: str, action: str, subject: str, data: dict[str, Any]) -> Audit:
    """Add one row within the caller's transaction: what is done and that it was done commit together."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({AUDIT_LOCK})"))
    last = session.scalar(select(Audit).order_by(Audit.seq.desc()).limit(1))
    row = Audit(
        seq=(last.seq if last else 0) + 1,
        at=session.scalar(select(now())),
        actor=actor,
        action=action,
        subject=subject,
        data=data,
        prev_hash=last.hash if last else GENESIS,
    )
    row.hash = digest(row)
    session.add(row)
    session.flush()
    return row


def digest(row: Audit) -> str:
    content = [row.seq, repr(row.at), row.actor, row.action, row.subject, row.data, row.prev_hash]
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class AuditLog:
    def __init__(self, db: Database) -> None:
        self.db = db

    def list(self, *, limit: int = 100) -> list[Audit]:
        """Newest first."""
        with self.db.read() as session:
            return list(session.scalars(select(Audit).order_by(Audit.seq.desc()).limit(limit)))

    def verify(self) -> int | None:
        """None when the chain is whole, else the number of the first row that does not fit."""
        expected, number = GENESIS, 0
        with self.db.read() as session:
            for row in session.scalars(select(Audit).order_by(Audit.seq)).yield_per(500):
                number += 1
                if row.seq != number or row.prev_hash != expected or row.hash != digest(row):
                    return number
                expected = row.hash
        return None
