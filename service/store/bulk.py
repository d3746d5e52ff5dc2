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
_NOTHING: Json = {}


async def insert_many(
    connection: AsyncConnection,
    table: sa.Table,
    rows: Sequence[Json],
    *,
    same: Json = _NOTHING,
    returning: tuple[str, ...] = (),
) -> Sequence[Any]:
    """Insert rows that all have the same keys; one whose key is there already is left out, silently.

    `same` holds the values that all rows share: they are sent and read once. Returns the columns asked for of the rows
    that went in.
    """
    if not rows:
        return []
    if connection.dialect.name == "postgresql":
        statement = _pg_insert(table, tuple(rows[0]), tuple(same), (), "", returning)
        result = await connection.execute(statement, {"rows": _as_json(rows), **same})
    else:
        insert = sqlite.insert(table).on_conflict_do_nothing()
        returned = insert.returning(*(table.c[name] for name in returning)) if returning else insert
        result = await connection.execute(returned, [{**row, **same} for row in rows])
    return result.all() if returning else []


async def upsert_many(
    connection: AsyncConnection, table: sa.Table, rows: Sequence[Json], *, newest: str = "", unless: str = ""
) -> None:
    """Insert rows, or replace those that have the same primary key.

    With `newest` (a column) only where the stored value of that column is not greater than the new one; and not where
    `unless` holds, a condition in SQL on the stored row.
    """
    if not rows:
        return
    keys = tuple(column.name for column in table.primary_key.columns)
    if connection.dialect.name == "postgresql":
        await connection.execute(
            _pg_insert(table, tuple(rows[0]), (), keys, newest, (), unless), {"rows": _as_json(rows)}
        )
        return
    insert = sqlite.insert(table)
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    only: list[sa.ColumnExpressionArgument[bool]] = [insert.excluded[newest] >= table.c[newest]] if newest else []
    only += [sa.text(f"NOT ({unless})")] if unless else []
    where = sa.and_(*only) if only else None
    await connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed, where=where), list(rows))


async def update_many(
    connection: AsyncConnection,
    table: sa.Table,
    rows: Sequence[Json],
    *,
    by: tuple[str, ...],
    same: Json = _NOTHING,
    while_: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    """Set the other columns of each row, and those of `same`, where the columns named in `by` match.

    `while_` names constants that a column must still have: `{"state": ("scheduled", "sending")}`.
    """
    if not rows:
        return
    still = tuple((name, tuple(values)) for name, values in (while_ or {}).items())
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        statement = _pg_update(table, names, tuple(same), by, still)
        await connection.execute(statement, {"rows": _as_json(rows), **same})
        return
    bound = [{f"b_{name}": value for name, value in (*row.items(), *same.items())} for row in rows]
    await connection.execute(_row_update(table, (*names, *same), by, still), bound)


_Still = tuple[tuple[str, tuple[str, ...]], ...]


@cache
def _pg_insert(
    table: sa.Table,
    names: tuple[str, ...],
    same: tuple[str, ...],
    keys: tuple[str, ...],
    newest: str,
    returning: tuple[str, ...],
    unless: str = "",
) -> sa.TextClause:
    columns = ", ".join(_quoted(name) for name in (*names, *same))
    values = ", ".join((*(_quoted(name) for name in names), *(_given(table, name) for name in same)))
    changed = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in names if name not in keys)
    only = [f"excluded.{_quoted(newest)} >= {table.name}.{_quoted(newest)}"] if newest else []
    only += [f"NOT ({unless})"] if unless else []
    where = f" WHERE {' AND '.join(only)}" if only else ""
    conflict = f"({', '.join(keys)}) DO UPDATE SET {changed}{where}" if keys else "DO NOTHING"
    returned = f" RETURNING {', '.join(_quoted(name) for name in returning)}" if returning else ""
    return sa.text(
        f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM {_recordset(table, names)} "  # noqa: S608 - names of our own tables
        f"ON CONFLICT {conflict}{returned}"
    )


@cache
def _pg_update(
    table: sa.Table, names: tuple[str, ...], same: tuple[str, ...], by: tuple[str, ...], still: _Still
) -> sa.TextClause:
    changes = [f"{_quoted(name)} = new.{_quoted(name)}" for name in names if name not in by]
    changed = ", ".join((*changes, *(f"{_quoted(name)} = {_given(table, name)}" for name in same)))
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


def _given(table: sa.Table, name: str) -> str:
    """A value that all rows share, as a parameter of its column's type."""
    return f"CAST(:{name} AS {table.c[name].type.compile(_PG)})"


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
