"""What all tables share: names of constraints, JSON on both databases, keys that carry the tenant."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import ForeignKeyConstraint, Index, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMES

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def to(table: str, *columns: str, key: tuple[str, ...] = ("id",)) -> ForeignKeyConstraint:
    """A foreign key that carries the tenant: (clinic, columns) -> table(clinic, key)."""
    return ForeignKeyConstraint(["clinic", *columns], [f"{table}.clinic", *(f"{table}.{name}" for name in key)])


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the few rows that `where` names: it stays small however many rows the table holds."""
    return Index(name, *columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def plain_times() -> None:
    """Let PostgreSQL's driver read times by itself: it gives aware UTC, and looking at each again in Python costs more.

    To be called once all tables are defined.
    """
    for table in SQLModel.metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, UTCDateTime):
                column.type = column.type.with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def core(model: type[SQLModel]) -> sa.Table:
    """The Core table beneath a model."""
    table: Any = model.__table__  # type: ignore[attr-defined]
    assert isinstance(table, sa.Table)  # noqa: S101 - narrows the type for mypy
    return table
