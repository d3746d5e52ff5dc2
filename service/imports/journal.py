"""Where an import keeps how far it got, so that a killed one goes on from there."""

from service.imports.progress import Progress
from service.store.imports import import_run, save_import_run
from service.store.session import Database


class Journal:
    """The progress of one file's import into one clinic."""

    def __init__(self, database: Database, clinic: str, digest: str) -> None:
        self._database = database
        self._clinic = clinic
        self._digest = digest

    async def begin(self) -> Progress:
        """Where to go on: after what an interrupted import did, else at the file's beginning."""
        async with self._database.read() as connection:
            row = await import_run(connection, self._clinic, self._digest)
        if row is None or not row.offset:
            return Progress()
        return Progress(row.offset, row.line, row.taken, row.repeated, row.rejected)

    async def save(self, progress: Progress, *, finished: bool = False) -> None:
        """Keep how far it got. A finished import begins anew when it is run again; its counts stay."""
        async with self._database.write() as connection:
            row = {
                "clinic": self._clinic,
                "digest": self._digest,
                "line": 0 if finished else progress.line,
                "offset": 0 if finished else progress.offset,
                "taken": progress.taken,
                "repeated": progress.repeated,
                "rejected": progress.rejected,
                "updated_at": await self._database.now(connection),
            }
            await save_import_run(connection, row)
