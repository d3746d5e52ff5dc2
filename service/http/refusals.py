"""Events that are refused are written down, so that whoever looks after the connection finds them later too."""

from collections.abc import Sequence
from typing import Any

from service import logs
from service.errors import AftercareError
from service.store.refusals import Refused, record_refusals
from service.store.session import TROUBLE, Database

log = logs.get(__name__)


class Refusals:
    """Remembers refused events. What cannot be written down is refused all the same."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, clinic: str, refused: Sequence[tuple[Any, AftercareError]]) -> None:
        """`refused`: each item as it came, whatever it is, with its error."""
        found = [_refused(value, error) for value, error in refused if error.status < 500]
        if not found:
            return
        try:
            async with self._database.write() as connection:
                await record_refusals(connection, clinic, found, await self._database.now(connection))
        except TROUBLE as error:
            log.warning("refusals not kept", error=type(error).__name__)


def _refused(value: Any, error: AftercareError) -> Refused:
    named = value if isinstance(value, dict) else {}
    source, event, type_ = (_text(named.get(name)) for name in ("source", "id", "type"))
    return Refused(source, event, type_, error.problems)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
