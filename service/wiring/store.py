"""The database that the settings name."""

from service.settings import Settings
from service.store.session import Database

PATIENCE = 30.0
"""Seconds that a statement may take: none of ours needs one."""


def open_database(settings: Settings, *, patience: float | None = PATIENCE) -> Database:
    idle = settings.database.idle_in_transaction.total_seconds()
    return Database(settings.sqlalchemy_url, idle_in_transaction=idle, patience=patience)
