"""The schema's revision, and refusing to run on one that does not fit this code; `schema` migrates up to it."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service import __version__
from service.errors import Problem, SchemaMismatch
from service.store.session import Database
from service.store.tables import SchemaInfo, core

REVISION = 4
"""The schema this code was written for; the newest file in `migrations/versions`."""
MINIMUM_CODE = "0.1.0"
"""The oldest release that may still run on this schema (a rolling deploy migrates first)."""


async def require_current(database: Database) -> None:
    """Raise SchemaMismatch unless this code may run on the database's schema."""
    async with database.read() as connection:
        found = await _found(connection)
    if found is None or found[0] < REVISION:
        raise SchemaMismatch(
            Problem(
                "schema-too-old",
                "database",
                f"the schema is at revision {found[0] if found else 0}, this code needs {REVISION}: "
                "run `aftercare migrate`",
            )
        )
    if found[0] > REVISION and _parts(found[1]) > _parts(__version__):
        raise SchemaMismatch(
            Problem(
                "schema-too-new",
                "database",
                f"the schema is at revision {found[0]} and needs aftercare {found[1]} or newer; this is {__version__}",
            )
        )


async def _found(connection: AsyncConnection) -> tuple[int, str] | None:
    if not await connection.run_sync(lambda sync: sa.inspect(sync).has_table("schema_info")):
        return None
    info = core(SchemaInfo)
    row = (
        await connection.execute(sa.select(info.c.revision, info.c.minimum_code).order_by(info.c.revision.desc()))
    ).first()
    return (row.revision, row.minimum_code) if row else None


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
