"""Lists read as many rows as they show: whoever asks page by page pays for each row once."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from service.store.listings import clients_page
from service.store.session import Database
from tests.dispatch.acting import on_sqlite


@on_sqlite
@pytest.mark.parametrize("since", [None, datetime(2026, 5, 1, tzinfo=UTC)])
async def test_a_page_of_clients_looks_up_the_visits_of_each_by_an_index(
    database: Database, since: datetime | None
) -> None:
    asked: list[Any] = []

    @sa.event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def _(_connection: Any, _cursor: Any, *statement: Any) -> None:
        asked.append(statement[:2])

    async with database.read() as connection:
        await clients_page(connection, "glow", no_visit_since=since, after="c-1", limit=50)
        query, values = asked[-1]
        plan = [str(row.detail) for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)]
    steps = [step for step in plan if step.startswith(("SCAN", "SEARCH", "USE TEMP", "MATERIALIZE"))]
    assert steps[0].startswith("SEARCH client USING INDEX"), plan
    assert all("ix_treatment_client" in step for step in steps[1:]), plan
