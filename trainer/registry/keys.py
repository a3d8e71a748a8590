"""API keys of the gateway: shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import select, update

from trainer.errors import BadInput, NotFound
from trainer.store.database import Database, changed
from trainer.store.ids import new_id
from trainer.store.tables import ApiKey, now

PREFIX = "sk-tune-"
LONGEST_NAME = 100


class ApiKeys:
    def __init__(self, db: Database) -> None:
        self.db = db

    def create(self, name: str, *, by: str) -> tuple[ApiKey, str]:
        """A new key: the row, and the secret that is never shown again."""
        if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
            raise BadInput(
                "A key needs a name of one line.", fix="Say who will use it, e.g. support-app.", code="bad_name"
            )
        secret = PREFIX + secrets.token_urlsafe(32)
        with self.db.write() as session:
            at = session.scalar(select(now()))
            row = ApiKey(id=new_id("key-"), name=name, hash=_hash(secret), created_by=by, created_at=at)
            session.add(row)
        return row, secret

    def find(self, secret: str) -> ApiKey | None:
        """The live key that `secret` opens, if any."""
        query = select(ApiKey).where(ApiKey.hash == _hash(secret), ApiKey.revoked_at.is_(None))
        with self.db.read() as session:
            return session.scalar(query)

    def list(self) -> list[ApiKey]:
        with self.db.read() as session:
            return list(session.scalars(select(ApiKey).order_by(ApiKey.created_at)))

    def revoke(self, key_id: str) -> None:
        live = update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        with self.db.write() as session:
            if not changed(session, live.values(revoked_at=now())):
                raise NotFound(f"There is no live API key “{key_id[:60]}”.", code="unknown_key")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
