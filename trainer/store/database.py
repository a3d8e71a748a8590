"""The database: one engine, short transactions, migrations. SQLite in WAL mode or Postgres, same code."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    Connection,
    CursorResult,
    Executable,
    create_engine,
    event,
    literal,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.orm import Session

from trainer.errors import BadInput, MissingExtra, Unavailable
from trainer.store.tables import Claim, Table, now

AWAY = "database_away"  # code of the error that may be gone at the next try
MIGRATIONS = Path(__file__).parent / "migrations"
WAL_TRIES = 200  # 50 ms apart
MIGRATION_LOCK = 0x7E5317  # any constant: Postgres' advisory lock of this application


class Database:
    """`read()` and `write()` give a Session in one transaction; objects stay usable after it ends."""

    def __init__(self, url: str) -> None:
        self.url = _with_driver(url)
        self.sqlite = self.url.startswith("sqlite")
        try:
            if self.sqlite:
                _make_folder(Path(make_url(self.url).database or ""))
            self.engine = create_engine(self.url, pool_pre_ping=not self.sqlite)
        except ArgumentError:
            raise BadInput(
                "TUNESMITH_DATABASE_URL is not the address of a database.",
                fix="Write it as postgresql://user:password@host/name.",
                code="bad_database_url",
            ) from None
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"The database URL needs {error.name}, which is not installed.",
                fix="Install it with: pip install 'tunesmith[postgres]'",
            ) from None
        if self.sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction that may write. On SQLite it takes the write lock at once, so none deadlocks."""
        with self._session(writing=True) as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self._session(writing=False) as session:
            yield session

    @contextmanager
    def _session(self, *, writing: bool) -> Iterator[Session]:
        try:
            with (
                self.engine.connect().execution_options(tunesmith_writing=writing) as connection,
                Session(connection, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session
        except DatabaseError as error:
            if not _outside(error):
                raise
            why = str(error.orig) if self.sqlite else type(error.orig).__name__
            raise Unavailable(
                f"The database does not answer ({why}).",
                fix="Check TUNESMITH_DATABASE_URL, the disk and the database server, then try again.",
                code=AWAY,
            ) from error

    def clock(self) -> float:
        with self.read() as session:
            return session.scalar(select(now())) or 0.0

    def claim(self, key: str) -> bool:
        """True for the first caller with this key, for good; False for every later one, in any process."""
        with self.write() as session:
            return insert_once(session, Claim, key=key, at=session.scalar(select(now())))

    def migrate(self) -> None:
        """Bring the schema to the newest revision. Safe to call from many processes at once."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self.write() as session:
            if not self.sqlite:
                session.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            config.attributes["connection"] = session.connection()
            command.upgrade(config, "head")

    def dispose(self) -> None:
        self.engine.dispose()


def insert_once(session: Session, table: type[Table], **values: Any) -> bool:
    """INSERT … ON CONFLICT DO NOTHING; whether a row was added."""
    dialect = session.get_bind().dialect.name
    build = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = build(table).values(**values).on_conflict_do_nothing().returning(literal(1))
    return session.execute(statement).first() is not None


def upsert(session: Session, table: type[Table], keys: dict[str, Any], values: dict[str, Any]) -> None:
    dialect = session.get_bind().dialect.name
    build = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = build(table).values(**keys, **values)
    session.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=values))


def _outside(error: DatabaseError) -> bool:
    """The server or the disk is to blame, or the file is no database; every other error is ours."""
    return isinstance(error, OperationalError) or type(error) is DatabaseError


def _make_folder(database: Path) -> None:
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"The folder {database.parent} cannot be made ({error.strerror}).",
            fix="Set TUNESMITH_HOME to a folder that this account may write.",
            code="home_not_writable",
        ) from None


def _with_driver(url: str) -> str:
    for plain in ("postgres://", "postgresql://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _prepare_sqlite(raw: Any, _record: Any) -> None:
    raw.isolation_level = None  # we say BEGIN ourselves
    cursor = raw.cursor()
    cursor.execute("PRAGMA busy_timeout=30000")
    _switch_to_wal(cursor)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _switch_to_wal(cursor: Any) -> None:
    """SQLite does not wait for a lock here, whatever the timeout: of many that open a new file at once, one
    switches and the others find it done when they ask again."""
    for _ in range(WAL_TRIES - 1):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.05)
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("tunesmith_writing", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def changed(session: Session, statement: Executable) -> int:
    """Execute an UPDATE or DELETE; how many rows it touched."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount
