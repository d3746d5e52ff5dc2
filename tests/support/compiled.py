"""Statements compiled once a test process: each test has engines of its own, and compiling took a third of its time."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.util import LRUCache

_ROOM = 2_000


class _ByKind(LRUCache[Any, Any]):
    """What SQLAlchemy keeps for an engine, kept for all of a kind: they are made alike, in `service.store.session`."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_kind(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(_of_kind(key), compiled)


def _of_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return dialect.name, dialect.driver, dialect._json_serializer, *statement


_compiled = _ByKind(_ROOM)


def share_compiled() -> None:
    """From now on, by every engine that connects."""

    @sa.event.listens_for(sa.Engine, "engine_connect")
    def _share(connection: sa.Connection) -> None:
        connection.engine._compiled_cache = _compiled
