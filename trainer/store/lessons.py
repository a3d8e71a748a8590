"""Lessons on record: a failure, what should have been said, the side that its hash chose, the version that holds it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from trainer.errors import Conflict, NotFound
from trainer.store.database import Database
from trainer.store.ids import new_id
from trainer.store.tables import Lesson, now


class Lessons:
    def __init__(self, db: Database) -> None:
        self.db = db

    def add(self, *, key: str, lineage: str, **columns: Any) -> tuple[Lesson, bool]:
        """A new lesson, or, where this prompt waits for its version already, that one with the newer answer; and
        whether it is new. Raises Conflict where a version holds this prompt."""
        with self.db.write() as session:
            same = select(Lesson).where(Lesson.lineage == lineage, Lesson.key == key)
            known = session.scalar(same.order_by(Lesson.created_at.desc()).limit(1))
            if known is not None and known.dataset_id is not None:
                raise Conflict(
                    f"This prompt is in {known.dataset_id} already, as lesson {known.id}.",
                    fix="Ask it in other words, so that the model learns more than this one prompt.",
                    code="lesson_known",
                )
            if known is not None:
                known.row, known.created_by = columns["row"], columns["created_by"]
                return known, False
            at = session.scalar(select(now()))
            row = Lesson(id=new_id("lesson-"), key=key, lineage=lineage, dataset_id=None, created_at=at, **columns)
            session.add(row)
        return row, True

    def get(self, lesson_id: str) -> Lesson:
        with self.db.read() as session:
            row = session.get(Lesson, lesson_id)
        if row is None:
            raise NotFound(f"There is no lesson “{lesson_id[:60]}”.", code="unknown_lesson")
        return row

    def of(self, lineage: str) -> list[Lesson]:
        """Every lesson of a dataset and its versions, oldest first."""
        query = select(Lesson).where(Lesson.lineage == lineage)
        with self.db.read() as session:
            return list(session.scalars(query.order_by(Lesson.created_at, Lesson.id)))

    def waiting(self, lineage: str) -> list[Lesson]:
        """Those that no version holds yet."""
        return [lesson for lesson in self.of(lineage) if lesson.dataset_id is None]

    def drop(self, lesson_id: str) -> None:
        """Forget a lesson that no version holds."""
        with self.db.write() as session:
            row = session.get(Lesson, lesson_id)
            if row is not None and row.dataset_id is None:
                session.delete(row)


def drop_of(session: Session, dataset_id: str) -> None:
    """Forget the lessons that a version holds, with their words."""
    session.execute(delete(Lesson).where(Lesson.dataset_id == dataset_id))


def hold(session: Session, ids: Collection[str], dataset_id: str) -> None:
    """A version holds these lessons from now on; within the transaction that makes it."""
    waiting = update(Lesson).where(Lesson.id.in_(ids), Lesson.dataset_id.is_(None))
    session.execute(waiting.values(dataset_id=dataset_id))
