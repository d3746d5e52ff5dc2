"""Alembic's entry: runs on the connection that `service.store.schema` hands over."""

import sqlmodel  # noqa: F401 - column types of generated migrations
from alembic import context
from sqlmodel import SQLModel

from service.store import tables  # noqa: F401 - fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
