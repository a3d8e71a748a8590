"""Alembic's entry: always called with a connection by `Database.migrate`, never from alembic.ini."""

from alembic import context

from trainer.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
