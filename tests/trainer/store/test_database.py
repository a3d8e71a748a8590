from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from trainer.errors import MissingExtra, Unavailable
from trainer.services import Services
from trainer.store.database import Database
from trainer.store.tables import Table


def test_the_migrations_make_exactly_the_tables(any_services: Services) -> None:
    with any_services.db.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []


def test_many_may_migrate_at_once(any_database: str) -> None:
    def migrate(_: int) -> None:
        database = Database(any_database)
        database.migrate()
        database.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, range(4)))


def test_a_claim_is_given_once_among_many(any_services: Services) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda _: any_services.db.claim("Ev1"), range(30)))

    assert sum(won) == 1


def test_the_clock_is_the_databases(any_services: Services) -> None:
    import time

    assert abs(any_services.db.clock() - time.time()) < 5


def test_an_unreachable_database_is_said_without_its_password() -> None:
    database = Database("postgresql://someone:hunter2@127.0.0.1:1/none")

    with pytest.raises(Unavailable) as caught, database.read():
        pass

    assert "TUNESMITH_DATABASE_URL" in str(caught.value) and "hunter2" not in str(caught.value)


def test_a_missing_driver_names_its_install_command() -> None:
    with pytest.raises(MissingExtra, match="tunesmith"):
        Database("mysql+mysqldb://x/y")
