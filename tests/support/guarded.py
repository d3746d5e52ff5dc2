"""Databases of tests refuse every change of state that `service.states` does not list, whoever writes it.

So each test of the suite, and every run of chaos, is one of the transition tables too.
"""

import sqlalchemy as sa

from service.states import ATTEMPT, REMINDER, pairs
from service.store.session import Database


async def guard_moves(database: Database) -> None:
    """Put a trigger before both tables."""
    statements = _postgresql() if database.is_postgresql else _sqlite()
    async with database.write() as connection:
        for statement in statements:
            await connection.execute(sa.text(statement))


def _allowed() -> dict[str, str]:
    """By table, the moves as SQL literals."""
    return {
        table: ", ".join(f"'{source}>{target}'" for source, target in sorted(moves))
        for table, moves in (("attempt", pairs(ATTEMPT)), ("reminder", pairs(REMINDER)))
    }


def _postgresql() -> list[str]:
    refuse = """
        CREATE FUNCTION refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'illegal move of % from % to %', TG_TABLE_NAME, OLD.state, NEW.state; END $$
    """
    return [refuse] + [
        f"CREATE TRIGGER guard_{table} BEFORE UPDATE OF state ON {table} FOR EACH ROW "
        f"WHEN (OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN ({moves})) "
        "EXECUTE FUNCTION refuse_move()"
        for table, moves in _allowed().items()
    ]


def _sqlite() -> list[str]:
    return [
        f"CREATE TRIGGER guard_{table} BEFORE UPDATE OF state ON {table} "
        f"WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN ({moves}) "
        f"BEGIN SELECT RAISE(ABORT, 'illegal move of {table}'); END"
        for table, moves in _allowed().items()
    ]
