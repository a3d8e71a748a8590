"""Answers of evaluations that have not ended. They are dropped in the transaction that ends one well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from trainer.evals.asking import Key
from trainer.evals.case import Answer
from trainer.store.database import Database
from trainer.store.tables import GivenAnswer, now


def keep(session: Session, run: str, given: Sequence[tuple[Key, Answer]]) -> None:
    """All of them or none. One that is kept already stays as it was."""
    build: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    at = session.scalar(select(now()))
    rows = [
        {
            "run": run,
            "contestant": who,
            "suite": suite,
            "case_id": case,
            "answer": msgspec.to_builtins(answer),
            "at": at,
        }
        for (who, suite, case), answer in given
    ]
    session.execute(build(GivenAnswer).on_conflict_do_nothing(), rows)


def forget(session: Session, run: str) -> None:
    session.execute(delete(GivenAnswer).where(GivenAnswer.run == run))


class Answers:
    def __init__(self, db: Database) -> None:
        self.db = db

    def known(self, run: str) -> dict[Key, Answer]:
        """What was answered in this run before."""
        wanted = (GivenAnswer.contestant, GivenAnswer.suite, GivenAnswer.case_id, GivenAnswer.answer)
        with self.db.read() as session:
            rows = session.execute(select(*wanted).where(GivenAnswer.run == run)).yield_per(1000)
            return {(who, suite, case): msgspec.convert(said, Answer) for who, suite, case, said in rows}

    def drop_older(self, days: float) -> None:
        """Of evaluations that nobody took up again."""
        with self.db.write() as session:
            session.execute(delete(GivenAnswer).where(GivenAnswer.at < now() - days * 24 * 3600.0))
