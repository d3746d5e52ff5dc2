"""Many rows in one statement.

PostgreSQL gets them as one JSON parameter (`json_to_recordset`): binding thousands of parameters one by one costs more
than everything the database does with them. SQLite, which runs in the process, takes them row by row.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from service.types import Json

_PG = postgresql.dialect()  # type: ignore[no-untyped-call]


async def insert_many(
    connection: AsyncConnection, table: sa.Table, rows: Sequence[Json], *, returning: tuple[str, ...] = ()
) -> Sequence[Any]:
    """Insert rows that all have the same keys; one whose key is there already is left out, silently.

    Returns the columns asked for of the rows that went in.
    """
    if not rows:
        return []
    if connection.dialect.name == "postgresql":
        statement = _pg_insert(table, tuple(rows[0]), (), "", returning)
        result = await connection.execute(statement, {"rows": _as_json(rows)})
    else:
        insert = sqlite.insert(table).on_conflict_do_nothing()
        returned = insert.returning(*(table.c[name] for name in returning)) if returning else insert
        result = await connection.execute(returned, list(rows))
    return result.all() if returning else []


async def upsert_many(connection: AsyncConnection, table: sa.Table, rows: Sequence[Json], *, newest: str = "") -> None:
    """Insert rows, or replace those that have the same primary key.

    With `newest` (a column) only where the stored value of that column is not greater than the new one.
    """
    if not rows:
        return
    keys = tuple(column.name for column in table.primary_key.columns)
    if connection.dialect.name == "postgresql":
        await connection.execute(_pg_insert(table, tuple(rows[0]), keys, newest, ()), {"rows": _as_json(rows)})
        return
    insert = sqlite.insert(table)
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    where = insert.excluded[newest] >= table.c[newest] if newest else None
    await connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed, where=where), list(rows))


async def update_many(
    connection: AsyncConnection,
    table: sa.Table,
    rows: Sequence[Json],
    *,
    by: tuple[str, ...],
    while_: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    """Set the other columns of each row where those named in `by` match.

    `while_` names constants that a column must still have: `{"state": ("scheduled", "sending")}`.
    """
    if not rows:
        return
    still = tuple((name, tuple(values)) for name, values in (while_ or {}).items())
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        await connection.execute(_pg_update(table, names, by, still), {"rows": _as_json(rows)})
        return
    bound = [{f"b_{name}": value for name, value in row.items()} for row in rows]
    await connection.execute(_row_update(table, names, by, still), bound)


_Still = tuple[tuple[str, tuple[str, ...]], ...]


@cache
def _pg_insert(
    table: sa.Table, names: tuple[str, ...], keys: tuple[str, ...], newest: str, returning: tuple[str, ...]
) -> sa.TextClause:
    columns = ", ".join(_quoted(name) for name in names)
    changed = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in names if name not in keys)
    unless = f" WHERE excluded.{_quoted(newest)} >= {table.name}.{_quoted(newest)}" if newest else ""
    conflict = f"({', '.join(keys)}) DO UPDATE SET {changed}{unless}" if keys else "DO NOTHING"
    returned = f" RETURNING {', '.join(_quoted(name) for name in returning)}" if returning else ""
    return sa.text(
        f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {_recordset(table, names)} "  # noqa: S608 - names of our own tables
        f"ON CONFLICT {conflict}{returned}"
    )


@cache
def _pg_update(table: sa.Table, names: tuple[str, ...], by: tuple[str, ...], still: _Still) -> sa.TextClause:
    changed = ", ".join(f"{_quoted(name)} = new.{_quoted(name)}" for name in names if name not in by)
    matching = [f"old.{_quoted(name)} = new.{_quoted(name)}" for name in by]
    matching += [f"old.{_quoted(name)} IN ({', '.join(map(_literal, values))})" for name, values in still]
    return sa.text(
        f"UPDATE {table.name} AS old SET {changed} FROM {_recordset(table, names)} "  # noqa: S608 - names of our own tables
        f"WHERE {' AND '.join(matching)}"
    )


@cache
def _row_update(table: sa.Table, names: tuple[str, ...], by: tuple[str, ...], still: _Still) -> sa.Update:
    statement = table.update().where(*(table.c[name] == sa.bindparam(f"b_{name}") for name in by))
    for name, values in still:
        # IN cannot stand in a statement that is executed for many rows.
        statement = statement.where(sa.or_(*(table.c[name] == sa.literal_column(_literal(value)) for value in values)))
    return statement.values({name: sa.bindparam(f"b_{name}") for name in names if name not in by})


def _recordset(table: sa.Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(f"{_quoted(name)} {table.c[name].type.compile(_PG)}" for name in names)
    return f"json_to_recordset(CAST(CAST(:rows AS text) AS json)) AS new({columns})"


def _as_json(rows: Sequence[Json]) -> str:
    return orjson.dumps(rows, default=_plain).decode()


def _plain(value: object) -> str:
    """What orjson does not know by itself: the driver's own UUIDs and times."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _literal(value: str) -> str:
    return f"'{value}'"
