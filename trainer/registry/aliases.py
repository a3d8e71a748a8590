"""Aliases: the names programs call. Moved by compare-and-swap on their revision, never otherwise."""

from __future__ import annotations

import re

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from trainer.errors import BadInput, Conflict, NotFound
from trainer.store.database import Database, changed, insert_once
from trainer.store.tables import Alias, AliasRevision, now

NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,62}$")


def check_name(name: str) -> str:
    if not NAME.match(name):
        raise BadInput(
            f"“{re.sub(r'[^A-Za-z0-9._-]', '?', name[:40])}” cannot be an alias.",
            fix="Use 1–63 lower-case letters, digits, dots, dashes or underscores, such as tickets-prod.",
            code="bad_alias",
            param="alias",
        )
    return name


def swap(session: Session, name: str, model_id: str, *, expected: int, by: str, approval_id: str) -> int:
    """Point `name` at `model_id` if its revision is still `expected` (0: none yet). Returns the new one."""
    revision = expected + 1
    at = session.scalar(select(now()))
    if expected == 0:
        row = {"name": name, "model_id": model_id, "revision": 1, "updated_by": by, "updated_at": at}
        moved = insert_once(session, Alias, **row)
    else:
        held = (Alias.name == name, Alias.revision == expected)
        new = {"model_id": model_id, "revision": revision, "updated_by": by, "updated_at": at}
        moved = changed(session, update(Alias).where(*held).values(**new)) == 1
    if not moved:
        raise Conflict(
            f"Alias {name} has moved since this was asked.",
            fix="Look at what it points to now, and ask again.",
            code="alias_moved",
        )
    kept = {"name": name, "revision": revision, "model_id": model_id}
    session.execute(insert(AliasRevision).values(**kept, approval_id=approval_id, created_at=at))
    return revision


class Aliases:
    def __init__(self, db: Database) -> None:
        self.db = db

    def find(self, name: str) -> Alias | None:
        with self.db.read() as session:
            return session.get(Alias, name)

    def get(self, name: str) -> Alias:
        alias = self.find(name)
        if alias is None:
            raise NotFound(
                f"There is no alias “{name[:60]}”.",
                fix="Ask for “models” (or run `tunesmith alias`) to see them, or promote a model to make it.",
                code="unknown_alias",
                param="alias",
            )
        return alias

    def list(self) -> list[Alias]:
        with self.db.read() as session:
            return list(session.scalars(select(Alias).order_by(Alias.name)))

    def history(self, name: str) -> list[AliasRevision]:
        """Newest first."""
        query = select(AliasRevision).where(AliasRevision.name == name)
        with self.db.read() as session:
            return list(session.scalars(query.order_by(AliasRevision.revision.desc())))

    def previous_model(self, name: str) -> str | None:
        """What `name` pointed to before what it points to now; None when it never pointed elsewhere."""
        current = self.get(name)
        earlier = (h.model_id for h in self.history(name) if h.model_id != current.model_id)
        return next(earlier, None)
