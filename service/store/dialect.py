"""What SQLAlchemy spells differently by database or by kind of statement: upserts, matching by several columns."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert(connection: AsyncConnection, table: sa.Table) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` on either database."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def among(
    connection: AsyncConnection, columns: Sequence[sa.Column[Any]], keys: Iterable[tuple[Any, ...]]
) -> sa.ColumnElement[bool]:
    """The columns together are one of `keys`, each as long as `columns`.

    On PostgreSQL the keys go as one JSON parameter and are joined: a list of hundreds of row values is planned as as
    many conditions, and read by a scan of the whole table.
    """
    wanted = sorted(set(keys))
    if connection.dialect.name != "postgresql":
        return sa.tuple_(*columns).in_(wanted)
    names = [f"k{number}" for number in range(len(columns))]
    rows = [dict(zip(names, key, strict=True)) for key in wanted]
    sent = sa.cast(sa.cast(sa.literal(orjson.dumps(rows, default=str).decode()), sa.Text), postgresql.JSON)
    listed = sa.func.json_to_recordset(sent).table_valued(
        *(sa.column(name, column.type) for name, column in zip(names, columns, strict=True))
    )
    return sa.tuple_(*columns).in_(sa.select(*listed.render_derived(with_types=True).c))
