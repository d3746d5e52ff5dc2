"""What SQLAlchemy spells differently by database or by kind of statement: upserts, matching by several columns."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Insert = postgresql.Insert | sqlite.Insert


def insert(connection: AsyncConnection, table: sa.Table) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` on either database."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def among(first: sa.Column[Any], second: sa.Column[Any], pairs: Iterable[tuple[str, Any]]) -> sa.ColumnElement[bool]:
    """(first, second) is one of `pairs`, written so that a key led by the clinic is used on both databases."""
    return sa.tuple_(first, second).in_(sorted(set(pairs)))
