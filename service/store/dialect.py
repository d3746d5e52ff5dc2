"""What SQLAlchemy spells differently by database or by kind of statement: upserts, matching by several columns."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

POSTGRESQL = "postgresql"


def insert(connection: AsyncConnection, table: sa.Table) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` on either database."""
    return postgresql.insert(table) if connection.dialect.name == POSTGRESQL else sqlite.insert(table)


def among(
    connection: AsyncConnection, columns: Sequence[sa.Column[Any]], keys: Iterable[tuple[Any, ...]]
) -> sa.ColumnElement[bool]:
    """The columns together are one of `keys`, each as long as `columns`.

    On PostgreSQL the keys go as one JSON parameter and are joined: a list of hundreds of row values is planned as as
    many conditions, and read by a scan of the whole table.
    """
    given = keys_for(connection, keys)
    if connection.dialect.name != POSTGRESQL:
        return sa.tuple_(*columns).in_(given)
    return sa.tuple_(*columns).in_(_read(sa.literal(given), columns))


def among_given(dialect: str, columns: Sequence[sa.Column[Any]], name: str) -> sa.ColumnElement[bool]:
    """The same for a statement that is made once for a dialect: it is given its keys, `keys_for`, as parameter `name`.

    Making a statement anew costs more than all the rest of executing it.
    """
    if dialect != POSTGRESQL:
        return sa.tuple_(*columns).in_(sa.bindparam(name, expanding=True))
    return sa.tuple_(*columns).in_(_read(sa.bindparam(name), columns))


def each_given(dialect: str, columns: Sequence[sa.Column[Any]], name: str, found: sa.Select[Any]) -> sa.Select[Any]:
    """What `found` finds for each key of parameter `name`, in the order of the keys on PostgreSQL.

    Each is looked up by itself there: OFFSET keeps the planner from joining instead. It cannot see how few the keys
    are, and reads all of a table that is small, or that it takes for small while the table is young.
    """
    if dialect != POSTGRESQL:
        return found.where(among_given(dialect, columns, name))
    given = records(
        sa.bindparam(name), *(sa.column(f"k{number}", column.type) for number, column in enumerate(columns))
    )
    named = (column == key for column, key in zip(columns, given.c, strict=True))
    one = found.where(*named).offset(sa.literal_column("0")).lateral("found")
    return sa.select(*one.c).select_from(given.join(one, sa.true()))


def keys_for(connection: AsyncConnection, keys: Iterable[tuple[Any, ...]]) -> Any:
    """Keys as a parameter of `among_given`."""
    wanted = sorted(set(keys))
    if connection.dialect.name != POSTGRESQL:
        return wanted
    names = [f"k{number}" for number in range(len(wanted[0]))] if wanted else []
    return as_records(dict(zip(names, key, strict=True)) for key in wanted)


def as_records(rows: Iterable[dict[str, Any]]) -> str:
    """Rows as a parameter that `records` reads."""
    return orjson.dumps(list(rows), default=str).decode()


def records(given: sa.ColumnElement[Any], *columns: sa.ColumnClause[Any]) -> sa.TableValuedAlias:
    """On PostgreSQL: one JSON parameter as rows of these columns."""
    sent = sa.cast(sa.cast(given, sa.Text), postgresql.JSON)
    return sa.func.json_to_recordset(sent).table_valued(*columns).render_derived(with_types=True)


def _read(given: sa.ColumnElement[Any], columns: Sequence[sa.Column[Any]]) -> sa.Select[Any]:
    named = (sa.column(f"k{number}", column.type) for number, column in enumerate(columns))
    return sa.select(*records(given, *named).c)
